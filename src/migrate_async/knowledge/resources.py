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
    }
)
"""Last names of functions that close what they are given, now or later."""

BORROWERS = (
    *("alembic.", "builtins.", "factory.", "fastapi.", "functools.", "inspect.", "json."),
    *("logging.", "numpy.", "pandas.", "pydantic.", "pytest.", "sqlalchemy.", "sqlmodel."),
    *("starlette.", "typing.", "unittest.mock."),
)
"""Packages whose functions use a session or connection and leave closing it to their caller."""
