"""Texts in functions and operators as psycopg2 wrote them: without a type.

    func.jsonb_path_exists(Item.notes, "$.level")
    func.coalesce(Item.day, "2026-01-31")

SQLAlchemy guesses from the `str` that the parameter is a VARCHAR, and psycopg2 did not say so: the
server found the function for `'$.level'`, a literal that may be anything. asyncpg and psycopg say
VARCHAR, and there is no such function. Here the server decides again. Texts beside columns have the
type of the column, see `untyped`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from typing import Any, NamedTuple, Protocol

from sqlalchemy import BindParameter, Dialect, event, literal
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.util import await_only

from migrate_async.runtime.legacy.habits.over_asyncpg import (
    is_undeduced,
    parameter_types,
    preparing_error,
)
from migrate_async.runtime.legacy.habits.over_psycopg import PsycopgHabits
from migrate_async.runtime.raw_sql import is_text
from migrate_async.runtime.same_values import TOKEN

_GUESSED = literal("").type
"""What SQLAlchemy takes a `str` for: the very object."""

_TEXT_CAST = re.compile(r"::(?:VARCHAR|CHAR|TEXT)(?:\(\d+\))?", re.IGNORECASE)
_UNKNOWN_PARAMETER = re.compile(r"data type of parameter \$(\d+)")
_TAKES_TEXT = frozenset(
    {"bpchar", "cidr", "inet", "json", "jsonb", "jsonpath", "macaddr", "macaddr8", "money", "name"}
    | {"text", "tsquery", "tsvector", "varchar", "xml"}
)
"""Types of PostgreSQL for which asyncpg takes a `str`, besides those whose names begin with reg."""

_MAX_REMEMBERED = 2000


class _Runner(Protocol):
    """Each answers whether it has run the statement; else SQLAlchemy does."""

    def execute(self, cursor: Any, sql: str, values: Any) -> bool: ...

    def executemany(self, cursor: Any, sql: str, rows: Sequence[Any]) -> bool: ...


def leave_guessed_texts_untyped(engine: AsyncEngine) -> AsyncEngine:
    """Let the server of `engine` say of which type a text in an expression is; it is given back.

    Other drivers than asyncpg and psycopg do so by themselves.
    """
    dialect = engine.dialect
    runner: _Runner
    if dialect.driver == "asyncpg":
        runner = _OverAsyncpg()
    elif dialect.name == "postgresql" and dialect.driver == "psycopg":
        runner = _OverPsycopg()
    else:
        return engine
    dialect.statement_compiler = _noting(dialect)
    event.listen(engine.sync_engine, "do_execute", _guessed(runner.execute))
    event.listen(engine.sync_engine, "do_executemany", _guessed(runner.executemany))
    return engine


def _noting(dialect: Dialect) -> Any:
    """The compiler of `dialect`, which notes whether it met a text whose type is guessed."""
    base: Any = dialect.statement_compiler

    class NotingCompiler(base):  # type: ignore[misc]
        has_guessed_texts = False

        def visit_bindparam(self, bindparam: BindParameter[Any], *args: Any, **kw: Any) -> Any:
            if bindparam.type is _GUESSED:
                self.has_guessed_texts = True
            return super().visit_bindparam(bindparam, *args, **kw)

    return NotingCompiler


def _guessed(run: Callable[..., bool]) -> Callable[..., bool]:
    """A listener that runs what has such texts, and leaves to SQLAlchemy what has none."""

    def execute(cursor: Any, statement: str, parameters: Any, context: Any) -> bool:
        compiled = getattr(context, "compiled", None)
        if not getattr(compiled, "has_guessed_texts", False) or is_text(compiled):
            return False
        return run(cursor, statement, parameters)

    return execute


class _Form(NamedTuple):
    """A statement without casts of texts, and what has to be written in their places."""

    sql: str
    types: dict[int, str]
    """Number of a parameter -> the type as which the server reads the text, not the driver."""

    def with_values(self, values: tuple[Any, ...]) -> str:
        """The statement for these values."""
        read = {n: kind for n, kind in self.types.items() if isinstance(values[n], str)}

        def write(bind: str, number: int, _cast: str) -> str | None:
            return f"CAST(CAST({bind} AS TEXT) AS {read[number]})" if number in read else None

        return _replaced(self.sql, write)


class _OverAsyncpg:
    """Asks the server once for each statement whether it finds out the types.

    That takes a savepoint. What it does not find out keeps the cast that SQLAlchemy adds:
    `concat($1::VARCHAR)`.
    """

    def __init__(self) -> None:
        self._forms: dict[str, _Form | None] = {}

    def execute(self, cursor: Any, sql: str, values: Any) -> bool:
        form = self._form(cursor, sql)
        if form is None:
            return False
        try:
            cursor.execute(form.with_values(tuple(values)), values)
        except Exception:
            self._forms.pop(sql, None)  # a column may be of another type now
            raise
        return True

    def executemany(self, cursor: Any, sql: str, rows: Sequence[Any]) -> bool:
        """Row by row, as psycopg2 does it, where the statement does not run as it is."""
        if await_only(preparing_error(cursor, sql)) is None or self._form(cursor, sql) is None:
            return False
        for row in rows:
            self.execute(cursor, sql, row)
        return True

    def _form(self, cursor: Any, sql: str) -> _Form | None:
        if sql not in self._forms:
            if len(self._forms) >= _MAX_REMEMBERED:
                self._forms.clear()
            self._find(cursor, sql)
        return self._forms.get(sql)

    def _find(self, cursor: Any, sql: str) -> None:
        """Remember the form of `sql`; nothing if it fails for another reason than types."""
        kept: set[int] = set()
        while True:
            bare, numbers = _without_casts(sql, kept)
            error = await_only(preparing_error(cursor, bare)) if numbers else None
            if error is None:
                break
            unknown = _UNKNOWN_PARAMETER.search(str(error))
            if unknown is None:
                if is_undeduced(error):
                    self._forms[sql] = None
                return
            kept.add(int(unknown[1]) - 1)
        types = await_only(parameter_types(cursor, bare)) if numbers else ()
        self._forms[sql] = _Form(bare, _read_by_server(types, numbers)) if numbers else None


def _read_by_server(types: Sequence[Any], numbers: Collection[int]) -> dict[int, str]:
    """The parameters for which the driver takes no text; of what extensions bring it takes one."""
    return {
        number: f'pg_catalog."{kind.name.removesuffix("[]")}"{"[]" * kind.name.endswith("[]")}'
        for number, kind in enumerate(types)
        if number in numbers
        and kind.schema == "pg_catalog"
        and kind.name not in _TAKES_TEXT
        and not kind.name.startswith("reg")
    }


class _OverPsycopg:
    """Writes texts into the statement as psycopg2 does, by psycopg's cursor that does so, too."""

    def __init__(self) -> None:
        self._habits = PsycopgHabits()
        self._runs: dict[str, bool] = {}

    def execute(self, cursor: Any, sql: str, values: Any) -> bool:
        bare, _ = _without_casts(sql, ())
        if bare == sql or not self._runs.get(sql, True) or getattr(cursor._cursor, "name", None):
            return False
        if sql in self._runs:
            self._run(cursor, bare, values)
            return True
        return self._try(cursor, sql, bare, values)

    def executemany(self, cursor: Any, sql: str, rows: Sequence[Any]) -> bool:
        return all(self.execute(cursor, sql, row) for row in rows)

    def _try(self, cursor: Any, sql: str, bare: str, values: Any) -> bool:
        """Run `bare`; if the server does not find out the types, let it forget that."""
        connection = cursor._cursor.connection
        run_aside = (lambda _: None) if connection.autocommit else _running_on(connection)
        run_aside("SAVEPOINT migrate_async")
        try:
            self._run(cursor, bare, values)
        except Exception as error:
            if not is_undeduced(error):
                raise
            run_aside("ROLLBACK TO SAVEPOINT migrate_async")
            self._remember(sql, False)
            return False
        run_aside("RELEASE SAVEPOINT migrate_async")
        self._remember(sql, True)
        return True

    def _remember(self, sql: str, runs: bool) -> None:
        if len(self._runs) >= _MAX_REMEMBERED:
            self._runs.clear()
        self._runs[sql] = runs

    def _run(self, cursor: Any, sql: str, values: Any) -> None:
        self._habits.use_client_cursor(cursor)
        cursor.execute(sql, values)


def _running_on(connection: Any) -> Callable[[str], Any]:
    return lambda sql: await_only(connection.execute(sql))


def _without_casts(sql: str, kept: Collection[int]) -> tuple[str, set[int]]:
    """The statement without casts of texts, but those `kept`, and the numbers of the others.

    Parameters that have names have no number, and all lose their casts.
    """
    numbers: set[int] = set()

    def write(bind: str, number: int, cast: str) -> str | None:
        if number in kept or not _TEXT_CAST.fullmatch(cast):
            return None
        numbers.add(number)
        return bind

    return _replaced(sql, write), numbers


def _replaced(sql: str, write: Callable[[str, int, str], str | None]) -> str:
    """`sql`, its parameters as `write` says for placeholder, number and cast; None: as it is."""

    def replace(match: re.Match[str]) -> str:
        if not match["bind"]:
            return match[0]
        cast = match["cast"] or ""
        number = int(match["number"]) - 1 if match["number"] else -1
        written = write(match["bind"].removesuffix(cast), number, cast)
        return match[0] if written is None else written

    return TOKEN.sub(replace, sql)
