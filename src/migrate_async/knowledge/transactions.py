"""What the methods of a session do to its transaction, and which statements write.

Source: the documentation of SQLAlchemy 1.4 to 2.1 (session basics, transactions).
"""

from __future__ import annotations

READS = frozenset(
    {
        *("exec", "execute", "get", "get_one", "query", "refresh", "scalar", "scalars"),
        *("stream", "stream_scalars"),
    }
)
"""Methods that begin a transaction, if none is open. `query` does when the query is run."""

STAGES = frozenset({"add", "add_all", "delete", "merge"})
"""Methods whose effect is written with the next flush."""

WRITES = frozenset({"bulk_insert_mappings", "bulk_save_objects", "bulk_update_mappings"})
FLUSHES = frozenset({"flush"})
COMMITS = frozenset({"commit"})
ROLLBACKS = frozenset({"rollback"})
CLOSES = frozenset({"close", "aclose", "remove", "invalidate", "reset", "close_all"})
BEGINS = frozenset({"begin", "begin_nested"})

OPENING_UP = frozenset({"connection", "run_sync"})
"""Methods that give others what the session works with."""

QUERY_WRITES = frozenset({"delete", "update"})
"""Ends of a legacy query that write."""

QUERY_RUNS = frozenset(
    {"all", "count", "delete", "first", "get", "one", "one_or_none", "scalar", "update"}
)
"""Ends of a legacy query that run it."""

WRITING_STATEMENTS = frozenset({"insert", "update", "delete"})
"""Last names of the functions, and of the methods of tables, that make a writing statement."""

WRITING_WORDS = ("insert", "update", "delete", "merge", "truncate", "replace")
"""First words of writing statements in SQL."""

DATABASE_ERROR = "SQLAlchemyError"
"""The base of everything that a failed statement is told by."""

DATABASE_ERRORS = frozenset(
    {
        *("BaseException", "DBAPIError", "DataError", "DatabaseError", "Error", "Exception"),
        *("FlushError", "IntegrityError", "InterfaceError", "InternalError", "OperationalError"),
        *("PendingRollbackError", "ProgrammingError", "SQLAlchemyError", "StatementError"),
        *("UniqueViolation", "UniqueViolationError"),
    }
)
"""Last names of exception classes that a failed statement may be caught as."""
