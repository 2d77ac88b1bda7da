"""What has to be closed, what closes it, and who takes it over.

Sources: the documentation of SQLAlchemy (sessions, connections, raw DBAPI connections), PEP 249,
and of the drivers and the standard library named.
"""

from __future__ import annotations

SESSION_CLOSERS = frozenset({"close", "aclose", "remove", "close_all", "invalidate"})
CONNECTION_CLOSERS = frozenset({"close", "aclose", "invalidate", "detach", "terminate"})
CURSOR_CLOSERS = frozenset({"close"})
ENGINE_CLOSERS = frozenset({"dispose"})
TRANSACTION_CLOSERS = frozenset({"commit", "rollback", "close"})
TRANSACTION_OPENERS = {"begin": "transaction", "begin_nested": "savepoint"}
"""Methods of sessions and connections to what they open."""

DRIVER_CONNECTS = frozenset(
    {
        *("aiomysql.connect", "aiosqlite.connect", "asyncmy.connect", "asyncpg.connect"),
        *("cx_Oracle.connect", "MySQLdb.connect", "mysql.connector.connect", "oracledb.connect"),
        *("psycopg.AsyncConnection.connect", "psycopg.Connection.connect", "psycopg.connect"),
        *("psycopg2.connect", "pymysql.connect", "pyodbc.connect", "sqlite3.connect"),
    }
)
"""Functions that open a driver's connection."""

KEEPERS = frozenset(
    {
        *("aclosing", "addCleanup", "addAsyncCleanup", "addfinalizer", "callback", "closing"),
        *("enterContext", "enter_async_context", "enter_context", "finalize", "push"),
        *("push_async_callback", "push_async_exit", "register"),
        *("call_on_close", "with_async_resource", "with_resource"),  # click.Context
    }
)
"""Last names of functions that close what they are given, now or later."""

KEEPING_ARGUMENTS = frozenset({"return_value", "side_effect"})
"""Arguments of mocks, which give the code under test what they are given."""

FLUENT = frozenset({"execution_options"})
"""Methods that give the connection that they are called on."""

COLLECTORS = frozenset(
    {"append", "appendleft", "extend", "insert", "put", "put_nowait", "setdefault"}
)
"""Methods of collections and queues that hold on to what they are given."""

BORROWERS = (
    *("alembic.", "builtins.", "factory.", "fastapi.", "functools.", "inspect.", "json."),
    *("logging.", "numpy.", "pandas.", "pydantic.", "pytest.", "sqlalchemy.", "sqlmodel."),
    *("starlette.", "typing.", "unittest.mock."),
)
"""Packages whose functions use a session or connection and leave closing it to their caller."""

REGISTERING = frozenset(
    {
        *("register", "register_factory", "register_instance", "register_provider"),
        *("register_service", "register_singleton", "register_transient", "register_value"),
        *("add_factory", "add_instance", "add_scoped", "add_singleton", "add_transient"),
    }
)
"""Methods of service registries that take what the registry is to give."""

PROVIDERS = frozenset(
    f"dependency_injector.providers.{name}"
    for name in (
        *("Callable", "ContextLocalSingleton", "Factory", "Object", "Singleton"),
        *("ThreadLocalSingleton", "ThreadSafeSingleton"),
    )
)
"""Providers that never close what they give; `Resource` does."""

CLOSING_REGISTRIES = ("svcs.", "atexit", "dishka.")
"""Registries that close what they gave, by the start of their dotted names."""
