"""The dotted names under which a project's files are imported."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import NamedTuple, TypeAlias

from migrate_async.source.homes import NEVER_LOCAL

Named: TypeAlias = tuple[int, str]
"""A module that an import statement names: how many dots are before it, and what is behind them."""


class ModuleName(NamedTuple):
    """`dotted` is what an import statement says; a package is named by its `__init__.py`."""

    dotted: str
    is_package: bool


def module_names(
    paths: Sequence[str],
    roots: Sequence[str] = (),
    imports: Mapping[str, Iterable[Named]] | None = None,
    *,
    wanted: Sequence[str] | None = None,
) -> dict[str, ModuleName]:
    """The module name of each of `paths`, relative to the project root, at least of those `wanted`.

    `roots` are the folders that imports start from. Where they do not say, the root of a file is
    the folder above its outermost package; `imports`, the modules that the files name, by path,
    tell packages without `__init__.py` apart from mere folders. Names are unique: a second file of
    a name is called by its whole path, and so is the first where that is the whole path of another.
    """
    places = _Places(paths, roots, imports or {})
    names: dict[str, ModuleName] = {}
    alike = paths if wanted is None else _of_same_ends(paths, wanted)
    taken = {".".join(_parts(path)) for path in alike}
    for path in alike:
        parts = _parts(path)
        name = ".".join(parts[places.root_depth(parts) :])
        if not name or name in taken:
            name = ".".join(parts)
        taken.add(name)
        names[path] = ModuleName(name or "__init__", _is_init(path))
    return names


def _of_same_ends(paths: Iterable[str], wanted: Iterable[str]) -> list[str]:
    """Those of `paths` that could be called as one of `wanted`: in a name, the end is the same."""
    ends = {_end(path) for path in wanted}
    return [path for path in paths if _end(path) in ends]


def _end(path: str) -> str:
    """What is behind the last dot of every name that the file can have."""
    folder, _, file = path.rpartition("/")
    part = folder.rpartition("/")[2] if file == "__init__.py" else file.removesuffix(".py")
    return part.rpartition(".")[2]


def _is_init(path: str) -> bool:
    return path == "__init__.py" or path.endswith("/__init__.py")


def _parts(path: str) -> list[str]:
    parts = path.removesuffix(".py").split("/")
    return parts[:-1] if parts[-1] == "__init__" else parts


class _Places:
    """What the files and their imports say about folders: which are packages, which are roots."""

    def __init__(
        self,
        paths: Iterable[str],
        roots: Iterable[str],
        imports: Mapping[str, Iterable[Named]],
    ) -> None:
        self._configured = [[p for p in root.split("/") if p not in {"", "."}] for root in roots]
        self._packages = {path.rpartition("/")[0] for path in paths if _is_init(path)}
        self._places = _by_last(_parts(path) for path in paths)
        self._heads: set[str] = set()
        self._ways: Counter[str] = Counter()
        self._below: set[str] = set()
        """Folders that are imported from further up, as `/app/clients` is by
        `import app.clients.api`: imports do not start there."""
        self._tops: set[str] = set()
        """Modules and folders that an import names first: it starts in the folder around them."""
        self._starts: Counter[str] = Counter()
        """Folders to how many imports start in them, as far as these tell."""
        self._passed: Counter[str] = Counter()
        """Folders to how many imports start further up and lead there or below."""
        for path, named in imports.items():
            for level, name in named:
                self._note("/" + path, level, name)
        self._relative = frozenset(self._below)
        self._depths: dict[str, tuple[int, int | None]] = {}
        """What `_around_folder` found for a folder; files of one share it."""
        for name, times in self._ways.items():
            self._follow(name, times)

    def _note(self, path: str, level: int, name: str) -> None:
        """Take in that the file `path` imports the module `name`."""
        head = name.partition(".")[0]
        if level:
            self._below.update(islice(_around(path), level))
            return
        self._heads.add(head)
        if head != name:
            self._ways[name] += 1
        elif head in self._places:
            beside = list(self._beside(path, head))
            self._tops.update(beside)
            if beside and head not in NEVER_LOCAL:
                self._count(beside[0], beside[0], 1)

    def _beside(self, path: str, head: str) -> Iterator[str]:
        """What is called `head` in the folders around the file `path`, and is not around it."""
        for folder in _around(path):
            place = f"{folder}/{head}"
            if place in self._places[head] and not path.startswith((f"{place}/", f"{place}.py")):
                yield place

    def _follow(self, name: str, times: int) -> None:
        """Note where `times` imports of `name` may start, and what is below."""
        way = "/" + name.replace(".", "/")
        for place in self._places.get(name.rpartition(".")[2], ()):
            if place.endswith(way):
                top = place.removesuffix(way) + "/" + name.partition(".")[0]
                self._tops.add(top)
                self._below.update(folder for folder in _around(place) if folder.startswith(top))
                if name.partition(".")[0] not in NEVER_LOCAL:
                    self._count(top, place, times)

    def _count(self, top: str, place: str, times: int) -> None:
        """Take in that `times` imports of `place` start with `top`."""
        self._starts[top.rpartition("/")[0]] += times
        for folder in (place, *_around(place)):
            if folder.startswith(top):
                self._passed[folder] += times

    def root_depth(self, parts: Sequence[str]) -> int:
        """How many of the folders in `parts` are above the module's root."""
        depths = [len(root) for root in self._configured if list(parts[: len(root)]) == root]
        if depths:
            return max(depths)
        depth, inner = self._around_folder(parts[:-1])
        if inner is not None:
            return inner
        for candidate in range(depth, -1, -1):
            if self._is_root(parts[:candidate], parts[candidate:]):
                return candidate
        is_packaged = depth < len(parts) - 1 or "/".join(parts) in self._packages
        return depth if is_packaged or not depth else _outermost(parts)

    def _around_folder(self, folder: Sequence[str]) -> tuple[int, int | None]:
        """What a module's folder alone tells: see `_above_packages` and `_inner_root`."""
        key = "/".join(folder)
        if key not in self._depths:
            depth = self._above_packages(folder)
            self._depths[key] = depth, self._inner_root(folder, depth)
        return self._depths[key]

    def _inner_root(self, folder: Sequence[str], depth: int) -> int | None:
        """How many folders are above the module where one of its packages is a root as well.

        A process that has `app` in its path imports `db` for `app/db.py`, though there is an
        `app/__init__.py`. Where it is imported in both ways the most frequent one counts.
        """
        for candidate in range(len(folder), max(depth, 0), -1):
            place = "".join(f"/{part}" for part in folder[:candidate])
            if place not in self._relative and self._starts[place] > self._passed[place]:
                return candidate
        return None

    def _is_root(self, above: Sequence[str], names: Sequence[str]) -> bool:
        """Whether imports of the module `names` start in the folder `above`.

        A library may be called like a folder of the project: `from github import Github` says
        nothing of `app/github/api.py` where others import `app.github.api`.
        """
        if not names or names[0] not in self._heads or not all(map(str.isidentifier, names)):
            return False
        folder = "".join(f"/{part}" for part in above)
        return folder not in self._below or f"{folder}/{names[0]}" in self._tops

    def _above_packages(self, folder: Sequence[str]) -> int:
        """How many folders are above the outermost of the packages around the module."""
        depth = len(folder)
        while depth > 0 and "/".join(folder[:depth]) in self._packages:
            depth -= 1
        return depth


def _by_last(modules: Iterable[Sequence[str]]) -> dict[str, set[str]]:
    """Modules and folders, as `/app/api`, by their last part."""
    found: dict[str, set[str]] = {}
    for parts in modules:
        place = ""
        for part in parts:
            place = f"{place}/{part}"
            found.setdefault(part, set()).add(place)
    return found


def _around(place: str) -> Iterator[str]:
    """The folders around `place`, the nearest first."""
    while place:
        place = place.rpartition("/")[0]
        yield place


def _outermost(parts: Sequence[str]) -> int:
    """The depth from which all parts can be in a dotted name; a leading `src` is not part."""
    depth = 1 if parts[0] == "src" and len(parts) > 1 else 0
    bad: list[int] = [i + 1 for i, part in enumerate(parts[:-1]) if not part.isidentifier()]
    return max([depth, *bad])
