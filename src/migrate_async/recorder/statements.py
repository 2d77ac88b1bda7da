"""Note every statement that a driver is given, and the ends of transactions.

The events are those of `Engine`: the one beneath an `AsyncEngine` is one, too.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any, Callable, List

from .guard import guarded
from .loads import ORIGIN
from .log import Log
from .places import Places
from .sql import Statement, Statements, rows


def listen(sqlalchemy: ModuleType, log: Log, places: Places) -> None:
    """Record all engines of the process."""
    listener = _Listener(log, places, f"sqlalchemy {sqlalchemy.__version__}")
    event, engine = sqlalchemy.event, sqlalchemy.engine.Engine
    event.listen(engine, "before_cursor_execute", listener.execute)
    for name in ("commit", "rollback"):
        event.listen(engine, name, guarded(log.problem, listener.end(name.upper())))


class _Listener:
    def __init__(self, log: Log, places: Places, library: str) -> None:
        self._log = log
        self._places = places
        self._library = library
        self._statements = Statements()
        self._dialects: List[str] = []

    def execute(self, connection: Any, _cursor: Any, text: str, *rest: Any) -> None:
        """Of `Engine`: a cursor is about to execute `text`; `parameters, context, executemany`."""
        try:
            self._execute(connection.dialect, text, *rest)
        except Exception as error:  # noqa: BLE001 - the application must not notice
            self._log.problem(error)

    def _execute(
        self,
        dialect: Any,
        text: str,
        parameters: Any,
        context: Any,
        is_many: bool,
    ) -> None:
        self._note_environment(dialect)
        normal = self._statements.normal(text, dialect.paramstyle)
        number = self._log.statement(normal.text)
        rows = _rows(normal, parameters, is_many=is_many)
        origin = context.execution_options.get(ORIGIN) if context is not None else None
        if origin is None:
            sight = self._places.see(sys._getframe(2))
            self._log.execution(number, rows, "", _at(sight.place))
            return
        origin.statement = origin.statement or number
        self._log.execution(number, rows, origin.cause, _at(origin.at))

    def end(self, text: str) -> Callable[..., None]:
        """The listener for the end of a transaction, which is no statement to a driver."""

        def note(*_args: Any) -> None:
            number = self._log.statement(text)
            sight = self._places.see(sys._getframe(2))
            self._log.execution(number, [], "", _at(sight.place))

        return note

    def _note_environment(self, dialect: Any) -> None:
        name = f"{dialect.name}+{dialect.driver}"
        if name not in self._dialects:
            self._dialects.append(name)
            python = f"python {sys.version_info[0]}.{sys.version_info[1]}"
            self._log.environment(f"{python}, {self._library}, {name}")


def _rows(normal: Statement, parameters: Any, *, is_many: bool) -> List[List[Any]]:
    if not parameters:
        return []
    given = parameters if is_many and _has_rows(parameters) else [parameters]
    return [row for values in given for row in rows(normal, values)]


def _has_rows(parameters: Any) -> bool:
    """An `executemany` that SQLAlchemy 2 turned into one INSERT with many VALUES has none."""
    return isinstance(parameters, (list, tuple)) and isinstance(parameters[0], (list, tuple, dict))


def _at(place: Any) -> str:
    return f"{place[0]}:{place[1]}" if place else ""
