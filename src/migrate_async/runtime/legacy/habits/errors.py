"""Errors of the driver get what psycopg2's have."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

_DIAGNOSTICS = {
    "severity": "severity",
    "sqlstate": "sqlstate",
    "message_primary": "message",
    "message_detail": "detail",
    "message_hint": "hint",
    "statement_position": "position",
    "internal_position": "internal_position",
    "internal_query": "internal_query",
    "context": "context",
    "schema_name": "schema_name",
    "table_name": "table_name",
    "column_name": "column_name",
    "datatype_name": "data_type_name",
    "constraint_name": "constraint_name",
    "source_file": "server_source_filename",
    "source_line": "server_source_line",
    "source_function": "server_source_function",
}
"""psycopg2's name of a diagnostic -> asyncpg's."""


@contextmanager
def described_errors(describe: Callable[[Any], None]) -> Iterator[None]:
    """Describe what is raised inside."""
    try:
        yield
    except Exception as error:
        if not hasattr(error, "pgerror"):
            describe(error)
        raise


def describe_asyncpg(error: Any) -> None:
    cause = error.__cause__
    if getattr(cause, "sqlstate", None) is None:
        return
    error.diag = SimpleNamespace(
        **{name: getattr(cause, own, None) for name, own in _DIAGNOSTICS.items()}
    )
    error.pgerror = f"{error.diag.severity}:  {cause}\n"


def describe_psycopg(error: Any) -> None:
    if getattr(error, "sqlstate", None) is not None:
        error.pgcode = error.sqlstate
        error.pgerror = f"{error.diag.severity}:  {error}\n"
