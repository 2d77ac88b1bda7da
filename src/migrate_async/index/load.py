"""Paths to parsed modules: read, take from the cache or parse in parallel, name."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from migrate_async.config import Settings
from migrate_async.errors import SourceError
from migrate_async.index.cache import FactsCache, decode, encode
from migrate_async.index.extract import extract
from migrate_async.index.scopes import ModuleInput
from migrate_async.model import syntax as s
from migrate_async.model.diagnostic import Diagnostic, Severity
from migrate_async.source.modules import Named, module_names
from migrate_async.source.parallel import Workers
from migrate_async.source.read import SourceFile, check_size, read
from migrate_async.source.read import decode as decode_source

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from migrate_async.index.outlines import Outline

CHARACTERS_WORTH_A_POOL = 6_000_000
"""About two seconds of parsing: less is over sooner than other processes are started."""

_NEXT_STEPS = {
    "MA001": "fix the syntax, run migrate-async on the Python that the file is for "
    f"(this is {sys.version_info[0]}.{sys.version_info[1]}), or exclude the file",
    "MA002": "save the file as UTF-8, or declare its encoding in the first line (PEP 263)",
    "MA003": "remove the NUL bytes, or exclude the file",
    "MA004": "exclude the file, or raise `max-file-size`",
    "MA005": "check that the file exists and may be read, or exclude it",
    "MA006": "remove the link, or exclude it",
}


class LoadedModule(ModuleInput, frozen=True):
    """A module to index, with the file that it came from."""

    source: SourceFile


class _Extracted:
    """Facts that are encoded when they go from one process to another, and only then."""

    __slots__ = ("syntax",)

    def __init__(self, syntax: s.ModuleSyntax) -> None:
        self.syntax = syntax

    def __reduce__(self) -> tuple[Callable[[bytes], _Extracted], tuple[bytes]]:
        return _received, (encode(self.syntax),)


def _received(data: bytes) -> _Extracted:
    return _Extracted(decode(data))


Outcome = _Extracted | SourceError
"""Facts, or why there are none."""


def load(  # noqa: PLR0913 - what to read, and six ways to read it
    paths: Sequence[str],
    root: Path,
    jobs: int | Executor = 0,
    cache: Path | None = None,
    settings: Settings | None = None,
    *,
    instead: Mapping[str, bytes] | None = None,
    beside: Mapping[str, Outline] | None = None,
) -> tuple[list[LoadedModule], list[Diagnostic]]:
    """The modules in the files `paths` (relative to `root`), in that order.

    `jobs` is a number of processes (0: one for each processor) or an executor; `cache` is the
    folder of the facts cache, None for no cache. Of a file in `instead` that content is taken, and
    not what is on disk. Modules are named as if the files `beside` had been read, too. A file that
    cannot be read or parsed is left out, with a diagnostic (`MA001` to `MA006`).
    """
    settings = settings or Settings()
    facts = FactsCache(cache)
    with no_garbage_collection():
        given = instead or {}
        found = [_read(root, path, settings.max_file_size, given.get(path)) for path in paths]
        sources = [source for source in found if isinstance(source, SourceFile)]
        problems = [problem for problem in found if isinstance(problem, Diagnostic)]
        syntaxes = {source.path: facts.get(source.digest) for source in sources}
        missing = [source for source in sources if syntaxes[source.path] is None]
        outcomes = _extract_all(missing, Workers.of(jobs))
        for source, outcome in zip(missing, outcomes, strict=True):
            if isinstance(outcome, SourceError):
                problems.append(problem_of(source.path, outcome))
            else:
                facts.put(source.digest, outcome.syntax)
                syntaxes[source.path] = outcome.syntax
        facts.forget_unused()
        return _modules(sources, syntaxes, settings.source_roots, beside or {}), sorted(problems)


def _read(root: Path, path: str, max_size: int, content: bytes | None) -> SourceFile | Diagnostic:
    try:
        if content is None:
            return read(root, path, max_size)
        check_size(content, max_size)
        return decode_source(content, path)
    except SourceError as error:
        return problem_of(path, error)


def _extract_all(sources: Sequence[SourceFile], workers: Workers) -> list[Outcome]:
    return workers.map(
        _extract,
        [(source.text, source.path) for source in sources],
        weight=lambda item: len(item[0]),
        threshold=CHARACTERS_WORTH_A_POOL,
    )


def _extract(work: tuple[str, str]) -> Outcome:
    text, path = work
    try:
        return _Extracted(extract(text, path))
    except SourceError as error:
        return error


def _modules(
    sources: Sequence[SourceFile],
    syntaxes: dict[str, s.ModuleSyntax | None],
    roots: Sequence[str],
    beside: Mapping[str, Outline],
) -> list[LoadedModule]:
    known = [(source, syntaxes[source.path]) for source in sources]
    parsed = [(source, syntax) for source, syntax in known if syntax is not None]
    imports: dict[str, Iterable[Named]] = {
        source.path: list(named_by(syntax.body)) for source, syntax in parsed
    }
    imports.update({path: outline.named for path, outline in beside.items()})
    paths = [source.path for source, _ in parsed]
    everywhere = sorted([*paths, *beside]) if beside else paths
    names = module_names(everywhere, roots, imports, wanted=paths)
    return [
        LoadedModule(source.path, *names[source.path], syntax, source) for source, syntax in parsed
    ]


def named_by(body: Sequence[s.Stmt]) -> Iterator[Named]:
    """The modules that the imports of the module's top level name."""
    for statement in body:
        if isinstance(statement, s.ImportFrom):
            yield statement.level, statement.module
        elif isinstance(statement, s.Import):
            yield from ((0, name.name) for name in statement.names)


def problem_of(path: str, error: SourceError) -> Diagnostic:
    """What is told of a file that cannot be read or parsed."""
    return Diagnostic(
        path=path,
        line=error.line,
        code=error.code,
        message=error.message,
        next_step=_NEXT_STEPS.get(error.code, ""),
        severity=Severity.ERROR.value,
    )


@contextmanager
def no_garbage_collection() -> Iterator[None]:
    """Syntax trees have no cycles; looking for some in millions of nodes takes half the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
