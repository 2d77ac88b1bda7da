"""Which files of a large project are in reach of database code, so that the others stay unread.

Files that mention a database are the start. From there names are followed, not files, or nearly
every file of a large product would be reached: see `spread`. A file matters when it

- mentions a database: SQLAlchemy, SQLModel, a driver, Alembic, the session resolvers and registry
  keys of the settings, or an operation of a session on one of the session names of the settings;
- imports a name that is hot in the module it comes from, directly, by a re-export, with `*`, as an
  attribute of a module, or for type checking only;
- defines what hot code of such files uses as a base class, annotation or callee: so that types
  resolve. Of these nothing is followed but re-exports.

Everything matters where the project is small or much of it mentions databases: what is not known
by its type is judged best when all callers are known.

Not followed are ways to database code that name nothing: calls through a base class or protocol
whose file mentions no database (by files that import nothing but that base), `importlib`,
`getattr`, entry points, fixtures of pytest by the name of a parameter, attributes of
`app.state`. The setting `reach = "all"` reads everything. Errors in files that do not matter are
not reported, because nobody looks.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from migrate_async.config import Settings
from migrate_async.source.blocks import Block
from migrate_async.source.needles import Needles
from migrate_async.source.signs import Signs, SignsCache, read_signs
from migrate_async.source.spread import Spread
from migrate_async.source.tree import Tree, Use

SMALL = 200
"""With fewer files than this all are read: there is nothing to win."""

DENSE = 4
"""Where one file in so many mentions a database, all are read."""


def files_in_reach(
    root: Path,
    paths: Sequence[str],
    settings: Settings,
    cache: Path | None = None,
    digests: Mapping[str, str] | None = None,
) -> list[str]:
    """Those of `paths` (relative to `root`) that can matter to rules about databases, sorted.

    Files that cannot be opened or are larger than allowed are among them: reading them tells why.
    Of files with known `digests`, what is in the folder `cache` is believed.
    """
    if settings.reach == "all" or len(paths) < SMALL:
        return sorted(paths)
    needles = Needles(settings)
    known = SignsCache(cache, settings, needles)
    files, signs, unread = _Files(root, settings.max_file_size), {}, []
    for path in paths:
        found = known.get((digests or {}).get(path, ""))
        if found is None:
            data = files.read(path)
            found = None if data is None else known.read(data)
        if found is None:
            unread.append(path)
        else:
            signs[path] = found
    known.save()
    return sorted([*unread, *_reached(files, signs, settings, needles)])


class _Files(Mapping[str, bytes]):
    """The content of files, read when somebody asks; what cannot be read is empty."""

    def __init__(self, root: Path, max_size: int) -> None:
        self._root = root
        self._max_size = max_size
        self._contents: dict[str, bytes | None] = {}

    def read(self, path: str) -> bytes | None:
        """The file; None when it cannot be read or is too large."""
        if path not in self._contents:
            self._contents[path] = _bytes(f"{self._root}/{path}", self._max_size)
        return self._contents[path]

    def __getitem__(self, path: str) -> bytes:
        return self.read(path) or b""

    def __iter__(self) -> Iterator[str]:
        return iter(self._contents)

    def __len__(self) -> int:
        return len(self._contents)


def _bytes(path: str, max_size: int) -> bytes | None:
    """The file; None when it cannot be read or is too large."""
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    except OSError:
        return None
    try:
        size = os.fstat(descriptor).st_size
        data = os.read(descriptor, size + 1) if size <= max_size else b""
    except OSError:
        return None
    finally:
        os.close(descriptor)
    return data if len(data) == size else None


def in_reach(contents: Mapping[str, bytes], settings: Settings) -> list[str]:
    """The paths of `contents` whose files can matter, sorted; a pure function of the bytes."""
    needles = Needles(settings)
    signs = {path: read_signs(data, needles) for path, data in contents.items()}
    return _reached(contents, signs, settings, needles)


def _reached(
    contents: Mapping[str, bytes], signs: Mapping[str, Signs], settings: Settings, needles: Needles
) -> list[str]:
    seeds = {path for path, found in signs.items() if found.uses_database}
    if _is_dense(len(seeds), len(signs)):
        return sorted(signs)
    tree = Tree(contents, signs, settings.source_roots)
    seeds |= tree.with_database
    if _is_dense(len(seeds), len(signs)):
        return sorted(signs)
    spread = Spread(tree, seeds, needles)
    found = spread.paths
    found |= set(_context(tree, spread))
    return sorted(found | set(_packages_around(tree, found)))


def _is_dense(seeds: int, files: int) -> bool:
    return files < SMALL or seeds * DENSE >= files


def _context(tree: Tree, spread: Spread) -> Iterator[str]:
    """Files that define what hot code uses."""
    for module in spread.hot:
        uses = tree.uses(tree.paths[module])
        blocks = list(spread.hot_blocks(module))
        words = frozenset(word for block in blocks for word in block.words)
        for use in uses:
            if use.name == "*" or (use.bound in words and not _is_constant(use.bound)):
                yield from _defining(tree, use, blocks)


def _is_constant(name: str) -> bool:
    return len(name) > 1 and name.isupper()


def _defining(tree: Tree, use: Use, blocks: Sequence[Block]) -> Iterator[str]:
    """The file that `use` names, and where that one only hands the name on, the next."""
    path = tree.paths.get(use.home)
    if path is None:
        return
    if not use.name:
        is_called = f"{use.bound}."
        if any(is_called in block.text for block in blocks):
            yield path
        return
    yield path
    for further in tree.uses(path):
        if further.bound == use.name or further.name == "*":
            behind = tree.paths.get(further.home)
            if behind is not None:
                yield behind


def _packages_around(tree: Tree, paths: set[str]) -> Iterator[str]:
    """The `__init__` files above `paths`: they tell where imports start from."""
    for path in paths:
        package = tree.names[path].dotted.rpartition(".")[0]
        while package:
            around = tree.paths.get(package)
            if around is not None:
                yield around
            package = package.rpartition(".")[0]
