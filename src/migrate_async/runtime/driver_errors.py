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

from migrate_async.runtime.legacy.habits.errors import describe_asyncpg

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
    _describe(error.orig)
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


def _describe(original: Any) -> None:
    """Give the error of the driver `diag`, and the text that psycopg2 would have."""
    describe_asyncpg(original)
    diag = getattr(original, "diag", None)
    if diag is None or not diag.message_primary or diag.statement_position:
        return  # asyncpg's own; with a position psycopg2 also showed the line
    text = f"{diag.message_primary}\n"
    text += f"DETAIL:  {diag.message_detail}\n" if diag.message_detail else ""
    text += f"HINT:  {diag.message_hint}\n" if diag.message_hint else ""
    original.args = (text, *original.args[1:])
