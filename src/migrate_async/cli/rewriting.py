"""From a plan to new text: rewritten, verified, compared, written.

What became of a file is kept by its text and its edits: a run after it rewrites the files anew for
which one of them is another.
"""

from __future__ import annotations

import gc
import hashlib
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from migrate_async.model.change import FileChange
from migrate_async.model.plan import FilePlan, Plan
from migrate_async.model.summary import ChangedFile
from migrate_async.source.memo import key_of
from migrate_async.source.store import Store

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from migrate_async.cli.progress import Progress
    from migrate_async.source.read import SourceFile

_FOLDER = "rewritten"
_KEPT = 4_000
"""More than the files that change in nearly all projects; where it is not, as many are kept."""


class _Rewritten(msgspec.Struct, frozen=True):
    """What became of the text of a file."""

    after: str
    codemods: tuple[str, ...]


_decoder = msgspec.msgpack.Decoder(_Rewritten)


def rewrite(
    plan: Plan,
    sources: Mapping[str, SourceFile],
    jobs: int | Executor,
    progress: Progress,
    *,
    limit: int | None = None,
    cache: Path | None = None,
) -> tuple[FileChange, ...]:
    """All files of the plan, rewritten and verified; those that fail come back as they were.

    `limit` is as for `rewrite.engine.apply`; with it, results are kept in the folder `cache`.
    """
    progress.phase(f"Rewriting {len(plan.files)} files")
    if not gc.isenabled():  # by the command line: what was planned stays, what follows does not
        gc.freeze()
        gc.enable()
    known = _Known(None if limit is None else cache, limit)
    changes = {file.path: known.get(file, sources.get(file.path)) for file in plan.files}
    new = tuple(file for file in plan.files if changes[file.path] is None)
    if new:
        from migrate_async.rewrite.engine import apply
        from migrate_async.verify.rewritten import verify

        wanted = msgspec.structs.replace(plan, files=new)
        applied = apply(wanted, sources, jobs=jobs, limit=limit)
        progress.phase("Verifying")
        changes |= {change.path: change for change in verify(wanted, applied)}
        known.put(new, changes, kept=len(plan.files))
    return tuple(change for change in changes.values() if change is not None)


class _Known:
    """Results of earlier runs, below `cache`; None keeps nothing."""

    def __init__(self, cache: Path | None, limit: int | None) -> None:
        self._store = Store(cache, _FOLDER)
        self._common = key_of(_FOLDER, limit, version("libcst")) if self._store.keeps else ""
        self._names: dict[str, str] = {}

    def get(self, file: FilePlan, source: SourceFile | None) -> FileChange | None:
        """What the edits of `file` make of its text, if that is `source` and was seen before."""
        if not self._store.keeps or source is None or source.digest != file.digest:
            return None
        described = f"{self._common} {file!r}".encode()
        name = hashlib.blake2b(described, digest_size=20).hexdigest()
        self._names[file.path] = name
        try:
            found = _decoder.decode(self._store.get(name) or b"")
        except msgspec.DecodeError:
            return None
        return FileChange(file.path, source.text, found.after, found.codemods)

    def put(
        self, files: Sequence[FilePlan], changes: Mapping[str, FileChange | None], *, kept: int
    ) -> None:
        """Keep what became of `files`, apart from what failed; in all, twice `kept` or more."""
        if not self._store.keeps:
            return
        for file in files:
            change, name = changes[file.path], self._names.get(file.path)
            if change is not None and name is not None and not change.diagnostics:
                found = _Rewritten(change.after, change.codemods)
                self._store.put(name, msgspec.msgpack.encode(found))
        self._store.keep_newest(max(_KEPT, 2 * kept))


def make_patches(
    changes: Sequence[FileChange], sources: Mapping[str, SourceFile], root: Path
) -> dict[str, str]:
    """The patch of each changed file, with names as `git apply` wants them: from the top."""
    from migrate_async.source.git import path_from_top
    from migrate_async.source.patch import unified

    prefix = path_from_top(root)
    patches = {}
    for change in changes:
        if change.changed:
            named = msgspec.structs.replace(change, path=prefix + change.path)
            patches[change.path] = unified([named], {named.path: sources[change.path]})
    return patches


def changed_file(change: FileChange, patch: str) -> ChangedFile:
    """The lines are counted in the hunks of the file's patch, as `git diff --stat` does."""
    hunks = patch[patch.find("\n@@") :].split("\n")
    return ChangedFile(
        path=change.path,
        added=sum(line.startswith("+") for line in hunks),
        removed=sum(line.startswith("-") for line in hunks),
        codemods=change.codemods,
    )


def write_changes(
    changes: Sequence[FileChange], sources: Mapping[str, SourceFile], root: Path
) -> str:
    """Write all changes, or none; the journal that `undo` reads, empty when nothing changed."""
    from migrate_async.source.write import write

    journal = write(changes, sources, root)
    return journal.relative_to(root).as_posix() if journal else ""
