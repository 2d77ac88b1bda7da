"""The dependencies that give a request its session, and their sync sides."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property

from migrate_async.index.parameters import is_depends
from migrate_async.index.scopes import Function, Module
from migrate_async.index.types import FunctionObject
from migrate_async.model import syntax as s
from migrate_async.plan.aliases import Alias
from migrate_async.plan.both_worlds.needs import Needs
from migrate_async.plan.both_worlds.surroundings import Surroundings
from migrate_async.plan.givers import Givers
from migrate_async.plan.leftovers.twins import SYNC_DEPENDENCY, sync_dependency_name
from migrate_async.plan.lent import LentSessions
from migrate_async.plan.names import read_from
from migrate_async.plan.object_dependencies import Holder


class Dependencies:
    """Those of a project in which the functions that `is_async` holds of are coroutines."""

    def __init__(
        self,
        around: Surroundings,
        lent: LentSessions,
        givers: Givers,
        is_async: Callable[[Function], bool],
    ) -> None:
        self._project = around.project
        self._provider = around.provider
        self._aliases = around.aliases
        self._twins = around.twins
        self._anchored = around.anchored
        self._lent = lent
        self._givers = givers
        self._is_async = is_async
        self._objects = around.twins.objects
        self._named: dict[Module, dict[str | None, Alias]] = {}

    def is_one(self, function: Function, node: s.Name | s.Attribute) -> bool:
        """Whether `node` is a dependency of the application that gives a request its session."""
        module = function.module
        if module.is_test or self._twins.is_one(module, node):
            return False
        return self.alias(function, node) is not None or bool(self.meant(function, node))

    def alias(self, function: Function, node: s.Name | s.Attribute) -> Alias | None:
        """The alias of an annotation or a function that `node` in `function` names."""
        if not self._aliases:
            return None
        if isinstance(node, s.Attribute):
            place = read_from(self._project, node)
            return next((a for a in self._aliases if (a.module, a.name) == place), None)
        module = function.module
        if module not in self._named:
            self._named[module] = {alias.local_name(module): alias for alias in self._aliases[::-1]}
        return self._named[module].get(node.id)

    def meant(self, function: Function, node: s.Name | s.Attribute) -> tuple[Function, ...]:
        """The session dependencies that `node`, also by an alias, names in `function`."""
        alias = self.alias(function, node)
        scope = function.scope if alias is None else alias.module.scope
        parts = (*_names(node if alias is None else alias.value),)
        value = self._project.value_of(node, scope) if isinstance(node, s.Name) else None
        if value is not None and is_depends(value):
            parts += (*_names(value),)  # `db_dep = Depends(get_db)` of a function around
        return tuple(
            found.fn
            for part in parts
            for found in self._project.infer(part, scope)
            if isinstance(found, FunctionObject) and found.fn in self._session_dependencies
        )

    def named(self, function: Function, node: s.Name | s.Attribute) -> Function | None:
        """The session dependency that `node` names, if that gives an async session.

        The parameter of a function around names it if nothing else is given for it.
        """
        meant = self._project.infer(node, function.scope)
        if len(meant) > 1 and isinstance(node, s.Name) and _is_parameter(node.id, function):
            return None
        for found in meant:
            if isinstance(found, FunctionObject) and self._gives_async(found.fn):
                return found.fn
        return None

    def aliases_of(self, alias: Alias) -> Iterator[tuple[s.Name | s.Attribute, Alias]]:
        """The other aliases that `alias` names."""
        for node in _names(alias.value):
            found = self.alias(alias.module.body, node)
            if found is not None and found is not alias:
                yield node, found

    def of_alias(self, alias: Alias) -> Iterator[tuple[s.Name | s.Attribute, Function]]:
        """The session dependencies that `alias` names, itself or by the name of another alias."""
        for node in _names(alias.value):
            found = self.named(alias.module.body, node)
            if found is not None:
                yield node, found

    def need(self, alias: Alias, needs: Needs) -> None:
        """Note that code which stays sync needs the sync side of `alias`, and what that names."""
        if alias in needs.aliases:
            return
        needs.aliases.add(alias)
        for _, inner in self.aliases_of(alias):
            self.need(inner, needs)
        for _, function in self.of_alias(alias):
            needs.dependencies[function] = None

    def sync_name(self, function: Function) -> str:
        """What the sync side of the dependency `function` is called, or is to be."""
        holder = self.holder(function)
        place = (function.module, function.name)
        if holder is not None:
            place = (holder.module, f"{holder.name}.{function.name}")
        for twin in self._twins.functions.values():
            beside = (*self._twins.uncached, *self._twins.blocking)
            is_beside = any(twin.sync_name == made.name for made in beside)
            if (twin.module, twin.name) == place and not is_beside:
                return twin.sync_name
        is_main = function.name == self._provider.get_db
        return SYNC_DEPENDENCY if is_main else sync_dependency_name(function.name)

    def holder(self, function: Function) -> Holder | None:
        """The variable of the object whose method `function` is, which FastAPI calls."""
        return self._objects.holder(function) if function.self_name else None

    def is_lender(self, function: Function) -> bool:
        """Whether it is a dependency that gives what a middleware made: it gets a sync twin."""
        return function in self._session_dependencies and self._lent.hands_on(function)

    def _gives_async(self, function: Function) -> bool:
        if function.self_name and self.holder(function) is None:
            return False
        if (function.module.name, function.name) == self._provider.dependency:
            return self._is_async(function) or not function.is_generator
        return (
            function in self._session_dependencies
            and function.parent is not None
            and function.parent.is_module
            and (self._is_async(function) or self.is_lender(function) or self._gives(function))
        )

    def _gives(self, function: Function) -> bool:
        """Whether it returns a session of a factory that becomes async."""
        return self._givers.of(function) is not None

    @cached_property
    def _session_dependencies(self) -> frozenset[Function]:
        return frozenset(self._project.session_dependencies).difference(self._anchored)


def _is_parameter(name: str, function: Function) -> bool:
    """Whether `name` is a parameter in `function`, of itself or of one around it."""
    for outer in (function, *function.around):
        if name in outer.scope.names:
            return any(param.name == name for param in outer.params)
    return False


def _names(node: s.AnyNode) -> Iterator[s.Name | s.Attribute]:
    return (part for part in s.walk(node) if isinstance(part, s.Name | s.Attribute))
