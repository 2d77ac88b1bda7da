"""What SQLAlchemy 1.4, 2.0 and 2.1 removed or deprecated, and what to write instead.

Facts are those of the changelogs and migration guides of SQLAlchemy 1.4, 2.0 and 2.1, held against
the public names of the releases 1.3.24, 1.4.54, 2.0.44 and 2.1.9. `source` says where to read it: a
label or a ticket of those documents.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Change:
    """One fact.

    `removed` is the release that no longer has it, `deprecated` the one that warns about it. With
    `renamed`, the new name takes its place and nothing else changes.
    """

    instead: str
    source: str
    removed: str = ""
    deprecated: str = ""
    renamed: str = ""
    harmless_if_false: bool = False
    """For an argument: `False` and `None` are still taken."""

    @property
    def fate(self) -> str:
        """`was removed in SQLAlchemy 2.0`."""
        if self.removed:
            return f"was removed in SQLAlchemy {self.removed}"
        return f"is deprecated since SQLAlchemy {self.deprecated}"


def _renamed(name: str, source: str, removed: str = "", deprecated: str = "") -> Change:
    return Change(f"`{name}`", source, removed, deprecated, name)


_PATHS = "changelog_14: 4642"
_EXTENSIONS = "changelog_14: 4638"
_GONE = "changelog_14: 4643"
_RESULTS = "migration_20: result rows"
_SELECT_MUTATORS = "changelog_20: 7257, in-place mutators of `Select`"
_IMPLICIT = "migration_20: implicit execution"
_CHAINED = "chained options: `joinedload(A.b).joinedload(B.c)`"
_EVENTS = "the event API: `sqlalchemy.event.listen()`"

NAMES: dict[str, Change] = {
    "sqlalchemy.orm.relation": _renamed("relationship", "migration_20: relation()", "2.0"),
    "sqlalchemy.orm.eagerload": _renamed("joinedload", "migration_20: eagerload()", "2.0"),
    "sqlalchemy.orm.eagerload_all": Change(_CHAINED, _PATHS, "1.4"),
    "sqlalchemy.orm.joinedload_all": Change(_CHAINED, _PATHS, "1.4"),
    "sqlalchemy.orm.lazyload_all": Change(_CHAINED, _PATHS, "1.4"),
    "sqlalchemy.orm.selectinload_all": Change(_CHAINED, _PATHS, "1.4"),
    "sqlalchemy.orm.subqueryload_all": Change(_CHAINED, _PATHS, "1.4"),
    "sqlalchemy.orm.comparable_property": Change(
        "`hybrid_property` with a comparator", _GONE, "1.4"
    ),
    "sqlalchemy.orm.compile_mappers": Change(
        "`configure_mappers`", _GONE, "1.4", renamed="configure_mappers"
    ),
    "sqlalchemy.orm.AttributeExtension": Change(_EVENTS, _EXTENSIONS, "1.4"),
    "sqlalchemy.orm.MapperExtension": Change(_EVENTS, _EXTENSIONS, "1.4"),
    "sqlalchemy.orm.SessionExtension": Change(_EVENTS, _EXTENSIONS, "1.4"),
    "sqlalchemy.interfaces": Change(_EVENTS, _EXTENSIONS, "1.4"),
    "sqlalchemy.orm.contains_alias": Change(
        "nothing: it has no effect", "orm.contains_alias()", deprecated="1.4"
    ),
    "sqlalchemy.orm.noload": Change(
        "`raiseload()`, or `lazy='write_only'`", "changelog_21: 11045", deprecated="2.1"
    ),
    "sqlalchemy.orm.declarative_mixin": Change(
        "nothing: leave it out", "changelog_21: 12346", deprecated="2.1"
    ),
    "sqlalchemy.subquery": Change("`select(...).subquery()`", "sql.subquery()", "2.0"),
    "sqlalchemy.ThreadLocalMetaData": Change("`MetaData`", "changelog_20: 7257", "2.0"),
    "sqlalchemy.Binary": _renamed("LargeBinary", _GONE, "1.4"),
    "sqlalchemy.PassiveDefault": _renamed("DefaultClause", _GONE, "1.4"),
    "sqlalchemy.RowProxy": Change("`sqlalchemy.Row`", _RESULTS, "1.4"),
    "sqlalchemy.BaseRowProxy": Change("`sqlalchemy.Row`", _RESULTS, "1.4"),
    "sqlalchemy.LegacyRow": Change("`sqlalchemy.Row`", _RESULTS, "2.0"),
    "sqlalchemy.LegacyCursorResult": Change("`sqlalchemy.CursorResult`", _RESULTS, "2.0"),
    "sqlalchemy.exc.RemovedIn20Warning": Change(
        "`MovedIn20Warning` or `LegacyAPIWarning`", "migration_20: deprecations mode", "2.0"
    ),
    "sqlalchemy.databases": Change("`sqlalchemy.dialects`", "changelog_20: 7258", "2.0"),
    "sqlalchemy.processors": Change("a `TypeDecorator`", "changelog_20: 7256", "2.0"),
    "sqlalchemy.dialects.firebird": Change(
        "the package sqlalchemy-firebird", "changelog_20: 7258", "2.0"
    ),
    "sqlalchemy.dialects.sybase": Change(
        "the package sqlalchemy-sybase", "changelog_20: 7258", "2.0"
    ),
    "sqlalchemy.pool.manage": Change("a pool of `create_engine()`", "changelog_20: 7257", "2.0"),
    "sqlalchemy.pool.clear_managers": Change(
        "a pool of `create_engine()`", "changelog_20: 7257", "2.0"
    ),
    "sqlalchemy.ext.baked.bake_lazy_loaders": Change("nothing: leave it out", "ext.baked", "2.0"),
    "sqlalchemy.ext.baked.unbake_lazy_loaders": Change("nothing: leave it out", "ext.baked", "2.0"),
    "sqlalchemy.orm.instrument_declarative": Change(
        "`registry.map_declaratively()`", "ext.declarative.instrument_declarative()", "2.0"
    ),
    "sqlalchemy.orm.comparable_using": Change("`hybrid_property` with a comparator", _GONE, "1.4"),
    "sqlalchemy.ext.mypy": Change("`Mapped[...]` annotations", "changelog_21: 12293", "2.1"),
    "sqlalchemy.FallbackAsyncAdaptedQueuePool": Change(
        "`AsyncAdaptedQueuePool`", "changelog_21: async_fallback", "2.1"
    ),
    "sqlalchemy.pool.FallbackAsyncAdaptedQueuePool": Change(
        "`AsyncAdaptedQueuePool`", "changelog_21: async_fallback", "2.1"
    ),
}
"""Importable names, canonical (`knowledge.sqlalchemy.canonical`)."""

CALLS: dict[str, Change] = {
    "sqlalchemy.orm.mapper": Change(
        "`registry().map_imperatively()`", "changelog_20: 7257, orm.mapper()", "2.0"
    ),
}
"""Names that can still be imported and only raise when they are called."""

MOVED_DECLARATIVE = frozenset(
    {
        "DeclarativeMeta",
        "as_declarative",
        "declarative_base",
        "declared_attr",
        "has_inherited_table",
        "synonym_for",
    }
)
"""Names of `sqlalchemy.ext.declarative` whose home is `sqlalchemy.orm` since 1.4."""

METHODS: dict[str, Change] = {
    # --- engines and connections -----------------------------------------------------------
    "sqlalchemy.Engine.transaction": Change("`engine.begin()`", _IMPLICIT, "2.0"),
    "sqlalchemy.Engine.run_callable": Change("`with engine.begin()`", _IMPLICIT, "2.0"),
    "sqlalchemy.Engine.table_names": Change(
        "`inspect(engine).get_table_names()`", "Engine.table_names()", "2.0"
    ),
    "sqlalchemy.Engine.has_table": Change(
        "`inspect(engine).has_table(...)`", "Engine.has_table()", "2.0"
    ),
    "sqlalchemy.Engine.contextual_connect": Change("`connect()`", _GONE, "1.4"),
    "sqlalchemy.Connection.connect": Change(
        "the connection itself", "migration_20: branched connections", "2.0"
    ),
    "sqlalchemy.Connection.contextual_connect": Change("the connection itself", _GONE, "1.4"),
    "sqlalchemy.Connection.transaction": Change("`connection.begin()`", _IMPLICIT, "2.0"),
    "sqlalchemy.Connection.run_callable": Change(
        "a call of the function with the connection", _IMPLICIT, "2.0"
    ),
    # --- sessions --------------------------------------------------------------------------
    "sqlalchemy.orm.Session.prune": Change("nothing: leave it out", _GONE, "1.4"),
    "sqlalchemy.orm.Session.close_all": Change(
        "`sqlalchemy.orm.close_all_sessions()`", "changelog_21: 12441", "2.1", deprecated="1.3"
    ),
    # --- queries ---------------------------------------------------------------------------
    "sqlalchemy.orm.Query.from_self": Change(
        "`aliased(Model, query.subquery())`", "migration_20_query_from_self", "2.0"
    ),
    "sqlalchemy.orm.Query.select_entity_from": Change(
        "`aliased(Model, subquery)`", "Query.select_entity_from()", "2.0"
    ),
    "sqlalchemy.orm.Query.with_polymorphic": Change(
        "the function `sqlalchemy.orm.with_polymorphic()`", "Query.with_polymorphic()", "2.0"
    ),
    "sqlalchemy.orm.Query.with_lockmode": Change("`with_for_update()`", _GONE, "1.4"),
    "sqlalchemy.orm.Query.as_scalar": _renamed(
        "scalar_subquery", "changelog_14: 4617", deprecated="1.4"
    ),
    "sqlalchemy.orm.Query.add_column": _renamed(
        "add_columns", "Query.add_column()", deprecated="1.4"
    ),
    "sqlalchemy.orm.Query.values": Change("`with_entities()`", "Query.values()", deprecated="1.4"),
    "sqlalchemy.orm.Query.value": Change(
        "`with_entities()` and `scalar()`", "Query.value()", deprecated="1.4"
    ),
    # --- statements ------------------------------------------------------------------------
    "sqlalchemy.Select.as_scalar": _renamed(
        "scalar_subquery", "changelog_14: 4617", deprecated="1.4"
    ),
    "sqlalchemy.Select.column": _renamed("add_columns", "Select.column()", deprecated="1.4"),
    "sqlalchemy.Select.append_column": Change("`add_columns()`", _SELECT_MUTATORS, "2.0"),
    "sqlalchemy.Select.append_correlation": Change("`correlate()`", _SELECT_MUTATORS, "2.0"),
    "sqlalchemy.Select.append_from": Change("`select_from()`", _SELECT_MUTATORS, "2.0"),
    "sqlalchemy.Select.append_group_by": Change("`group_by()`", _SELECT_MUTATORS, "2.0"),
    "sqlalchemy.Select.append_having": Change("`having()`", _SELECT_MUTATORS, "2.0"),
    "sqlalchemy.Select.append_order_by": Change("`order_by()`", _SELECT_MUTATORS, "2.0"),
    "sqlalchemy.Select.append_prefix": Change("`prefix_with()`", _SELECT_MUTATORS, "2.0"),
    "sqlalchemy.Select.append_whereclause": Change("`where()`", _SELECT_MUTATORS, "2.0"),
    "sqlalchemy.Select.apply_labels": Change(
        "`set_label_style(LABEL_STYLE_TABLENAME_PLUS_COL)`", "Select.apply_labels()", "2.0"
    ),
    "sqlalchemy.Select.count": Change("`select(func.count()).select_from(...)`", _GONE, "1.4"),
    "sqlalchemy.Select.select": Change(
        "`.subquery().select()`", "changelog_21: 10236", "2.1", deprecated="1.4"
    ),
    # --- schema ----------------------------------------------------------------------------
    "sqlalchemy.Table.exists": Change("`inspect(engine).has_table()`", "Table.exists()", "2.0"),
    "sqlalchemy.Table.tometadata": _renamed("to_metadata", "Table.tometadata()", deprecated="1.4"),
    "sqlalchemy.Table.append_ddl_listener": Change(_EVENTS, _EXTENSIONS, "1.4"),
    "sqlalchemy.MetaData.append_ddl_listener": Change(_EVENTS, _EXTENSIONS, "1.4"),
    "sqlalchemy.Inspector.from_engine": Change(
        "`sqlalchemy.inspect(engine)`", "Inspector.from_engine()", deprecated="1.4"
    ),
    "sqlalchemy.engine.reflection.Inspector.from_engine": Change(
        "`sqlalchemy.inspect(engine)`", "Inspector.from_engine()", deprecated="1.4"
    ),
    "sqlalchemy.Inspector.reflecttable": _renamed(
        "reflect_table", "Inspector.reflecttable()", "2.0"
    ),
    # --- results ---------------------------------------------------------------------------
    "sqlalchemy.Result.tuples": Change(
        "the result itself", "changelog_21: 10635", deprecated="2.1"
    ),
}
"""Methods, by the canonical name of their class."""

UNIQUE_METHODS: dict[str, str] = {
    "as_scalar": "sqlalchemy.Select.as_scalar",
    "tometadata": "sqlalchemy.Table.tometadata",
    "reflecttable": "sqlalchemy.Inspector.reflecttable",
    "append_whereclause": "sqlalchemy.Select.append_whereclause",
    "select_entity_from": "sqlalchemy.orm.Query.select_entity_from",
    "append_ddl_listener": "sqlalchemy.Table.append_ddl_listener",
}
"""Methods whose name tells that they are SQLAlchemy's, whatever they are called on."""

_BIND = Change(
    "the engine, given where it is needed",
    "changelog_20: 7257, bound metadata",
    "2.0",
)
_UNICODE = Change("nothing: leave it out", "changelog_20: 7257, convert_unicode", "2.0")
_WHERE = Change("`.where()`", "migration_20: 5284, constructors of statements", "2.0")
_VALUES = Change("`.values()`", "migration_20: 5284, constructors of statements", "2.0")
_INLINE = Change("`.inline()`", "migration_20: 5284, constructors of statements", "2.0")
_RETURNING = Change("`.returning()`", "migration_20: 5284, constructors of statements", "2.0")
_PREFIXES = Change("`.prefix_with()`", "migration_20: 5284, constructors of statements", "2.0")
_SUBTRANSACTIONS = Change(
    "`begin_nested()`, or a check of `in_transaction()`",
    "migration_20_session_subtransaction",
    "2.0",
)
_DISTINCT_ON = Change(
    "`.ext(sqlalchemy.dialects.postgresql.distinct_on(...))`",
    "changelog_21: 12342",
    deprecated="2.1",
)
_ONE_JOIN = Change("one `join()` for each target", "changelog_20: 7257, Query.join()", "2.0")
_AUTOCOMMIT = Change(
    "explicit transactions: `with session.begin()`",
    "migration_20_session_autocommit",
    "2.0",
    harmless_if_false=True,
)
_JOIN = Change("`aliased(Model)`", "migration_20_query_join_options", "2.0")
_SELECT = {
    "whereclause": _WHERE,
    "from_obj": Change("`.select_from()`", "migration_20_5284", "2.0"),
    "order_by": Change("`.order_by()`", "migration_20_5284", "2.0"),
    "group_by": Change("`.group_by()`", "migration_20_5284", "2.0"),
    "having": Change("`.having()`", "migration_20_5284", "2.0"),
    "distinct": Change("`.distinct()`", "migration_20_5284", "2.0"),
    "limit": Change("`.limit()`", "migration_20_5284", "2.0"),
    "offset": Change("`.offset()`", "migration_20_5284", "2.0"),
    "prefixes": _PREFIXES,
    "use_labels": Change("`.set_label_style()`", "migration_20_5284", "2.0"),
    "for_update": Change("`.with_for_update()`", "migration_20_5284", "1.4"),
    "bind": _BIND,
    "columns": Change("positional arguments", "migration_20_5284", "2.0"),
}

ARGUMENTS: dict[str, dict[str, Change]] = {
    "sqlalchemy.create_engine": {
        "strategy": Change("`create_mock_engine()`", "create_engine.strategy", deprecated="1.4"),
        "convert_unicode": _UNICODE,
        "encoding": _UNICODE,
        "case_sensitive": Change("nothing: leave it out", "create_engine.case_sensitive", "2.0"),
        "empty_in_strategy": Change(
            "nothing: it has no effect", "create_engine.empty_in_strategy", deprecated="1.4"
        ),
        "implicit_returning": Change(
            "`Table(implicit_returning=False)`",
            "create_engine.implicit_returning",
            deprecated="2.0",
        ),
    },
    "sqlalchemy.String": {"convert_unicode": _UNICODE, "unicode_error": _UNICODE},
    "sqlalchemy.Text": {"convert_unicode": _UNICODE, "unicode_error": _UNICODE},
    "sqlalchemy.Enum": {
        "inherit_schema": Change(
            "the schema of the `MetaData`, or `schema=`", "changelog_21: 10594", deprecated="2.1"
        ),
    },
    "sqlalchemy.Table": {
        "autoload": Change("`autoload_with=engine`", "changelog_20: 7257, Table.autoload", "2.0"),
        "mustexist": Change("`must_exist`", "Table.mustexist", deprecated="1.4"),
        "useexisting": Change("`extend_existing`", _GONE, "1.4"),
        "bind": _BIND,
    },
    "sqlalchemy.Sequence": {
        "order": Change("`oracle_order`", "changelog_21: 10247", deprecated="2.1")
    },
    "sqlalchemy.Identity": {
        "order": Change("`oracle_order`", "changelog_21: 10247", deprecated="2.1"),
        "on_null": Change("`oracle_on_null`", "changelog_21: 10247", deprecated="2.1"),
    },
    "sqlalchemy.text": {
        "bind": _BIND,
        "bindparams": Change("`.bindparams()`", _GONE, "1.4"),
        "typemap": Change("`.columns()`", _GONE, "1.4"),
        "autocommit": Change("a commit", "migration_20_autocommit", "1.4"),
    },
    "sqlalchemy.select": _SELECT,
    "sqlalchemy.insert": {
        "values": _VALUES,
        "inline": _INLINE,
        "bind": _BIND,
        "prefixes": _PREFIXES,
        "returning": _RETURNING,
    },
    "sqlalchemy.update": {
        "whereclause": _WHERE,
        "values": _VALUES,
        "inline": _INLINE,
        "bind": _BIND,
        "prefixes": _PREFIXES,
        "returning": _RETURNING,
    },
    "sqlalchemy.delete": {
        "whereclause": _WHERE,
        "bind": _BIND,
        "prefixes": _PREFIXES,
        "returning": _RETURNING,
    },
    "sqlalchemy.orm.Query.join": {"aliased": _JOIN, "from_joinpoint": _JOIN},
    "sqlalchemy.orm.Query.outerjoin": {"aliased": _JOIN, "from_joinpoint": _JOIN},
    "sqlalchemy.orm.Session.flush": {
        "objects": Change("a flush of all objects", "Session.flush.objects", deprecated="2.1")
    },
    "sqlalchemy.orm.Session.begin": {"subtransactions": _SUBTRANSACTIONS},
    "sqlalchemy.orm.Mapper": {"non_primary": Change("`aliased()`", "changelog_21: 12437", "2.1")},
    "sqlalchemy.orm.sessionmaker": {
        "extension": Change(_EVENTS, _EXTENSIONS, "1.4"),
        "weak_identity_map": Change("nothing: leave it out", _GONE, "1.4"),
        "subtransactions": _SUBTRANSACTIONS,
    },
    "sqlalchemy.orm.relationship": {
        "extension": Change(_EVENTS, _EXTENSIONS, "1.4"),
    },
}
"""Keyword arguments, by the callable that no longer takes them."""

POSITIONAL: dict[str, tuple[int, Change]] = {
    "sqlalchemy.delete": (1, _WHERE),
    "sqlalchemy.insert": (1, _VALUES),
    "sqlalchemy.update": (1, _WHERE),
    "sqlalchemy.Table.delete": (0, _WHERE),
    "sqlalchemy.Table.insert": (0, _VALUES),
    "sqlalchemy.Table.select": (0, _WHERE),
    "sqlalchemy.Table.update": (0, _WHERE),
    "sqlalchemy.Select.distinct": (0, _DISTINCT_ON),
    "sqlalchemy.orm.Query.distinct": (0, _DISTINCT_ON),
    "sqlalchemy.orm.Query.join": (2, _ONE_JOIN),
    "sqlalchemy.orm.Query.outerjoin": (2, _ONE_JOIN),
    "sqlalchemy.orm.defer": (
        1,
        Change("one option for each attribute", "changelog_21: 12441", "2.1"),
    ),
    "sqlalchemy.orm.undefer": (
        1,
        Change("one option for each attribute", "changelog_21: 12441", "2.1"),
    ),
}
"""How many positional arguments a callable still takes, where it took more."""

AUTOCOMMIT: dict[str, dict[str, Change]] = {
    name: {"autocommit": _AUTOCOMMIT}
    for name in ("sqlalchemy.orm.sessionmaker", "sqlalchemy.orm.Session")
}
"""Library-level autocommit of sessions."""

CASCADE_BACKREFS: dict[str, dict[str, Change]] = {
    name: {
        "cascade_backrefs": Change(
            "`session.add()` where an object enters a session",
            "changelog_20: 7257, relationship.cascade_backrefs",
            "2.0",
            harmless_if_false=True,
        )
    }
    for name in ("sqlalchemy.orm.relationship", "sqlalchemy.orm.backref")
}

BOUND: dict[str, dict[str, Change]] = {
    name: {"bind": _BIND}
    for name in (
        "sqlalchemy.MetaData",
        "sqlalchemy.orm.as_declarative",
        "sqlalchemy.orm.declarative_base",
    )
}
"""What could be bound to an engine before 2.0."""

STATEMENTS = frozenset({"delete", "insert", "select", "text", "union", "union_all", "update"})
"""Functions of `sqlalchemy` that make something to execute; it has no `execute()` itself."""

UNBOUND_DDL = frozenset({"create_all", "drop_all", "reflect"})
"""Methods of `MetaData` whose first parameter, an engine or connection, is required since 2.0."""

STRING_LOADERS = frozenset(
    {
        "sqlalchemy.orm.contains_eager",
        "sqlalchemy.orm.defer",
        "sqlalchemy.orm.defaultload",
        "sqlalchemy.orm.immediateload",
        "sqlalchemy.orm.joinedload",
        "sqlalchemy.orm.lazyload",
        "sqlalchemy.orm.load_only",
        "sqlalchemy.orm.raiseload",
        "sqlalchemy.orm.selectinload",
        "sqlalchemy.orm.subqueryload",
        "sqlalchemy.orm.undefer",
    }
)
"""Loader options; attribute names as strings are gone since 2.0 (the wildcard `*` is not)."""

ROW_MAPPING_METHODS = frozenset(
    {"has_key", "items", "iteritems", "iterkeys", "itervalues", "keys", "values"}
)
"""What a row had of a mapping before 2.0."""

FLASK_SQLALCHEMY = "flask_sqlalchemy.SQLAlchemy"
"""An object whose attributes are the names of `sqlalchemy` and `sqlalchemy.orm`."""
