"""Give many files new content, all or none, each in one step.

A file is written beside its target and then renamed over it, so that at any moment, also after a
crash, the target has its old or its new content and never a part of one.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path

import msgspec

from migrate_async.errors import NotPutBackError, StalePlanError
from migrate_async.source.read import digest_of

ABSENT = ""
"""The digest of a file that is not there."""


class Replacement(msgspec.Struct, frozen=True):
    """New content for a file that has one of the digests `expected` (empty: whatever it has).

    `mode` are the permissions of a file that is made anew; one that exists keeps its own.
    """

    data: bytes
    expected: Collection[str] = ()
    mode: int = 0o644


def current_digest(path: Path) -> str:
    """The digest of the file at `path`, `ABSENT` when there is none that can be read."""
    try:
        return digest_of(path.read_bytes())
    except OSError:
        return ABSENT


def replace_all(replacements: Mapping[Path, Replacement]) -> None:
    """Give each file its new content; if one cannot have it, all keep their old.

    Links stay and their targets change. Permissions are kept, the owner where the system lets us,
    and the time of the change is now, so that build tools notice.

    Raises `StalePlanError` when a file is not what was expected, `OSError` when one cannot be
    written (one that is read-only cannot), after everything is as it was; `NotPutBackError` when
    that could not be done either.
    """
    targets = {Path(os.path.realpath(path)): new for path, new in replacements.items()}
    _refuse_read_only(targets)
    done: dict[Path, bytes | None] = {}
    with _prepared(targets) as temporary:
        try:
            for target, new in targets.items():
                old = target.read_bytes() if target.exists() else None
                _refuse_changed(target, old, new)
                done[target] = old
                temporary[target].replace(target)
            for folder in {target.parent for target in targets}:
                sync_folder(folder)
        except BaseException as error:
            remove_temporary(targets)  # what they take is space to put the old content back
            _put_back(done, error)
            raise


def remove_temporary(targets: Iterable[Path]) -> None:
    """Remove what a run may have left beside `targets`, as far as that can be done."""
    for target in targets:
        with contextlib.suppress(OSError):
            _beside(Path(os.path.realpath(target))).unlink()


def write_synced(path: Path, data: bytes) -> None:
    """Write a new file, on disk when this returns."""
    with path.open("xb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())


def sync_folder(folder: Path) -> None:
    """Make renames in `folder` durable, where the system can."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with contextlib.suppress(OSError):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _beside(target: Path) -> Path:
    return target.with_name(f".{target.name}.migrate-async")


def _refuse_read_only(targets: Iterable[Path]) -> None:
    """Renaming would replace a file that nobody may write to: whoever made it so meant it."""
    for target in targets:
        if target.exists() and not os.access(target, os.W_OK):
            raise PermissionError(errno.EACCES, "read-only file", str(target))


def _refuse_changed(target: Path, old: bytes | None, new: Replacement) -> None:
    digest = ABSENT if old is None else digest_of(old)
    if new.expected and digest not in new.expected:
        raise StalePlanError(f"{target} changed while it was being rewritten: run again")


@contextlib.contextmanager
def _prepared(targets: Mapping[Path, Replacement]) -> Iterator[dict[Path, Path]]:
    """A file with the new content beside each target; what is left of them is removed."""
    temporary = {target: _beside(target) for target in targets}
    try:
        for target, new in targets.items():
            _write_beside(target, new.data, new.mode)
        yield temporary
    finally:
        remove_temporary(targets)


def _write_beside(target: Path, data: bytes, mode: int) -> None:
    beside = _beside(target)
    beside.unlink(missing_ok=True)
    write_synced(beside, data)
    if not target.exists():
        beside.chmod(mode)
        return
    status = target.stat()
    if hasattr(os, "chown") and (status.st_uid, status.st_gid) != _owner(beside):
        with contextlib.suppress(PermissionError):
            os.chown(beside, status.st_uid, status.st_gid)
    shutil.copymode(target, beside)


def _owner(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_uid, status.st_gid


def _put_back(done: Mapping[Path, bytes | None], cause: BaseException) -> None:
    """The old content of the files in `done`; what has it already is left alone."""
    try:
        for target, content in done.items():
            if content is None:
                target.unlink(missing_ok=True)
            elif target.read_bytes() != content:
                _write_beside(target, content, 0o644)
                _beside(target).replace(target)
    except BaseException as error:  # noqa: BLE001 - whatever it was: the journal has to stay
        raise NotPutBackError(str(cause), str(error)) from cause
