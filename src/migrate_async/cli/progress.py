"""Progress of long work, as the use cases tell it."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console


class Progress:
    """Hears of each phase; this one says nothing."""

    def phase(self, title: str) -> None:
        """A phase begins; the one before it is over."""

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """The work is over, well or not; leave nothing on the screen."""


class Spinner(Progress):
    """A spinner with the phase's title on a terminal; gone when the work ends."""

    def __init__(self, console: Console) -> None:
        self._status = console.status("Starting ...")

    def phase(self, title: str) -> None:
        self._status.update(f"{title} ...")

    def __enter__(self) -> Progress:
        self._status.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._status.stop()
