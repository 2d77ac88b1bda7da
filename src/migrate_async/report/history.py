"""The writes of a project, the newest first, and what became of their files."""

from __future__ import annotations

from collections.abc import Sequence

from migrate_async.model.journal import FileState, JournalRecord, WriteState
from migrate_async.report.page import Page
from migrate_async.report.words import counted

_STYLE = {
    WriteState.WRITTEN.value: "green",
    WriteState.INTERRUPTED.value: "bold red",
    WriteState.UNDONE.value: "dim",
}


def render_history(records: Sequence[JournalRecord], page: Page, *, verbose: bool = False) -> None:
    """A line for each write; its files where the write was interrupted, or with `verbose`."""
    if not records:
        page.line("Nothing was written.")
    for record in records:
        style = _STYLE[record.state]
        number = f"{record.number:>4}  "
        page.line(number, (f"{record.state:<11}", style), f"  {_files(record)}")
        if verbose or record.state == WriteState.INTERRUPTED.value:
            page.columns(((file.state, file.path) for file in record.files), indent=6)


def _files(record: JournalRecord) -> str:
    """`3 files`, and how many of them are not as the write left them."""
    other = [
        f"{record.count(state)} {state.value}"
        for state in (FileState.OLD, FileState.EDITED, FileState.MISSING)
        if record.count(state)
    ]
    files = counted(len(record.files), "file")
    shown = other and record.state != WriteState.UNDONE.value
    return f"{files}: {', '.join(other)}" if shown else files
