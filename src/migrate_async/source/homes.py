"""Where dotted names lead among the modules of the project."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping

NEVER_LOCAL = frozenset(sys.stdlib_module_names) | frozenset(
    {"alembic", "celery", "fastapi", "pydantic", "redis", "sqlalchemy", "sqlmodel", "starlette"}
)
"""Import heads that mean the library even where a folder holds a module of that name."""


class Homes:
    """Finds modules; made of dotted names and whether each is a package.

    `paths` are the files of the modules: one in a folder that is a package, and a root of imports
    as well, has two names, of which the other says its whole path.
    """

    def __init__(self, modules: Mapping[str, bool], paths: Mapping[str, str]) -> None:
        self._modules = modules
        self._by_path = {
            whole: name for name, path in paths.items() if (whole := whole_name(path)) != name
        }
        self.packages = _packages(modules)
        """The modules and all packages around them."""
        self._tops = _tops(self.packages)
        self._paths = paths
        self._roots = _roots(paths)
        self._alike = _alike(self.packages, paths, modules)
        """Names to others that end so: `app.db` to `two.app.db`, where each service has one."""

    def find(self, dotted: str, importer: str) -> str:
        """The project module that `dotted` means in the module `importer`, or an empty string.

        Import roots need not be the project's root: a first component that is no top-level
        package is looked for in the folders around the importer that are no packages themselves,
        then anywhere.
        """
        if dotted in self.packages:
            return self._nearest(dotted, importer) if dotted in self._alike else dotted
        if dotted in self._by_path:
            return self._by_path[dotted]
        head = dotted.partition(".")[0]
        prefixes = () if head in NEVER_LOCAL else self._roots_of(head)
        for prefix in prefixes:
            if importer.startswith(prefix + ".") and f"{prefix}.{dotted}" in self.packages:
                return f"{prefix}.{dotted}"
        if len(prefixes) == 1 and f"{prefixes[0]}.{dotted}" in self.packages:
            return f"{prefixes[0]}.{dotted}"
        return ""

    def _nearest(self, dotted: str, importer: str) -> str:
        """`dotted` as the service has it that `importer` is of, which others have, too."""
        path = self._paths.get(importer, importer.replace(".", "/"))
        head = dotted.partition(".")[0]
        root = self._roots.get(dotted, "")
        is_around = path.startswith(f"{root}/") if root else True
        for name in self._alike[dotted]:
            folder = name.removesuffix(f".{dotted}").replace(".", "/")
            if path.startswith(f"{folder}/{head}/" if is_around else f"{folder}/"):
                return name
        return dotted

    def is_ambiguous(self, dotted: str) -> bool:
        """Whether the module that `dotted` means, if any, depends on the importer."""
        if dotted in self.packages:
            return dotted in self._alike
        head = dotted.partition(".")[0]
        return dotted in self._by_path or (head in self._tops and head not in NEVER_LOCAL)

    def _roots_of(self, head: str) -> list[str]:
        """Folders that hold `head` and can be import roots, the deepest first."""
        return [prefix for prefix in self._tops.get(head, ()) if not self._is_package(prefix)]

    def _is_package(self, dotted: str) -> bool:
        return self._modules.get(dotted, False)


def whole_name(path: str) -> str:
    """The dotted name of the file `path` where imports start in the project's root."""
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _packages(modules: Iterable[str]) -> frozenset[str]:
    found = set()
    for name in modules:
        while name and name not in found:
            found.add(name)
            name = name.rpartition(".")[0]  # noqa: PLW2901  climbs to the package
    return frozenset(found)


def _roots(paths: Mapping[str, str]) -> dict[str, str]:
    """The folder that the names of modules and of packages around them start in."""
    found: dict[str, str] = {}
    for name, path in paths.items():
        whole = whole_name(path)
        root = whole.removesuffix(name).rstrip(".").replace(".", "/") if whole != name else ""
        while name and name not in found:
            found[name] = root
            name = name.rpartition(".")[0]  # noqa: PLW2901  climbs to the package
    return found


def _alike(
    packages: frozenset[str], paths: Mapping[str, str], modules: Mapping[str, bool]
) -> dict[str, list[str]]:
    """Names to the longer ones of other files that end so, the longest first.

    Imports do not start in a package: `app.app.db` is no other `app.db`.
    """
    whole = {name for name, path in paths.items() if whole_name(path) == name}
    found: dict[str, list[str]] = {}
    for name in sorted(_packages(whole), key=lambda name: (-name.count("."), name)):
        _, _, rest = name.partition(".")
        while rest:
            if rest in packages and not modules.get(name.removesuffix(f".{rest}"), False):
                found.setdefault(rest, []).append(name)
            _, _, rest = rest.partition(".")
    return found


def _tops(packages: frozenset[str]) -> dict[str, tuple[str, ...]]:
    """Last component to the packages that hold it, the deepest first."""
    found: dict[str, list[str]] = {}
    for name in packages:
        prefix, _, last = name.rpartition(".")
        if prefix:
            found.setdefault(last, []).append(prefix)
    return {
        last: tuple(sorted(prefixes, key=lambda prefix: (-prefix.count("."), prefix)))
        for last, prefixes in found.items()
    }
