"""How the statements of sync code are executed; all of it in a greenlet on the loop."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol


class Habits(Protocol):
    """`cursor` is a cursor of SQLAlchemy's adapter; `raw`: the SQL is not SQLAlchemy's own."""

    def execute(self, cursor: Any, raw: bool, sql: str, parameters: Any = None) -> Any:
        """Execute one text, which may hold several statements."""

    def executemany(self, cursor: Any, raw: bool, sql: str, rows: Sequence[Any]) -> Any:
        """The same for each of several rows of parameters."""

    def copy(self, cursor: Any, sql: str, file: Any) -> None:
        """`COPY ... FROM STDIN` or `COPY ... TO STDOUT` with a file of text or bytes."""
