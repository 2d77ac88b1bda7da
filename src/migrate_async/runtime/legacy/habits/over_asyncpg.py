"""asyncpg with the habits of psycopg2.

A statement is prepared as always, which tells the types that the server deduced for its
parameters. Those whose value psycopg2 would have written otherwise are rewritten (`values`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy.util import await_only

from migrate_async.runtime.legacy.habits.copying import chunks, reads_file, write_to
from migrate_async.runtime.legacy.habits.errors import describe_asyncpg, described_errors
from migrate_async.runtime.legacy.habits.sql_text import (
    ParameterRefused,
    Statement,
    Token,
    Values,
    has_formats,
    number_formats,
    parse,
)
from migrate_async.runtime.legacy.habits.values import Written, in_list, written

_MAX_REWRITES = 5
_BEFORE_TUPLES = frozenset({"IN", "VALUES"})
_UNDEDUCED = frozenset({"42725", "42804", "42883", "42P08", "42P18"})
"""SQLSTATE: ambiguous function, mismatch of types, no such function, ambiguous and undetermined
parameter."""
_TRANSACTION_IS_OVER = ("08", "25", "57")
_MAX_REMEMBERED = 2000


class AsyncpgHabits:
    """asyncpg: parameters that it takes differently are rewritten, statement by statement."""

    def __init__(self) -> None:
        self._prepares: dict[str, bool] = {}
        """SQL -> whether the server can deduce the types of its parameters."""

    def execute(self, cursor: Any, raw: bool, sql: str, parameters: Any = None) -> Any:
        with described_errors(describe_asyncpg):
            if raw and parameters is not None and has_formats(sql):
                sql, parameters = number_formats(sql, parameters)
            values = tuple(parameters or ())
            if ";" not in sql and not any(isinstance(value, tuple) for value in values):
                return self._execute_one(cursor, sql, values)
            statements = parse(sql)
            if len(statements) > 1:
                _refuse_several(cursor)
            for statement in statements or (Statement(()),):
                self._execute_one(cursor, *_expanded(statement, values))
            return None

    def executemany(self, cursor: Any, raw: bool, sql: str, rows: Sequence[Any]) -> Any:
        with described_errors(describe_asyncpg):
            if raw or ";" in sql or any(self._rewritten(cursor, sql, tuple(row)) for row in rows):
                for row in rows:  # as psycopg2 does it
                    self.execute(cursor, raw, sql, row)
                return None
            return cursor.executemany(sql, rows)

    def copy(self, cursor: Any, sql: str, file: Any) -> None:
        with described_errors(describe_asyncpg):
            await_only(self._copy(cursor._adapt_connection, sql, file))

    async def _copy(self, connection: Any, sql: str, file: Any) -> None:
        async def give(data: bytes) -> None:
            await asyncio.to_thread(write_to, file, data)

        async with connection._execute_mutex:
            try:
                await _begin(connection)
                if reads_file(sql):
                    await connection._connection._copy_in(sql, chunks(file), None)
                else:
                    await connection._connection._copy_out(sql, give, None)
            except Exception as error:  # noqa: BLE001  translated and raised
                connection._handle_exception(error)

    def _execute_one(self, cursor: Any, sql: str, values: Values) -> Any:
        sql, values = self._accepted(cursor, sql, values)
        for _ in range(_MAX_REWRITES):
            rewritten = self._rewritten(cursor, sql, values)
            if rewritten is None:
                return cursor.execute(sql, values)
            sql, values = rewritten
        raise ParameterRefused(f"the types of the parameters do not settle in {sql!r}")

    def _accepted(self, cursor: Any, sql: str, values: Values) -> tuple[str, Values]:
        """The first form of a statement of which the server can deduce all types.

        Each form is tried once for all: whether it will do does not depend on the values.
        """
        for form in _forms(sql, values) if values else ():
            if form[0] not in self._prepares:
                if len(self._prepares) >= _MAX_REMEMBERED:
                    self._prepares.clear()
                answer = await_only(_can_prepare(cursor, form[0]))
                if answer is None:  # it fails for another reason, and perhaps not next time
                    break
                self._prepares[form[0]] = answer
            if self._prepares[form[0]]:
                return form
        return sql, values

    def _rewritten(self, cursor: Any, sql: str, values: Values) -> tuple[str, Values] | None:
        """The statement with values written as psycopg2 does; None if it may stay as it is."""
        if not values:
            return None
        types = [kind.name for kind in await_only(parameter_types(cursor, sql))]
        statement: Statement | None = None
        changes: dict[int, Written] = {}
        for number, (value, type_name) in enumerate(zip(values, types, strict=False)):
            if value is None:
                continue
            statement = statement or parse(sql)[0]
            change = written(value, type_name, by_position=statement.by_position)
            if change is not None:
                changes[number] = change
        if statement is None or not changes:
            return None
        return _with(statement, values, changes)


async def parameter_types(cursor: Any, sql: str) -> tuple[Any, ...]:
    """What the server deduced, by prepared statements of which SQLAlchemy keeps the last 100.

    Types of asyncpg, which have a `name` and a `schema`.
    """
    connection = cursor._adapt_connection
    async with connection._execute_mutex:
        try:
            await _begin(connection)
            prepared, _ = await connection._prepare(sql, cursor._invalidate_schema_cache_asof)
        except Exception as error:  # noqa: BLE001  translated and raised
            connection._handle_exception(error)
        types: tuple[Any, ...] = prepared.get_parameters()
        return types


def _forms(sql: str, values: Values) -> Iterator[tuple[str, Values]]:
    """A statement with its parameters typed less and more, as near to psycopg2's as can be."""
    statement = parse(sql)[0]
    texts = {n for n, value in enumerate(values) if isinstance(value, str)}
    # A text is `'...'` to psycopg2: the server decides of what type, as of a bare parameter.
    yield statement.without_casts(texts & statement.marked), values
    # Not everywhere: `concat($1)` needs the cast that SQLAlchemy adds.
    yield sql, values
    # Other values have a type in psycopg2: `date_trunc('day', '...'::timestamp)`.
    typed = {
        n: change
        for n, value in enumerate(values)
        if n not in texts and (change := written(value, "text", by_position=False))
    }
    # `:name IS NULL OR name = :name`
    typed.update((n, Written("NULL", ())) for n, value in enumerate(values) if value is None)
    yield _with(statement, values, typed)
    # Where a bare text is as good as one of the type text, `jsonb_build_object('key', $1)`.
    yield _with(
        statement, values, typed | {n: Written("CAST({} AS text)", (values[n],)) for n in texts}
    )


async def _can_prepare(cursor: Any, sql: str) -> bool | None:
    """Whether the server can deduce the types; None when the statement fails otherwise."""
    error = await preparing_error(cursor, sql)
    if error is None:
        return True
    return False if is_undeduced(error) else None


def is_undeduced(error: Exception) -> bool:
    """Whether the server finds no function, operator or type for what it is given."""
    return getattr(error, "sqlstate", None) in _UNDEDUCED


async def preparing_error(cursor: Any, sql: str) -> Exception | None:
    """What the server says against a statement; None if it can be prepared.

    A savepoint keeps the transaction alive.
    """
    connection = cursor._adapt_connection
    async with connection._execute_mutex:
        savepoint = None
        try:
            await _begin(connection)
            if not connection.autocommit:
                savepoint = connection._connection.transaction()
                await savepoint.start()
            await connection._prepare(sql, cursor._invalidate_schema_cache_asof)
        except Exception as error:  # noqa: BLE001  translated and raised
            state = getattr(error, "sqlstate", None)
            if state is None or state.startswith(_TRANSACTION_IS_OVER):
                connection._handle_exception(error)
            if savepoint is not None:
                await savepoint.rollback()
            return error
        if savepoint is not None:
            await savepoint.commit()
        return None


async def _begin(connection: Any) -> None:
    """SQLAlchemy's adapter begins with the first statement that passes through it."""
    if connection._transaction is None:
        await connection._start_transaction()


def _expanded(statement: Statement, values: Values) -> tuple[str, Values]:
    """One of several statements, with its own parameters; tuples behind IN in pieces."""
    lists = {
        number: in_list(values[number])
        for number in statement.after_word(_BEFORE_TUPLES)
        if isinstance(values[number], tuple)
    }
    return _with(statement, values, lists)


def _with(
    statement: Statement, values: Values, changes: Mapping[int, Written]
) -> tuple[str, Values]:
    def write(token: Token) -> Written:
        as_it_is = Written("{}" + token.cast, (values[token.number],))
        return changes.get(token.number, as_it_is)

    return statement.render(write)


def _refuse_several(cursor: Any) -> None:
    if cursor.server_side:
        raise ParameterRefused("several statements in one text cannot be streamed")
    if cursor._adapt_connection.autocommit:
        raise ParameterRefused(
            "several statements in one text on a connection in AUTOCOMMIT: PostgreSQL would run "
            "psycopg2's as one transaction, here each would be its own; execute them one by one"
        )
