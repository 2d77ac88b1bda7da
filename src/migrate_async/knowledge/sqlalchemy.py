"""What SQLAlchemy and SQLModel call their things, and which of their methods talk to the database.

Names are canonical dotted paths: the shortest public one (`sqlalchemy.orm.Session`), whatever
module or re-export the target imports them from. Facts are those of SQLAlchemy 1.4 to 2.1 and
SQLModel 0.0.x, read from their public documentation.
"""

from __future__ import annotations

from functools import cache

_HOME: dict[str, str] = {
    "sqlalchemy.engine": "sqlalchemy",
    "sqlalchemy.engine.base": "sqlalchemy",
    "sqlalchemy.engine.create": "sqlalchemy",
    "sqlalchemy.engine.cursor": "sqlalchemy",
    "sqlalchemy.engine.result": "sqlalchemy",
    "sqlalchemy.engine.row": "sqlalchemy",
    "sqlalchemy.engine.url": "sqlalchemy",
    "sqlalchemy.future": "sqlalchemy",
    "sqlalchemy.future.engine": "sqlalchemy",
    "sqlalchemy.schema": "sqlalchemy",
    "sqlalchemy.types": "sqlalchemy",
    "sqlalchemy.sql": "sqlalchemy",
    "sqlalchemy.sql.base": "sqlalchemy",
    "sqlalchemy.sql.elements": "sqlalchemy",
    "sqlalchemy.sql.expression": "sqlalchemy",
    "sqlalchemy.sql.schema": "sqlalchemy",
    "sqlalchemy.sql.selectable": "sqlalchemy",
    "sqlalchemy.sql.sqltypes": "sqlalchemy",
    "sqlalchemy.ext.declarative": "sqlalchemy.orm",
    "sqlalchemy.ext.declarative.api": "sqlalchemy.orm",
    "sqlalchemy.orm.attributes": "sqlalchemy.orm",
    "sqlalchemy.orm.decl_api": "sqlalchemy.orm",
    "sqlalchemy.orm.query": "sqlalchemy.orm",
    "sqlalchemy.orm.relationships": "sqlalchemy.orm",
    "sqlalchemy.orm.scoping": "sqlalchemy.orm",
    "sqlalchemy.orm.session": "sqlalchemy.orm",
    "sqlalchemy.orm.strategy_options": "sqlalchemy.orm",
    "sqlalchemy.ext.asyncio.engine": "sqlalchemy.ext.asyncio",
    "sqlalchemy.ext.asyncio.result": "sqlalchemy.ext.asyncio",
    "sqlalchemy.ext.asyncio.scoping": "sqlalchemy.ext.asyncio",
    "sqlalchemy.ext.asyncio.session": "sqlalchemy.ext.asyncio",
    "sqlmodel.main": "sqlmodel",
    "sqlmodel.orm.session": "sqlmodel",
    "sqlmodel.sql.expression": "sqlmodel",
    "sqlmodel.sql._expression_select_cls": "sqlmodel",
    "sqlmodel.ext.asyncio.session": "sqlmodel.ext.asyncio",
}

_SQLMODEL_OWN = frozenset(
    {"Session", "SQLModel", "Field", "Relationship", "select", "col", "ext", "orm", "main", "sql"}
)
"""What SQLModel defines itself; the rest of its names are SQLAlchemy's, re-exported."""


@cache
def canonical(dotted: str) -> str:
    """The public name of what `dotted` imports; names of other packages come back as they are."""
    if dotted in _HOME:
        return dotted
    module, _, name = dotted.rpartition(".")
    module = _HOME.get(module, module)
    if module == "sqlmodel" and name not in _SQLMODEL_OWN:
        module = "sqlalchemy"
    return f"{module}.{name}" if module else name


SESSION = "sqlalchemy.orm.Session"
SCOPED_SESSION = "sqlalchemy.orm.scoped_session"
ASYNC_SCOPED_SESSION = "sqlalchemy.ext.asyncio.async_scoped_session"
TASK_SCOPED_SESSION = "migrate_async.task_scoped_session"
SQLMODEL_SESSION = "sqlmodel.Session"
ASYNC_SESSION = "sqlalchemy.ext.asyncio.AsyncSession"
SQLMODEL_ASYNC_SESSION = "sqlmodel.ext.asyncio.AsyncSession"
QUERY = "sqlalchemy.orm.Query"
SESSIONMAKER = "sqlalchemy.orm.sessionmaker"
ASYNC_SESSIONMAKER = "sqlalchemy.ext.asyncio.async_sessionmaker"
ENGINE = "sqlalchemy.Engine"
CONNECTION = "sqlalchemy.Connection"
ASYNC_ENGINE = "sqlalchemy.ext.asyncio.AsyncEngine"
ASYNC_CONNECTION = "sqlalchemy.ext.asyncio.AsyncConnection"
TABLE = "sqlalchemy.Table"

SYNC_SESSION = "sync_session"
"""The attribute of an `AsyncSession` that is its sync side."""
SESSIONS = frozenset({SESSION, SCOPED_SESSION, SQLMODEL_SESSION})
ASYNC_SESSIONS = frozenset({ASYNC_SESSION, SQLMODEL_ASYNC_SESSION, ASYNC_SCOPED_SESSION})
SESSION_PROXIES = frozenset(
    {"fastapi_sqlalchemy.db.session", "fastapi_async_sqlalchemy.db.session"}
)
"""Module-level objects of third-party packages whose value is a session."""
INSTANCE_STATE = "sqlalchemy.orm.InstanceState"
"""What `inspect(x)` gives of an object of a model."""
STATE_OF_OBJECT = frozenset(
    {
        "sqlalchemy.inspect",
        "sqlalchemy.inspection.inspect",
        "sqlalchemy.orm.attributes.instance_state",
    }
)
SESSION_ATTRIBUTES: dict[tuple[str, str], str] = {
    (INSTANCE_STATE, "session"): SESSION,
    (INSTANCE_STATE, "async_session"): ASYNC_SESSION,
    ("flask_sqlalchemy.SQLAlchemy", "session"): SCOPED_SESSION,
    ("fastapi_sqlalchemy.DBSessionMiddleware", "session"): SESSION,
    (ASYNC_SESSION, "sync_session"): SESSION,
    (SQLMODEL_ASYNC_SESSION, "sync_session"): SESSION,
    (SESSION, "bind"): ENGINE,
    (SQLMODEL_SESSION, "bind"): ENGINE,
    (ASYNC_ENGINE, "sync_engine"): ENGINE,
    (ASYNC_CONNECTION, "sync_connection"): CONNECTION,
    (CONNECTION, "engine"): ENGINE,
}
"""Attributes of library objects that are themselves sessions, engines or connections."""

FOREIGN_SESSIONS = {
    "flask_sqlalchemy.SQLAlchemy": "Flask-SQLAlchemy",
    "fastapi_sqlalchemy.db": "fastapi-sqlalchemy",
    "fastapi_sqlalchemy.DBSessionMiddleware": "fastapi-sqlalchemy",
}
"""Objects whose `session` a package makes, a sync one, and the name of the package."""

OWNERS: dict[str, tuple[str, bool]] = {
    **dict.fromkeys(SESSIONS, ("session", False)),
    **dict.fromkeys(ASYNC_SESSIONS, ("session", True)),
    ENGINE: ("engine", False),
    CONNECTION: ("connection", False),
    ASYNC_ENGINE: ("engine", True),
    ASYNC_CONNECTION: ("connection", True),
    QUERY: ("query", False),
    "sqlalchemy.orm.SessionTransaction": ("transaction", False),
    "sqlalchemy.Transaction": ("transaction", False),
    "sqlalchemy.NestedTransaction": ("transaction", False),
    "sqlalchemy.RootTransaction": ("transaction", False),
    "sqlalchemy.ext.asyncio.AsyncSessionTransaction": ("transaction", True),
    "sqlalchemy.ext.asyncio.AsyncTransaction": ("transaction", True),
    "sqlalchemy.ext.asyncio.AsyncResult": ("result", True),
    "sqlalchemy.ext.asyncio.AsyncScalarResult": ("result", True),
    "sqlalchemy.ext.asyncio.AsyncMappingResult": ("result", True),
    SESSIONMAKER: ("factory", False),
    ASYNC_SESSIONMAKER: ("factory", True),
}
"""Library class to (owner of an operation, whether its operations are awaited)."""

OPERATIONS: dict[str, frozenset[str]] = {
    "session": frozenset(
        {
            "begin",
            "begin_nested",
            "bulk_insert_mappings",
            "bulk_save_objects",
            "bulk_update_mappings",
            "close",
            "close_all",
            "commit",
            "connection",
            "delete",
            "exec",
            "execute",
            "flush",
            "get",
            "get_one",
            "invalidate",
            "merge",
            "merge_all",
            "prepare",
            "refresh",
            "remove",
            "reset",
            "rollback",
            "run_sync",
            "scalar",
            "scalars",
            "stream",
            "stream_scalars",
        }
    ),
    "query": frozenset(
        {
            "all",
            "count",
            "delete",
            "first",
            "get",
            "one",
            "one_or_none",
            "paginate",
            "scalar",
            "update",
            "__iter__",
            "__getitem__",
        }
    ),
    "connection": frozenset(
        {
            "begin",
            "begin_nested",
            "close",
            "commit",
            "exec_driver_sql",
            "execute",
            "invalidate",
            "rollback",
            "run_callable",
            "run_sync",
            "scalar",
            "scalars",
            "stream",
            "stream_scalars",
        }
    ),
    "engine": frozenset({"begin", "connect", "dispose", "execute", "raw_connection", "scalar"}),
    "transaction": frozenset({"commit", "rollback", "close", "prepare", "start"}),
    "result": frozenset(
        {"all", "close", "fetchall", "fetchmany", "fetchone", "first", "one", "one_or_none"}
        | {"partitions", "scalar", "scalar_one", "scalar_one_or_none"}
    ),
    "factory": frozenset({"begin"}),
}
"""Methods that talk to the database, per owner. `delete` of a session only does in async code."""

GIVES_LOADED = frozenset({"query", "get", "get_one", "execute", "exec", "scalar", "scalars"})
"""Methods of a session by which code comes to objects that are in it, and in the database."""

LETS_GO = frozenset({"expunge", "expunge_all", "make_transient", "make_transient_to_detached"})
"""What takes objects out of their session."""

QUERY_ONE = frozenset({"first", "one", "one_or_none", "get"})
QUERY_ENDS = frozenset({"count", "delete", "update", "scalar"})
QUERY_OTHER = frozenset({"exists", "subquery", "cte", "label", "as_scalar", "scalar_subquery"})
"""Query methods that give neither a query nor entities."""

RESULT_ONE = frozenset({"first", "one", "one_or_none", "fetchone"})
RESULT_ALL = frozenset({"all", "fetchall", "fetchmany", "partitions"})
RESULT_SCALAR = frozenset({"scalar", "scalar_one", "scalar_one_or_none"})
RESULT_SAME = frozenset({"unique", "yield_per", "columns", "tuples", "freeze"})

SELECT_OTHER = frozenset({"subquery", "cte", "alias", "scalar_subquery", "exists", "lateral"})

SELECT = "sqlalchemy.Select"
SELECTS = frozenset({"sqlalchemy.select", "sqlmodel.select"})
TEXTS = frozenset({"sqlalchemy.text", "sqlalchemy.sql.text", "sqlmodel.text"})
OBJECT_SESSION = "sqlalchemy.orm.object_session"
OBJECT_SESSIONS = frozenset({OBJECT_SESSION, f"{SESSION}.object_session"})
ASYNC_OBJECT_SESSION = "sqlalchemy.ext.asyncio.async_object_session"
ASYNC_SESSION_OF_STATE = "async_session"
"""The attribute of an `InstanceState`."""
ALIASED = frozenset({"sqlalchemy.orm.aliased", "sqlalchemy.orm.with_polymorphic"})
RELATIONSHIPS = frozenset(
    {
        "sqlalchemy.orm.relationship",
        "sqlalchemy.orm.relation",
        "sqlalchemy.orm.dynamic_loader",
        "sqlmodel.Relationship",
    }
)
ON_ACCESS = frozenset({"", "select", "True"})
"""Values of `lazy=` that run SQL when the attribute is read."""
EAGER = frozenset({"joined", "selectin", "subquery", "immediate"})
"""Values of `lazy=` that load with the object."""
BASES_TO_DERIVE = frozenset(
    {"sqlalchemy.orm.DeclarativeBase", "sqlalchemy.orm.DeclarativeBaseNoMeta"}
)
"""Classes of which a project derives its declarative base."""
BASES_OF_ALL_MODELS = BASES_TO_DERIVE | {"sqlmodel.SQLModel"}
"""What an annotation names that means an object of some model: `-> SQLModel`."""
MADE_BASE = "sqlalchemy.orm.declarative_base()"
"""The declarative base that a factory makes."""
FLASK_BASE = "flask_sqlalchemy.SQLAlchemy.Model"
"""`db.Model`, which names the tables itself."""
MAPPED_BY_REGISTRY = "sqlalchemy.orm.registry.mapped()"
"""Stands for the base that a class does not have which a decorator maps."""
MAPPED_BY_CALL = "sqlalchemy.orm.registry.map_imperatively()"
"""The same for one that a call maps."""
MAPPED_WITHOUT_BASE = frozenset({MAPPED_BY_REGISTRY, MAPPED_BY_CALL})
DECLARATIVE_BASES = (
    BASES_TO_DERIVE | {"sqlmodel.SQLModel", MADE_BASE, FLASK_BASE} | MAPPED_WITHOUT_BASE
)
MAPPING_DECORATORS = frozenset({"mapped", "mapped_as_dataclass"})
"""Methods of a registry; the second is a function of SQLAlchemy 2.1, too."""
IMPERATIVE_MAPPINGS = frozenset({"map_imperatively", "mapper"})
"""Calls with a class and its table; the second is that of SQLAlchemy 1."""
BASE_FACTORIES = frozenset(
    {
        "sqlalchemy.orm.declarative_base",
        "sqlalchemy.orm.as_declarative",
        "sqlalchemy.ext.automap.automap_base",
    }
)
COLLECTION_ANNOTATIONS = frozenset(
    {"List", "list", "Set", "set", "Sequence", "Collection", "FrozenSet", "frozenset", "Iterable"}
)

ENGINE_FACTORIES: dict[str, str] = {
    "sqlalchemy.create_engine": ENGINE,
    "sqlalchemy.engine_from_config": ENGINE,
    "sqlalchemy.ext.asyncio.create_async_engine": ASYNC_ENGINE,
    "sqlalchemy.ext.asyncio.async_engine_from_config": ASYNC_ENGINE,
    "migrate_async.blocking_engine": ENGINE,
    "migrate_async.async_engine_from_config": ASYNC_ENGINE,
    "migrate_async.async_engine_from_url": ASYNC_ENGINE,
    "migrate_async.create_async_engine": ASYNC_ENGINE,
}
MAPPED = frozenset(
    {"Mapped", "DynamicMapped", "WriteOnlyMapped", "InstrumentedAttribute", "RelationshipProperty"}
)

INSPECTORS = frozenset(
    {"sqlalchemy.inspect", "sqlalchemy.inspection.inspect"}
    | {f"sqlalchemy.{place}.Inspector.from_engine" for place in ("engine", "engine.reflection")}
    | {f"sqlalchemy.{place}.Inspector" for place in ("engine", "engine.reflection")}
)
"""What gives an `Inspector`, and takes neither an `AsyncEngine` nor an `AsyncConnection`."""
