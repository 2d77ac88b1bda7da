"""Errors of asyncpg as psycopg2 raised them: by their classes, with `diag`, and with its text.

    except OperationalError:  # a deadlock: try again
        ...
    except IntegrityError as error:
        if error.orig.diag.constraint_name == "uq_user_email":
            ...

SQLAlchemy knows three classes of what asyncpg raises; everything else is a `DBAPIError`. What
psycopg2 made of it stands in the first two characters of its SQLSTATE.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import event, exc
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.ext.asyncio import AsyncEngine

_BY_CLASS: dict[str, type[exc.DBAPIError]] = {
    **dict.fromkeys(("0A",), exc.NotSupportedError),
    **dict.fromkeys(("20", "21", "3D", "3F", "42", "44"), exc.ProgrammingError),
    **dict.fromkeys(("22",), exc.DataError),
    **dict.fromkeys(("23",), exc.IntegrityError),
    **dict.fromkeys(
        ("24", "25", "2B", "2D", "2F", "38", "39", "3B", "F0", "P0", "XX"), exc.InternalError
    ),
    **dict.fromkeys(("26", "27", "28", "34", "HV"), exc.OperationalError),
    **dict.fromkeys(("40", "53", "54", "55", "57", "58"), exc.OperationalError),
}
"""After the table in psycopg2's `pqpath.c`, by the class of the SQLSTATE."""

_DIAG = {
    "column_name": "column_name",
    "constraint_name": "constraint_name",
    "context": "context",
    "datatype_name": "data_type_name",
    "internal_query": "query",
    "message_detail": "detail",
    "message_hint": "hint",
    "message_primary": "message",
    "schema_name": "schema_name",
    "severity": "severity",
    "sqlstate": "sqlstate",
    "statement_position": "position",
    "table_name": "table_name",
}
"""The attributes of psycopg2's `Diagnostics`, and those of asyncpg's errors."""


class Diagnostics:
    """What the server said of an error, as psycopg2's `error.orig.diag` has it."""

    def __init__(self, cause: BaseException) -> None:
        for name, attribute in _DIAG.items():
            setattr(self, name, getattr(cause, attribute, None))


def raise_errors_as_psycopg2(engine: AsyncEngine) -> AsyncEngine:
    """Let `engine` raise what psycopg2 raised; it is given back.

    Other drivers than asyncpg do so by themselves.
    """
    if engine.dialect.driver == "asyncpg":
        event.listen(engine.sync_engine, "handle_error", _as_psycopg2, retval=True)
    return engine


def _as_psycopg2(context: ExceptionContext) -> exc.DBAPIError | None:
    """The error in the class that it had; None: it has it."""
    error = context.sqlalchemy_exception
    if not isinstance(error, exc.DBAPIError) or error.orig is None:
        return None
    cause: Any = error.orig.__cause__
    if cause is None:
        return None
    _describe(error.orig, cause)
    kind = _class_of(cause)
    if type(error) is not exc.DBAPIError or kind is None:
        return None
    return kind(
        error.statement,
        error.params,
        error.orig,
        hide_parameters=error.hide_parameters,
        connection_invalidated=error.connection_invalidated,
        ismulti=error.ismulti,
    )


def _class_of(cause: Any) -> type[exc.DBAPIError] | None:
    """psycopg2's class; asyncpg itself refuses values that the server refused."""
    state = getattr(cause, "sqlstate", None)
    if state:
        return _BY_CLASS.get(state[:2])
    is_refused = type(cause).__name__ == "DataError"
    return exc.DataError if is_refused else None


def _describe(original: Any, cause: Any) -> None:
    """Give the error of the driver `diag`, and the text that psycopg2 would have."""
    original.diag = Diagnostics(cause)
    message, detail, hint = (original.diag.message_primary, original.diag.message_detail, None)
    hint = original.diag.message_hint
    if not message or original.diag.statement_position:
        return  # there psycopg2 also showed the line
    text = f"{message}\n"
    text += f"DETAIL:  {detail}\n" if detail else ""
    text += f"HINT:  {hint}\n" if hint else ""
    original.args = (text, *original.args[1:])
