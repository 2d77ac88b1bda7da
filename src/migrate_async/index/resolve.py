"""Names to what they stand for: imports, re-exports, `import *`, scopes.

Nothing here looks at types: a name is followed until it reaches a binding that is no import, a
project module, or a dotted path outside the project.
"""

from __future__ import annotations

import builtins
from collections.abc import Iterable, Iterator
from typing import TypeAlias, Union

from migrate_async.index import scopes as sc
from migrate_async.index.namesakes import Namesakes
from migrate_async.index.types import External, ModuleObject
from migrate_async.knowledge import fastapi, sqlalchemy
from migrate_async.model import syntax as s
from migrate_async.source.homes import Homes

_BUILTINS = frozenset(dir(builtins))

Target: TypeAlias = Union[sc.Binding, External, ModuleObject]
Place: TypeAlias = tuple[str, str]
"""A module, and a name in it."""


class Names:
    """Resolves names in a set of modules."""

    def __init__(self, modules: Iterable[sc.Module]) -> None:
        self.modules = {module.name: module for module in modules}
        self._homes = Homes(
            {module.name: module.is_package for module in self.modules.values()},
            {module.name: module.path for module in self.modules.values()},
        )
        self._namesakes = Namesakes(self.modules, self._homes)
        self._members: dict[tuple[str, str], tuple[Target, ...]] = {}
        self._busy: set[tuple[str, str]] = set()
        self._lookups: dict[tuple[sc.Scope, str], tuple[Target, ...]] = {}
        for module in self.modules.values():
            module.link(self.origins)

    def lookup(self, name: str, scope: sc.Scope) -> tuple[Target, ...]:
        """What `name` stands for in `scope`; names bound nowhere may be builtins."""
        key = (scope, name)
        known = self._lookups.get(key)
        if known is None:
            known = self._lookups[key] = self._lookup(name, scope)
        return known

    def forget(self) -> None:
        """Drop what was looked up, which will not be asked for again so often."""
        self._lookups.clear()

    def _lookup(self, name: str, scope: sc.Scope) -> tuple[Target, ...]:
        found = self.bindings(name, scope)
        if found:
            return self._follow_all(found)
        return self._star(name, scope.module) or self._outside(name, scope.module)

    def bindings(self, name: str, scope: sc.Scope) -> list[sc.Binding]:
        """The bindings of `name` that `scope` sees, imports not followed."""
        current: sc.Scope | None = scope.globals.get(name, scope)
        in_function = False
        while current is not None:
            found = current.names.get(name)
            # Class bodies are invisible to the functions inside them.
            if found and not (current.kind == "class" and in_function):
                return found
            in_function = in_function or current.kind == "function"
            current = current.parent
        return []

    def member(self, module: str, name: str) -> tuple[Target, ...]:
        """What the attribute `name` of the project module or package `module` stands for."""
        key = (module, name)
        if key in self._members:
            return self._members[key]
        if key in self._busy:
            return ()
        self._busy.add(key)
        try:
            found = self._member(module, name)
        finally:
            self._busy.discard(key)
        self._members[key] = found
        return found

    def is_project(self, dotted: str) -> bool:
        """Whether `dotted` is a module or package of the project."""
        return dotted in self._homes.packages

    def _member(self, module: str, name: str) -> tuple[Target, ...]:
        holder = self.modules.get(module)
        if holder is not None:
            # `from . import x` in a package's `__init__` leads back here, then to the submodule.
            found = self._follow_all(holder.scope.names.get(name, []))
            found = found or self._star(name, holder)
            if found:
                return found
        submodule = f"{module}.{name}"
        return (ModuleObject(submodule),) if submodule in self._homes.packages else ()

    def _star(self, name: str, module: sc.Module) -> tuple[Target, ...]:
        for source in module.stars:
            home = self._homes.find(source, module.name)
            found = self.member(home, name) if home else ()
            if found:
                return found
        return ()

    def _outside(self, name: str, module: sc.Module) -> tuple[Target, ...]:
        """A builtin, or a name of the one library that the module imports everything from."""
        if name in _BUILTINS:
            return (External(f"builtins.{name}"),)
        libraries = [source for source in module.stars if not self._homes.find(source, module.name)]
        return (external(f"{libraries[0]}.{name}"),) if len(libraries) == 1 else ()

    def _follow_all(self, bindings: list[sc.Binding]) -> tuple[Target, ...]:
        found: list[Target] = []
        for binding in bindings:
            found.extend(item for item in self.follow(binding) if item not in found)
        return tuple(found)

    def home(self, dotted: str, importer: sc.Module) -> str:
        """The project module that `dotted` means in `importer`, or an empty string."""
        return self._homes.find(dotted, importer.name)

    def is_library(self, dotted: str, importer: sc.Module) -> bool:
        """Whether an absolute import of `dotted` means a library, which has a namesake here."""
        return self._namesakes.is_library(dotted, self.home(dotted, importer))

    def follow(self, binding: sc.Binding) -> tuple[Target, ...]:
        if isinstance(binding, sc.FromBinding):
            home = self._homes.find(binding.module, binding.scope.module.name)
            if home and self._is_taken(binding, home):
                return self.member(home, binding.name)
            return (external(f"{binding.module}.{binding.name}"),)
        if isinstance(binding, sc.ImportBinding):
            home = self._homes.find(binding.dotted, binding.scope.module.name)
            is_ours = home and not self._namesakes.is_library(binding.dotted, home)
            return (ModuleObject(home),) if is_ours else (external(binding.dotted),)
        return (binding,)

    def origins(self, name: str, module: sc.Module) -> tuple[Place, ...]:
        """The project's modules that `name`, imported in `module`, comes by, with its name there.

        The last one is where it is bound otherwise than by an import. Nothing for a name that
        `module` may have otherwise.
        """
        return tuple(self._way(name, module, {(module.name, name)}))

    def _way(self, name: str, module: sc.Module, seen: set[Place]) -> Iterator[Place]:
        place = self._source(name, module)
        if place is None or place in seen:
            return
        seen.add(place)
        yield place
        holder = self.modules.get(place[0])
        if holder is not None:
            yield from self._way(place[1], holder, seen)

    def _source(self, name: str, module: sc.Module) -> Place | None:
        """Where the one import that gives `module` its `name` takes it from."""
        bindings = module.scope.names.get(name, [])
        if not bindings:
            return self._starred(name, module)
        binding = bindings[0]
        if len(bindings) > 1 or not isinstance(binding, sc.FromBinding):
            return None
        home = self._homes.find(binding.module, module.name)
        return (home, binding.name) if home and self._is_taken(binding, home) else None

    def _starred(self, name: str, module: sc.Module) -> Place | None:
        for source in module.stars:
            home = self._homes.find(source, module.name)
            if home and self.member(home, name) and self._is_public(name, home):
                return home, name
        return None

    def _is_public(self, name: str, home: str) -> bool:
        """Whether `from home import *` gives `name`, which it has."""
        holder = self.modules.get(home)
        for binding in holder.scope.names.get("__all__", ()) if holder is not None else ():
            if not isinstance(binding, sc.ValueBinding):
                return False
            nodes = s.walk(binding.value)
            return any(isinstance(node, s.Constant) and node.value == name for node in nodes)
        return not name.startswith("_")

    def _is_taken(self, binding: sc.FromBinding, home: str) -> bool:
        """Whether the module `home` is where the name comes from, and no library."""
        names = self._namesakes
        return not names.is_library(binding.module, home) or names.provides(home, binding.name)


def external(dotted: str) -> External:
    """The canonical external name of `dotted`."""
    if dotted.startswith("sql"):
        return External(sqlalchemy.canonical(dotted))
    if dotted.startswith(("fastapi", "starlette")):
        return External(fastapi.canonical(dotted))
    return External(dotted)


def alias(expr: s.Expr, names: Names, scope: sc.Scope) -> tuple[s.Expr, sc.Scope] | None:
    """The expression that the name `expr` was assigned, and its scope; None if there is none.

    A class of that name says more: `Read = Annotated[BaseModel, ...]` may stand above it for what
    is written before it.
    """
    targets = _targets(expr, names, scope)
    if any(isinstance(target, sc.ClassBinding | sc.Class) for target in targets):
        return None
    for target in targets:
        if isinstance(target, sc.ValueBinding):
            return target.value, target.scope
        if isinstance(target, sc.AnnotatedBinding) and target.value is not None:
            return target.value, target.scope
    return None


def values(expr: s.Expr, names: Names, scope: sc.Scope) -> list[s.Expr]:
    """What the name `expr` is assigned; nothing if it may be something else, too: a parameter."""
    targets = _targets(expr, names, scope)
    bindings = [target for target in targets if not _is_declaration(target)]
    found = [b.value for b in bindings if isinstance(b, sc.ValueBinding | sc.AnnotatedBinding)]
    assigned = [value for value in found if value is not None]
    return assigned if len(assigned) == len(bindings) else []


def _is_declaration(target: Target) -> bool:
    """`name: Type`, which assigns nothing."""
    return isinstance(target, sc.AnnotatedBinding) and target.value is None


def _targets(expr: s.Expr, names: Names, scope: sc.Scope) -> tuple[Target, ...]:
    """What a name, or one of a project module, stands for; nothing for other expressions."""
    if isinstance(expr, s.Name):
        return names.lookup(expr.id, scope)
    return module_member(expr, names, scope) if isinstance(expr, s.Attribute) else ()


def module_member(expr: s.Attribute, names: Names, scope: sc.Scope) -> tuple[Target, ...]:
    """What `module.name` stands for when `module` is a project module."""
    for head in _targets(expr.value, names, scope):
        if isinstance(head, ModuleObject):
            return names.member(head.name, expr.attr)
    return ()
