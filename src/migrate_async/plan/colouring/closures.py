"""Functions inside functions that work on a session of the function around them, by its name.

Both live in one world: where the inner one stays sync, so that it needs a sync session, the outer
one has to get one.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function, Scope
from migrate_async.index.types import Instance, QueryOf, Type
from migrate_async.model import syntax as s
from migrate_async.plan.colouring.holders import Holders
from migrate_async.plan.inner_listeners import is_listener


class Closures:
    """Which functions of a project use one session by one name."""

    def __init__(self, project: Project, holders: Holders) -> None:
        self._project = project
        self._holders = holders

    def peers(self, function: Function) -> tuple[Function, ...]:
        """The functions around and inside `function` that use a session of one of them."""
        return tuple(self._pairs.get(function, ()))

    @cached_property
    def _pairs(self) -> dict[Function, dict[Function, None]]:
        found: dict[Function, dict[Function, None]] = {}
        for function in self._project.functions:
            if function.node is None or function.parent is None or function.parent.is_module:
                continue
            for outer in self._owners(function):
                found.setdefault(function, {})[outer] = None
                found.setdefault(outer, {})[function] = None
        return found

    def _owners(self, function: Function) -> Iterator[Function]:
        """The functions around `function` whose sessions it uses."""
        # A listener finds the sync session inside of the async one by itself (`plan.listeners`).
        is_held = self._is_kept if is_listener(function) else self._is_held
        for node in function.nodes(s.Name):
            scope = self._project.scope_of(node)
            outer = bound_in(node.id, scope)
            if outer is not None and outer in function.around and is_held(node, scope):
                yield outer

    def _is_held(self, name: s.Name, scope: Scope) -> bool:
        """Whether `name` is a sync session, a query of one, or an object that keeps one."""
        types = self._project.infer(name, scope)
        return self._project.session_kind_of(types) == "sync" or self._is_kept(name, scope)

    def _is_kept(self, name: s.Name, scope: Scope) -> bool:
        """Whether `name` is a query of a sync session, or an object that keeps one."""
        return any(map(self._keeps, self._project.infer(name, scope)))

    def _keeps(self, item: Type) -> bool:
        if isinstance(item, QueryOf):
            return item.session != "async"
        return isinstance(item, Instance) and self._holders.holds(item.cls)


def bound_in(name: str, scope: Scope) -> Function | None:
    """The function that `name`, read in `scope`, is a local name of."""
    current: Scope | None = scope
    while current is not None:
        if name in current.names and (current.kind != "class" or current is scope):
            return None if current.parent is None else current.function
        current = current.parent
    return None
