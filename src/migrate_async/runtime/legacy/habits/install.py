"""Give a sync engine over asyncpg or psycopg the habits of psycopg2."""

from __future__ import annotations

from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Dialect, Engine
from sqlalchemy.sql import sqltypes

from migrate_async.runtime.legacy.habits.contract import Habits
from migrate_async.runtime.legacy.habits.over_asyncpg import AsyncpgHabits
from migrate_async.runtime.legacy.habits.over_psycopg import PsycopgHabits
from migrate_async.runtime.legacy.habits.sql_text import MARK, refuse_pasting


def install_habits(engine: Engine) -> Habits:
    """Give an engine, whose driver is asyncpg or psycopg, the habits of psycopg2."""
    view = _view_of(engine.dialect)
    engine.dialect = view
    event.listen(engine, "before_cursor_execute", _note_compiled)
    return AsyncpgHabits() if view.driver == "asyncpg" else PsycopgHabits()


def _view_of(dialect: Dialect) -> Dialect:
    """The same dialect with another compiler: it shares all state, set now or later."""
    kind = type(dialect)
    omit = dialect.driver != "asyncpg"

    class Compiler(kind.statement_compiler):  # type: ignore[name-defined, misc]
        def render_bind_cast(self, type_: Any, dbapi_type: Any, sqltext: str) -> str:
            rendered = str(super().render_bind_cast(type_, dbapi_type, sqltext))
            if not rendered.startswith("%(") or not _is_plain(dbapi_type):
                return rendered
            return sqltext if omit else f"{sqltext}{MARK}{rendered[len(sqltext) :]}{MARK}"

        def visit_textclause(self, textclause: Any, *args: Any, **kw: Any) -> str:
            if not omit:
                refuse_pasting(textclause.text)
            return str(super().visit_textclause(textclause, *args, **kw))

    namespace = {"statement_compiler": Compiler, "supports_statement_cache": True}
    view: Dialect = object.__new__(type(kind.__name__, (kind,), namespace))
    view.__dict__ = dialect.__dict__
    return view


_PLAIN = (sqltypes.Integer, sqltypes.Numeric, sqltypes.DateTime, sqltypes.Date, sqltypes.Time)


def _is_plain(type_: Any) -> bool:
    """A type for which psycopg2's literals need no cast."""
    return isinstance(type_, (*_PLAIN, sqltypes.Interval, sqltypes.Boolean, sqltypes.Uuid)) or (
        isinstance(type_, sqltypes.String) and not isinstance(type_, sqltypes.Enum)
    )


def _note_compiled(_c: Any, cursor: Any, _s: str, _p: Any, context: Any, _many: bool) -> None:
    """What SQLAlchemy compiled has the driver's placeholders, what people write has `%s`."""
    if getattr(context, "compiled", None) is not None:
        cursor.executes_compiled()
