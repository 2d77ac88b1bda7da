"""Lists of which nothing says the type, as psycopg2 wrote them: `ARRAY[1, 2]`, for asyncpg.

    select(func.unnest([1, 2]))

The elements tell psycopg2's server what the list is. asyncpg sends a parameter without a type, and
the server does not know which `unnest()` is meant. In `text()` that is `raw_sql`'s matter.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from migrate_async.runtime.legacy.habits.over_asyncpg import AsyncpgHabits
from migrate_async.runtime.legacy.habits.sql_text import ParameterRefused


def type_lists_as_psycopg2(engine: AsyncEngine) -> AsyncEngine:
    """Let `engine` send such lists with the type of their elements; it is given back.

    Where `guessed_texts` has the server find out all types, nothing is left to be done here. Other
    drivers than asyncpg are left as they are.
    """
    dialect = engine.dialect
    if dialect.driver == "asyncpg":
        dialect.statement_compiler = _noting(dialect.statement_compiler)
        event.listen(engine.sync_engine, "do_execute", _execute(AsyncpgHabits()))
    return engine


def _noting(base: Any) -> Any:
    """The compiler `base`, which notes whether it met such a list."""

    class ListNotingCompiler(base):  # type: ignore[misc]
        has_untyped_lists = False

        def visit_bindparam(self, bindparam: Any, *args: Any, **options: Any) -> Any:
            if bindparam.type._isnull and isinstance(bindparam.value, list):
                self.has_untyped_lists = True
            return super().visit_bindparam(bindparam, *args, **options)

    return ListNotingCompiler


def _execute(habits: AsyncpgHabits) -> Any:
    """A listener that runs what has such lists, and leaves to SQLAlchemy what has none."""

    def execute(cursor: Any, statement: str, parameters: Any, context: Any) -> bool:
        compiled = getattr(context, "compiled", None)
        if not getattr(compiled, "has_untyped_lists", False):
            return False
        try:
            habits.execute(cursor, False, statement, parameters)
        except ParameterRefused:
            return False
        return True

    return execute
