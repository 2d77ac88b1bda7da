"""psycopg with the habits of psycopg2: its client-side cursor, and what that still lacks."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Any

from sqlalchemy.util import await_only

from migrate_async.runtime.errors import MissingDependencyError
from migrate_async.runtime.legacy.habits.copying import chunks, reads_file, write_to
from migrate_async.runtime.legacy.habits.errors import describe_psycopg, described_errors
from migrate_async.runtime.legacy.habits.values import in_list


class PsycopgHabits:
    """psycopg: its client-side cursor, made to behave as psycopg2's, with the rest of it."""

    def __init__(self) -> None:
        try:
            import psycopg  # noqa: PLC0415  optional
        except ImportError as error:
            raise MissingDependencyError("psycopg", "postgresql") from error
        self._cursor_class = psycopg.AsyncClientCursor

    def execute(self, cursor: Any, raw: bool, sql: str, parameters: Any = None) -> Any:  # noqa: ARG002
        with described_errors(describe_psycopg):
            self.use_client_cursor(cursor)
            result = cursor.execute(sql, parameters)
            _skip_to_last_result(cursor)
            return result

    def executemany(self, cursor: Any, raw: bool, sql: str, rows: Sequence[Any]) -> Any:  # noqa: ARG002
        with described_errors(describe_psycopg):
            self.use_client_cursor(cursor)
            return cursor.executemany(sql, rows)

    def copy(self, cursor: Any, sql: str, file: Any) -> None:
        with described_errors(describe_psycopg):
            await_only(self._copy(cursor._cursor, sql, file))

    async def _copy(self, cursor: Any, sql: str, file: Any) -> None:
        async with cursor.copy(sql) as copy:
            if reads_file(sql):
                async for data in chunks(file):
                    await copy.write(data)
            else:
                async for data in copy:
                    await asyncio.to_thread(write_to, file, bytes(data))

    def use_client_cursor(self, cursor: Any) -> None:
        real = cursor._cursor
        if getattr(real, "name", None) or isinstance(real, self._cursor_class):
            return  # a named cursor lives on the server
        client = self._cursor_class(real.connection)
        client.adapters.register_dumper(tuple, _tuple_dumper())
        cursor._cursor = client


def _skip_to_last_result(cursor: Any) -> None:
    """psycopg2 shows the last result of several, psycopg the first."""
    real = cursor._cursor
    if getattr(real, "name", None):
        return
    moved = False
    while real.nextset():
        moved = True
    if moved:
        cursor._rows = deque(await_only(real.fetchall()) if real.description else ())


def _tuple_dumper() -> Any:
    from psycopg.adapt import RecursiveDumper  # noqa: PLC0415  optional

    class TupleDumper(RecursiveDumper):
        """`(1, 2)`, for IN."""

        def dump(self, values: Any) -> bytes:
            return self.quote(values)

        def quote(self, values: Any) -> bytes:
            if not values:
                in_list(values)
            return b"(" + b", ".join(bytes(self._tx.as_literal(one)) for one in values) + b")"

    return TupleDumper
