"""Libraries that are called like a module or folder of the project: which of both is meant.

A folder may be a root of imports without saying so, and then `import tasks` means its `tasks.py`;
`from github import Github` means a library, although there is an `integrations/github`. What is
taken from there tells.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import NamedTuple

from migrate_async.index import scopes as sc
from migrate_async.model import syntax as s
from migrate_async.source.homes import Homes


class _Use(NamedTuple):
    """An absolute import of the module `dotted`; `name` is empty where it is imported whole."""

    importer: sc.Module
    dotted: str
    name: str


class Namesakes:
    """Answers for a set of modules, and for where imports lead among them."""

    def __init__(self, modules: Mapping[str, sc.Module], homes: Homes) -> None:
        self._modules = modules
        self._homes = homes
        self._libraries: dict[str, bool] = {}

    def is_library(self, dotted: str, home: str) -> bool:
        """Whether `dotted`, for which the project's module `home` was found, means a library."""
        if not home or "." in dotted or self._is_named_by_path(home):
            return False
        if dotted not in self._libraries:
            uses = self._uses.get(dotted, [])
            self._libraries[dotted] = bool(uses) and not any(map(self._is_met, uses))
        return self._libraries[dotted]

    def provides(self, home: str, name: str) -> bool:
        """Whether the module or package `home` has the attribute `name`, or may have it."""
        if f"{home}.{name}" in self._homes.packages:
            return True
        module = self._modules.get(home)
        if module is None:
            return False
        return bool(module.stars) or not {name, "__getattr__"}.isdisjoint(module.scope.names)

    def _is_named_by_path(self, home: str) -> bool:
        """Whether the project's root is the root that imports of `home` start from."""
        module = self._modules.get(home)
        return module is not None and module.path in (f"{home}.py", f"{home}/__init__.py")

    def _is_met(self, use: _Use) -> bool:
        """Whether the project has what is imported."""
        home = self._homes.find(use.dotted, use.importer.name)
        if not home or "." in use.dotted:
            return bool(home)
        if use.name:
            return use.name == "*" or self.provides(home, use.name)
        return any(self.provides(home, name) for name in use.importer.attributes)

    @cached_property
    def _uses(self) -> dict[str, list[_Use]]:
        """The imports of all modules, by the first part of what they name."""
        found: dict[str, list[_Use]] = {}
        for module in self._modules.values():
            for use in _uses(module):
                found.setdefault(use.dotted.partition(".")[0], []).append(use)
        return found


def _uses(module: sc.Module) -> Iterator[_Use]:
    """The absolute imports at the top level of `module`."""
    for statement in module.syntax.body:
        if isinstance(statement, s.Import):
            yield from (_Use(module, alias.name, "") for alias in statement.names)
        elif isinstance(statement, s.ImportFrom) and not statement.level:
            yield from (_Use(module, statement.module, alias.name) for alias in statement.names)
