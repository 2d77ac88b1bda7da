"""Put all changes on disk, or none; and take them back.

Before the first file is touched, a journal has the old bytes of all of them (`source.journal`), and
each file changes in one step (`source.replace`). Whatever ends the program, nothing is lost.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from migrate_async.errors import NotPutBackError, StalePlanError, UsageError
from migrate_async.model.change import FileChange
from migrate_async.model.journal import FileState, JournalRecord, WriteState
from migrate_async.source.journal import JOURNALS, Journal, create, journals
from migrate_async.source.lock import locked
from migrate_async.source.read import SourceFile
from migrate_async.source.replace import (
    Replacement,
    current_digest,
    remove_temporary,
    replace_all,
)

__all__ = ["JOURNALS", "history", "latest", "undo", "write"]


def write(
    changes: Sequence[FileChange], sources: Mapping[str, SourceFile], root: Path
) -> Path | None:
    """Write every change, all or nothing; the journal, or None when nothing changed.

    Encoding, byte order mark, line ends, permissions and links are kept. Raises `StalePlanError`
    when a file is not what it was when it was read; `UsageError` when another run is writing, or
    was interrupted and left some files old and some new; `OSError` when writing fails, after
    everything is as it was before, and `NotPutBackError` when that failed, too: the journal then
    stays; `SourceError` when new text does not fit a file's encoding.
    """
    contents = {
        change.path: (sources[change.path], sources[change.path].encode(change.after))
        for change in changes
        if change.changed
    }
    if not contents:
        return None
    with locked(root):
        _settle(root)
        _refuse_stale(root, contents)
        journal = create(root, contents)
        try:
            replace_all(
                {
                    root / path: Replacement(new, {source.digest})
                    for path, (source, new) in contents.items()
                }
            )
        except NotPutBackError:
            raise
        except BaseException:
            journal.discard()
            raise
        with contextlib.suppress(OSError):  # all is written; the next write sees that and marks it
            journal.mark_written()
    return journal.folder


def write_file(path: Path, data: bytes) -> None:
    """Give one file its content, which is no source and needs no journal; all or nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_all({path: Replacement(data)})


def undo(root: Path, *, back_to: int | None = None, force: bool = False) -> list[str]:
    """Put back the files of the newest write; with `back_to`, of all writes since that number.

    Gives the paths put back, each once. The journals are kept, marked as undone. Nothing is done,
    and nothing returned, when there is nothing to undo. Raises `UsageError` when there is no write
    with that number, or when files were edited since, unless `force`.
    """
    pending = _pending(root, back_to)
    if not pending:
        return []
    with locked(root):
        edited = _edited(root, pending)
        if edited and not force:
            listed = "".join(f"\n  {path}" for path in edited)
            raise UsageError(
                f"edited since, so nothing was put back:{listed}\n"
                "commit or revert the edits, or use --force"
            )
        for journal in pending:
            _put_back(root, journal, force=force)
    return sorted({entry.path for journal in pending for entry in journal.files})


def history(root: Path) -> list[JournalRecord]:
    """Every write and what became of its files, the newest first."""
    return [journal.record(root) for journal in reversed(journals(root))]


def latest(root: Path) -> Path | None:
    """The newest journal that is not undone."""
    pending = _pending(root, None)
    return pending[0].folder if pending else None


def _pending(root: Path, back_to: int | None) -> list[Journal]:
    """What `undo` has to put back, the newest first."""
    found = [item for item in journals(root) if item.state is not WriteState.UNDONE]
    found.reverse()
    if back_to is None:
        return found[:1]
    if back_to not in {journal.number for journal in found}:
        raise UsageError(f"there is no write {back_to} to undo; `undo --list` names them")
    return [journal for journal in found if journal.number >= back_to]


def _edited(root: Path, pending: Sequence[Journal]) -> list[str]:
    """Files that are neither as a write left them nor as it found them."""
    edited: dict[str, None] = {}
    digests: dict[str, str] = {}
    for journal in pending:
        for entry in journal.files:
            digest = digests.get(entry.path) or current_digest(root / entry.path)
            if digest not in {entry.before, entry.after}:
                edited[entry.path] = None
            digests[entry.path] = entry.before
    return list(edited)


def _put_back(root: Path, journal: Journal, *, force: bool) -> None:
    replace_all(
        {
            root / entry.path: Replacement(
                journal.old(entry), () if force else {entry.before, entry.after}, entry.mode
            )
            for entry in journal.files
        }
    )
    journal.mark_undone()


def _settle(root: Path) -> None:
    """Close the journal of an interrupted write where that needs no decision.

    Raises `UsageError` where it does: some files are old and some new.
    """
    interrupted = [item for item in journals(root) if item.state is WriteState.INTERRUPTED]
    for journal in interrupted:
        record = journal.record(root)
        old, new = record.count(FileState.OLD), record.count(FileState.NEW)
        if old and new:
            raise UsageError(
                f"write {journal.number} was interrupted: {new} of {len(record.files)} files have "
                "their new content; run `migrate-async undo` first (`undo --list` names them)"
            )
        remove_temporary(root / file.path for file in record.files)
        if new:
            journal.mark_written()
        else:
            journal.mark_undone()


def _refuse_stale(root: Path, contents: Mapping[str, tuple[SourceFile, bytes]]) -> None:
    for path, (source, _) in contents.items():
        if current_digest(root / path) != source.digest:
            raise StalePlanError(f"{path} changed while it was being rewritten: run again")
