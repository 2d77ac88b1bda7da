"""What has to be known of files that nobody links: that they can be parsed, and little more.

No more than a portion of them is in memory at any time.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from migrate_async.config import Settings
from migrate_async.errors import SourceError
from migrate_async.index.cache import FACTS_VERSION
from migrate_async.index.extract import extract
from migrate_async.index.load import (
    CHARACTERS_WORTH_A_POOL,
    named_by,
    no_garbage_collection,
    problem_of,
)
from migrate_async.model.diagnostic import Diagnostic
from migrate_async.source.line_lengths import Lengths, lengths_of
from migrate_async.source.modules import Named
from migrate_async.source.parallel import Workers
from migrate_async.source.read import SourceFile, read
from migrate_async.source.table import Table

if TYPE_CHECKING:
    from concurrent.futures import Executor

_FOLDER = "outlines"
_CHARACTERS_AT_ONCE = 6 * CHARACTERS_WORTH_A_POOL


class Outline(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Of a file that could be parsed: `named` as `named_by` gives it, and its `Lengths`."""

    named: tuple[Named, ...]
    lines: int
    long: int

    @property
    def lengths(self) -> Lengths:
        """How long its lines are."""
        return Lengths(self.lines, self.long)


@dataclass(frozen=True)
class Outlined:
    """The outlines by path, and why there are none of other files."""

    outlines: Mapping[str, Outline]
    problems: tuple[Diagnostic, ...] = ()


def outlines_of(  # noqa: PLR0913 - as `index.load.load`
    paths: Sequence[str],
    root: Path,
    jobs: int | Executor = 0,
    cache: Path | None = None,
    settings: Settings | None = None,
    *,
    digests: Mapping[str, str] | None = None,
    is_all: bool = True,
) -> Outlined:
    """The outlines of the files `paths`, relative to `root`; arguments as for `index.load.load`.

    Files with known `digests` are not read if the folder `cache` knows them. Unless these `paths`
    are all of which outlines are wanted, the folder goes on holding those of others.
    """
    settings = settings or Settings()
    table = _table(cache)
    outlines: dict[str, Outline] = {}
    problems: list[Diagnostic] = []
    unknown = []
    for path in paths:
        found = table.get((digests or {}).get(path, ""))
        if found is None:
            unknown.append(path)
        else:
            outlines[path] = found
    workers = Workers.of(jobs)
    for portion in _portions(unknown, root, settings.max_file_size, problems):
        for source, outcome in zip(portion, _read_all(portion, workers), strict=True):
            if isinstance(outcome, SourceError):
                problems.append(problem_of(source.path, outcome))
            else:
                outlines[source.path] = outcome
                table.put(source.digest, outcome)
    if is_all:
        table.save()
    else:
        table.add()
    return Outlined(outlines, tuple(sorted(problems)))


def known_outlines(cache: Path | None, digests: Mapping[str, str]) -> dict[str, Outline]:
    """The outlines that are known, by path, of files with these digests."""
    table = _table(cache)
    found = {path: table.get(digest) for path, digest in digests.items()}
    return {path: outline for path, outline in found.items() if outline is not None}


def _table(cache: Path | None) -> Table[Outline]:
    return Table(cache, _FOLDER, Outline, f"{FACTS_VERSION}-py{sys.version_info[:2]}")


def _portions(
    paths: Sequence[str], root: Path, max_size: int, problems: list[Diagnostic]
) -> Iterator[list[SourceFile]]:
    """The files, some at a time; what cannot be read goes to `problems`."""
    portion: list[SourceFile] = []
    size = 0
    for path in paths:
        try:
            source = read(root, path, max_size)
        except SourceError as error:
            problems.append(problem_of(path, error))
            continue
        portion.append(source)
        size += len(source.text)
        if size > _CHARACTERS_AT_ONCE:
            yield portion
            portion, size = [], 0
    yield portion


def _read_all(portion: Sequence[SourceFile], workers: Workers) -> list[Outline | SourceError]:
    with no_garbage_collection():
        return workers.map(
            _read,
            [(source.text, source.path) for source in portion],
            weight=lambda item: len(item[0]),
            threshold=CHARACTERS_WORTH_A_POOL,
        )


def _read(work: tuple[str, str]) -> Outline | SourceError:
    text, path = work
    try:
        syntax = extract(text, path)
    except SourceError as error:
        return error
    return Outline(tuple(sorted(set(named_by(syntax.body)))), *lengths_of(text))
