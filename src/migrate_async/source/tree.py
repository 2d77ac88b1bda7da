"""Who imports what among the files of a project, from their bytes."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from migrate_async.source.homes import Homes
from migrate_async.source.imports import Import, imports_of, modules_named
from migrate_async.source.modules import ModuleName, module_names
from migrate_async.source.needles import is_database
from migrate_async.source.signs import Signs


class Use(NamedTuple):
    """An import as seen from the project.

    `home` is the module that names are taken from, `bound` what the file calls it. With `name`
    empty, the module itself is bound; `*` takes all names.
    """

    home: str
    name: str
    bound: str


class Tree:
    """The files of a project by module name, and their imports."""

    def __init__(
        self, contents: Mapping[str, bytes], signs: Mapping[str, Signs], roots: Iterable[str] = ()
    ) -> None:
        """`contents` and `signs` by path; `roots` are the folders that imports start from."""
        self.contents = contents
        lines = {path: found.imports for path, found in signs.items()}
        self._named: dict[bytes, list[tuple[int, str]]] = {
            line: list(modules_named(line))
            for line in dict.fromkeys(line for found in lines.values() for line in found)
        }
        named = {
            path: [item for line in found for item in self._named[line]]
            for path, found in lines.items()
        }
        self.names: dict[str, ModuleName] = module_names(sorted(signs), tuple(roots), named)
        self.paths = {name.dotted: path for path, name in self.names.items()}
        self.homes = Homes(dict(self.names.values()), self.paths)
        self._database = {
            line
            for line, named in self._named.items()
            if any(not level and is_database(name) for level, name in named)
        }
        self.with_database = frozenset(
            path for path, found in lines.items() if not self._database.isdisjoint(found)
        )
        """Files that import a database package."""
        self._importers = self._index(lines)
        self._getters: dict[str, frozenset[str]] = {}
        self._mentioning: dict[tuple[str, str], list[str]] = {}
        self._uses: dict[str, tuple[Use, ...]] = {}
        self._outside: dict[str, frozenset[str]] = {}

    def _index(self, lines: Mapping[str, tuple[bytes, ...]]) -> dict[str, list[str]]:
        """Modules to the paths of the files that name them in an import."""
        importers: dict[str, list[str]] = {}
        direct = {line: self._direct(named) for line, named in self._named.items()}
        for path, found in lines.items():
            name = self.names[path]
            for line in found:
                homes = direct[line]
                if homes is None:
                    homes = [self._home(level, item, name) for level, item in self._named[line]]
                for home in homes:
                    importers.setdefault(home, []).append(path)
        importers.pop("", None)
        return importers

    def _direct(self, named: Iterable[tuple[int, str]]) -> list[str] | None:
        """The modules that are meant whoever imports them; None when that depends."""
        found = []
        for level, name in named:
            if level:
                return None
            if self.homes.is_ambiguous(name):
                return None
            if name in self.homes.packages:
                found.append(name)
        return found

    def _home(self, level: int, module: str, importer: ModuleName) -> str:
        return self.homes.find(absolute(level, module, importer), importer.dotted)

    def importers(self, module: str) -> frozenset[str]:
        """Paths of the files that may get something from `module`."""
        found = self._getters.get(module)
        if found is None:
            found = self._getters[module] = frozenset(self._find_importers(module))
        return found

    def _find_importers(self, module: str) -> Iterator[str]:
        yield from self._importers.get(module, ())
        package, _, below = module.rpartition(".")
        while package:
            yield from self._through(package, below)
            package, _, last = package.rpartition(".")
            below = f"{last}.{below}"

    def _through(self, package: str, below: str) -> Sequence[str]:
        """Files that import `package` and mention each part of `below`."""
        if not below:
            return self._importers.get(package, ())
        key = package, below
        found = self._mentioning.get(key)
        if found is None:
            above, _, last = below.rpartition(".")
            step = last.encode()
            paths = self._through(package, above)
            found = self._mentioning[key] = [path for path in paths if step in self.contents[path]]
        return found

    def uses(self, path: str) -> tuple[Use, ...]:
        """The imports of the file from the project."""
        found = self._uses.get(path)
        if found is None:
            self._read(path)
            found = self._uses[path]
        return found

    def database_names(self, path: str) -> frozenset[str]:
        """What the file binds by importing database packages."""
        self.uses(path)
        return self._outside[path]

    def _read(self, path: str) -> None:
        importer = self.names[path]
        uses: dict[Use, None] = {}
        outside = set()
        for item in imports_of(self.contents[path].removeprefix(codecs.BOM_UTF8)):
            home = self._home(item.level, item.module, importer)
            if home:
                uses.update(dict.fromkeys(self._meant(item, home)))
            elif not item.level and is_database(item.module):
                outside.add(item.bound)
        self._uses[path] = tuple(uses)
        self._outside[path] = frozenset(outside)

    def _meant(self, item: Import, home: str) -> Iterator[Use]:
        if item.name:
            yield Use(home, item.name, item.bound)
            submodule = f"{home}.{item.name}"
            if submodule in self.homes.packages:
                yield Use(submodule, "", item.bound)
        elif item.bound == item.module.partition(".")[0]:
            below = item.module.removeprefix(item.bound)
            yield Use(home.removesuffix(below), "", item.bound)
        else:
            yield Use(home, "", item.bound)


def absolute(level: int, module: str, importer: ModuleName) -> str:
    """The dotted name meant by `module` after `level` dots in the module `importer`."""
    if not level:
        return module
    parts = importer.dotted.split(".")
    drop = level - 1 if importer.is_package else level
    parts = parts[: len(parts) - drop] if drop else parts
    return ".".join([*parts, module] if module else parts)
