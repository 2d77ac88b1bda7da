"""Put all changes on disk, or none; and take them back.

Before the first file is touched, a journal (`.migrate-async/journal/<n>/`) has the old bytes of
all of them. Each file is written beside itself and then renamed over, so at any moment, also after
a crash, it has its old or its new content and never a part of one.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from migrate_async.errors import StalePlanError, UsageError
from migrate_async.model.change import FileChange
from migrate_async.source.read import SourceFile, digest_of

JOURNALS = ".migrate-async/journal"
_MANIFEST = "manifest.json"
_UNDONE = ".undone"


class Entry(msgspec.Struct, frozen=True):
    """One file of a journal; digests are SHA-256, `blob` is the file with the old bytes."""

    path: str
    before: str
    after: str
    blob: str


class Manifest(msgspec.Struct, frozen=True):
    """What a journal holds."""

    files: tuple[Entry, ...]
    version: int = 1


def write(
    changes: Sequence[FileChange], sources: Mapping[str, SourceFile], root: Path
) -> Path | None:
    """Write every change, all or nothing; the journal, or None when nothing changed.

    Encoding, byte order mark, line ends, permissions and links are kept. Raises `StalePlanError`
    when a file is not what it was when it was read; `OSError` when writing fails, after everything
    is as it was before; `SourceError` when new text does not fit a file's encoding.
    """
    contents = {
        change.path: (sources[change.path], sources[change.path].encode(change.after))
        for change in changes
        if change.changed
    }
    if not contents:
        return None
    for path, (source, _) in contents.items():
        if digest_of((root / path).read_bytes()) != source.digest:
            raise StalePlanError(f"{path} changed while it was being rewritten: run again")
    journal = _new_journal(root, contents)
    try:
        _replace_all({root / path: new for path, (_, new) in contents.items()})
    except BaseException:
        shutil.rmtree(journal)
        raise
    return journal


def write_file(path: Path, data: bytes) -> None:
    """Give one file its content, which is no source and needs no journal; all or nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    _replace_all({path: data})


def undo(root: Path, journal: Path | None = None, *, force: bool = False) -> list[str]:
    """Put back the files of `journal` (by default the newest); their paths.

    The journal is kept, marked as undone. Nothing is done, and nothing returned, when there is no
    journal. Raises `UsageError` when a file was edited since, unless `force`.
    """
    journal = journal or latest(root)
    if journal is None:
        return []
    manifest = _read_manifest(journal)
    edited = [entry.path for entry in manifest.files if _is_edited(root, entry)]
    if edited and not force:
        raise UsageError(
            f"edited since: {', '.join(edited[:5])}: commit or revert the edits, or use --force"
        )
    old = {root / entry.path: (journal / entry.blob).read_bytes() for entry in manifest.files}
    _replace_all(old)
    journal.rename(journal.with_name(journal.name + _UNDONE))
    return [entry.path for entry in manifest.files]


def latest(root: Path) -> Path | None:
    """The newest journal that is not undone."""
    numbers = _numbers(root)
    return root / JOURNALS / str(max(numbers)) if numbers else None


def _numbers(root: Path) -> list[int]:
    folder = root / JOURNALS
    names = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    return [int(name) for name in names if name.isdigit() and (folder / name / _MANIFEST).exists()]


def _is_edited(root: Path, entry: Entry) -> bool:
    try:
        digest = digest_of((root / entry.path).read_bytes())
    except OSError:
        return True
    return digest not in {entry.before, entry.after}


def _read_manifest(journal: Path) -> Manifest:
    try:
        return msgspec.json.decode((journal / _MANIFEST).read_bytes(), type=Manifest)
    except (OSError, msgspec.DecodeError) as error:
        raise UsageError(f"{journal} is not a journal: {error}") from None


# --- the journal -------------------------------------------------------------------------------


def _new_journal(root: Path, contents: Mapping[str, tuple[SourceFile, bytes]]) -> Path:
    folder = root / JOURNALS
    folder.mkdir(parents=True, exist_ok=True)
    ignore = folder.parent / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n", "utf-8")
    journal = _numbered(folder)
    entries = []
    for number, (path, (source, new)) in enumerate(contents.items()):
        entry = Entry(path, source.digest, digest_of(new), f"{number:05}.old")
        _write_synced(journal / entry.blob, source.data)
        entries.append(entry)
    _write_synced(journal / _MANIFEST, msgspec.json.encode(Manifest(tuple(entries))))
    _sync_folder(journal)
    return journal


def _numbered(folder: Path) -> Path:
    taken = [path.name.removesuffix(_UNDONE) for path in folder.iterdir()]
    number = max((int(name) for name in taken if name.isdigit()), default=0) + 1
    journal = folder / str(number)
    journal.mkdir()
    return journal


# --- files -------------------------------------------------------------------------------------


def _replace_all(contents: Mapping[Path, bytes]) -> None:
    """Give each file its new content; if one cannot have it, all keep their old."""
    targets = {Path(os.path.realpath(path)): new for path, new in contents.items()}
    with _prepared(targets) as temporary:
        done: list[Path] = []
        old = {target: target.read_bytes() if target.exists() else None for target in targets}
        try:
            for target in targets:
                temporary[target].replace(target)
                done.append(target)
        except BaseException:
            _put_back({target: old[target] for target in done})
            raise
        for folder in {target.parent for target in targets}:
            _sync_folder(folder)


@contextlib.contextmanager
def _prepared(targets: Mapping[Path, bytes]) -> Iterator[dict[Path, Path]]:
    """A file with the new content beside each target; what is left of them is removed."""
    temporary: dict[Path, Path] = {}
    try:
        for target, new in targets.items():
            temporary[target] = target.with_name(f".{target.name}.migrate-async")
            temporary[target].unlink(missing_ok=True)
            _write_synced(temporary[target], new)
            if target.exists():
                shutil.copymode(target, temporary[target])
        yield temporary
    finally:
        for path in temporary.values():
            path.unlink(missing_ok=True)


def _put_back(old: Mapping[Path, bytes | None]) -> None:
    for target, content in old.items():
        if content is None:
            target.unlink(missing_ok=True)
            continue
        beside = target.with_name(f".{target.name}.migrate-async-back")
        _write_synced(beside, content)
        shutil.copymode(target, beside)
        beside.replace(target)


def _write_synced(path: Path, data: bytes) -> None:
    with path.open("xb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())


def _sync_folder(folder: Path) -> None:
    """Make renames in `folder` durable, where the system can."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with contextlib.suppress(OSError):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
