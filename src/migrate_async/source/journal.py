"""The journal of a write: `.migrate-async/journal/<n>/`, the old bytes of all files it touches.

    manifest.json     which files, and their digests before and after; written last
    00000.old ...     the old bytes
    written           an empty file: all files have their new content
    <n>.undone/       the folder's name once its files were put back

A folder without a manifest is what a crash left before any file was touched. One without `written`
is of a write that was interrupted: the digests tell which files are old and which are new.
"""

from __future__ import annotations

import shutil
import stat
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

import msgspec

from migrate_async.errors import UsageError
from migrate_async.model.journal import FileState, JournalFile, JournalRecord, WriteState
from migrate_async.source.lock import FOLDER, own_folder
from migrate_async.source.read import SourceFile, digest_of
from migrate_async.source.replace import ABSENT, current_digest, sync_folder, write_synced

JOURNALS = f"{FOLDER}/journal"
_MANIFEST = "manifest.json"
_WRITTEN = "written"
_UNDONE = ".undone"


class Entry(msgspec.Struct, frozen=True):
    """One file of a journal; digests are SHA-256, `blob` is the file with the old bytes."""

    path: str
    before: str
    after: str
    blob: str
    mode: int = 0o644


class Manifest(msgspec.Struct, frozen=True):
    """What a journal holds."""

    files: tuple[Entry, ...]
    version: int = 1


class Journal:
    """One write, as its folder tells."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.number = int(folder.name.removesuffix(_UNDONE))

    @property
    def state(self) -> WriteState:
        if self.folder.name.endswith(_UNDONE):
            return WriteState.UNDONE
        written = (self.folder / _WRITTEN).exists()
        return WriteState.WRITTEN if written else WriteState.INTERRUPTED

    @cached_property
    def files(self) -> tuple[Entry, ...]:
        """Raises `UsageError` when the manifest cannot be read."""
        try:
            data = (self.folder / _MANIFEST).read_bytes()
            return msgspec.json.decode(data, type=Manifest).files
        except (OSError, msgspec.DecodeError) as error:
            raise UsageError(f"{self.folder} is not a journal: {error}") from None

    def old(self, entry: Entry) -> bytes:
        """The old bytes of a file. Raises `UsageError` when they are not what they were."""
        try:
            data = (self.folder / entry.blob).read_bytes()
        except OSError as error:
            raise UsageError(f"{self.folder} has lost {entry.path}: {error}") from None
        if digest_of(data) != entry.before:
            raise UsageError(f"{self.folder / entry.blob} is damaged: not what {entry.path} was")
        return data

    def record(self, root: Path) -> JournalRecord:
        """The write and its files as they are now."""
        files = tuple(JournalFile(e.path, _state(root, e).value) for e in self.files)
        return JournalRecord(self.number, self.state.value, files)

    def mark_written(self) -> None:
        (self.folder / _WRITTEN).touch()

    def mark_undone(self) -> None:
        self.folder = self.folder.rename(self.folder.with_name(f"{self.number}{_UNDONE}"))

    def discard(self) -> None:
        """Remove the journal of a write that changed nothing; its manifest first."""
        (self.folder / _MANIFEST).unlink(missing_ok=True)
        shutil.rmtree(self.folder)


def journals(root: Path) -> list[Journal]:
    """All journals, the oldest first, undone ones too."""
    folder = root / JOURNALS
    found = (
        [Journal(path) for path in folder.iterdir() if _is_journal(path)] if folder.is_dir() else []
    )
    return sorted(found, key=lambda journal: journal.number)


def create(root: Path, contents: Mapping[str, tuple[SourceFile, bytes]]) -> Journal:
    """A journal of the files that are about to change: as they are, and their new bytes."""
    folder = own_folder(root) / "journal"
    folder.mkdir(exist_ok=True)
    journal = Journal(_numbered(folder))
    try:
        _fill(journal.folder, root, contents)
    except BaseException:
        journal.discard()
        raise
    return journal


def _fill(folder: Path, root: Path, contents: Mapping[str, tuple[SourceFile, bytes]]) -> None:
    entries = []
    for number, (path, (source, new)) in enumerate(contents.items()):
        mode = stat.S_IMODE((root / path).stat().st_mode)
        entry = Entry(path, source.digest, digest_of(new), f"{number:05}.old", mode)
        write_synced(folder / entry.blob, source.data)
        entries.append(entry)
    # Under another name first: half a manifest would be a journal that nobody can read.
    unfinished = folder / f"{_MANIFEST}.new"
    write_synced(unfinished, msgspec.json.encode(Manifest(tuple(entries))))
    unfinished.rename(folder / _MANIFEST)
    sync_folder(folder)
    sync_folder(folder.parent)


def _is_journal(path: Path) -> bool:
    return path.name.removesuffix(_UNDONE).isdigit() and (path / _MANIFEST).exists()


def _numbered(folder: Path) -> Path:
    taken = [path.name.removesuffix(_UNDONE) for path in folder.iterdir()]
    number = max((int(name) for name in taken if name.isdigit()), default=0) + 1
    journal = folder / str(number)
    journal.mkdir()
    return journal


def _state(root: Path, entry: Entry) -> FileState:
    digest = current_digest(root / entry.path)
    if digest == ABSENT:
        return FileState.MISSING
    known = {entry.after: FileState.NEW, entry.before: FileState.OLD}
    return known.get(digest, FileState.EDITED)
