"""The sync SQLAlchemy API and its asyncio counterpart, member by member.

Facts from SQLAlchemy's asyncio extension, 2.0.58 and 2.1.9: which members of `AsyncSession`,
`AsyncEngine` and `AsyncConnection` are coroutines, which are context managers, and which sync
members have no counterpart.
"""

from __future__ import annotations

SESSION_AWAITED = frozenset(
    {
        "close",
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
        "refresh",
        "reset",
        "rollback",
        "scalar",
        "scalars",
    }
)
"""Coroutines of `AsyncSession`; `begin` and `begin_nested` too when not used with `with`.

`exec` is SQLModel's, whose `AsyncSession` adds it.
"""

SESSION_CONTEXT = frozenset({"begin", "begin_nested"})
"""Members whose value is entered with `async with`."""

SESSION_SYNC = frozenset(
    {
        "add",
        "add_all",
        "expire",
        "expire_all",
        "expunge",
        "expunge_all",
        "get_bind",
        "get_nested_transaction",
        "get_transaction",
        "in_nested_transaction",
        "in_transaction",
        "is_modified",
        "identity_key",
        "object_session",
    }
)
"""Plain methods of both `Session` and `AsyncSession`."""

SESSION_CALLED_THROUGH = frozenset(
    {
        "add",
        "add_all",
        "close",
        "commit",
        "connection",
        "delete",
        "execute",
        "expire",
        "expire_all",
        "expunge",
        "expunge_all",
        "flush",
        "get",
        "get_bind",
        "merge",
        "refresh",
        "rollback",
    }
)
"""Methods of a sync session that those of `AsyncSession` with the same names call."""

SESSION_WITHOUT_COUNTERPART = frozenset(
    {
        "bulk_insert_mappings",
        "bulk_save_objects",
        "bulk_update_mappings",
        "enable_relationship_loading",
        "prepare",
    }
)
"""Members of `Session` that `AsyncSession` reaches only through `run_sync`."""

TRANSACTION_AWAITED = frozenset({"close", "commit", "rollback"})

ENGINE_AWAITED = frozenset({"dispose", "raw_connection"})
ENGINE_CONTEXT = frozenset({"begin", "connect"})

CONNECTION_AWAITED = frozenset(
    {
        "close",
        "commit",
        "exec_driver_sql",
        "execute",
        "execution_options",
        "invalidate",
        "rollback",
        "scalar",
        "scalars",
    }
)
CONNECTION_CONTEXT = frozenset({"begin", "begin_nested"})

STREAMS = {
    "session": frozenset({"run_sync", "stream", "stream_scalars", "aclose"}),
    "connection": frozenset({"run_sync", "start"}),
    "transaction": frozenset({"start"}),
}
"""Coroutines that have no sync counterpart of that name; a connection's `stream` is also entered
with `async with`.
"""

AWAITED = {
    "session": SESSION_AWAITED,
    "transaction": TRANSACTION_AWAITED,
    "engine": ENGINE_AWAITED,
    "connection": CONNECTION_AWAITED,
}
FACTORY_CONTEXT = frozenset({"begin"})
"""`sessionmaker.begin()`: a session in a transaction."""

CONTEXT = {
    "factory": FACTORY_CONTEXT,
    "session": SESSION_CONTEXT,
    "engine": ENGINE_CONTEXT,
    "connection": CONNECTION_CONTEXT,
}

METADATA_IO = frozenset({"create_all", "drop_all", "reflect"})
"""`MetaData` methods that run SQL on the engine they are given."""

TABLE_IO = frozenset({"create", "drop"})
"""Methods of a `Table` that do."""

TYPE_COUNTERPARTS = {
    "sqlalchemy.orm.Session": ("sqlalchemy.ext.asyncio", "AsyncSession"),
    "sqlalchemy.orm.session.Session": ("sqlalchemy.ext.asyncio", "AsyncSession"),
    "sqlmodel.Session": ("sqlmodel.ext.asyncio.session", "AsyncSession"),
    "sqlalchemy.orm.sessionmaker": ("sqlalchemy.ext.asyncio", "async_sessionmaker"),
    "sqlalchemy.orm.session.sessionmaker": ("sqlalchemy.ext.asyncio", "async_sessionmaker"),
    "sqlalchemy.engine.Engine": ("sqlalchemy.ext.asyncio", "AsyncEngine"),
    "sqlalchemy.engine.base.Engine": ("sqlalchemy.ext.asyncio", "AsyncEngine"),
    "sqlalchemy.Engine": ("sqlalchemy.ext.asyncio", "AsyncEngine"),
    "sqlalchemy.engine.Connection": ("sqlalchemy.ext.asyncio", "AsyncConnection"),
    "sqlalchemy.engine.base.Connection": ("sqlalchemy.ext.asyncio", "AsyncConnection"),
    "sqlalchemy.Connection": ("sqlalchemy.ext.asyncio", "AsyncConnection"),
}
"""Annotations: the sync class and where its async counterpart is imported from."""

GENERATOR_COUNTERPARTS = {
    "Generator": "AsyncGenerator",
    "Iterator": "AsyncIterator",
    "Iterable": "AsyncIterable",
    "ContextManager": "AsyncContextManager",
    "AbstractContextManager": "AbstractAsyncContextManager",
}
"""Return annotations of generator functions that become async generators."""

ASYNC_DRIVERS = {
    "sqlite": "sqlite+aiosqlite",
    "sqlite+pysqlite": "sqlite+aiosqlite",
    "postgresql": "postgresql+asyncpg",
    "postgres": "postgresql+asyncpg",
    "postgresql+psycopg2": "postgresql+asyncpg",
    "postgresql+psycopg2cffi": "postgresql+asyncpg",
    "postgresql+pg8000": "postgresql+asyncpg",
    "postgresql+psycopg": "postgresql+psycopg",
    "mysql": "mysql+aiomysql",
    "mysql+pymysql": "mysql+aiomysql",
    "mysql+mysqldb": "mysql+aiomysql",
    "mysql+mysqlconnector": "mysql+aiomysql",
    "mariadb": "mariadb+aiomysql",
    "mariadb+pymysql": "mariadb+aiomysql",
    "mariadb+mysqldb": "mariadb+aiomysql",
    "mssql+pyodbc": "mssql+aioodbc",
    "oracle": "oracle+oracledb",
    "oracle+oracledb": "oracle+oracledb",
    "oracle+cx_oracle": "oracle+oracledb",
}
"""SQLAlchemy's sync dialect names and the async driver of the same database."""
