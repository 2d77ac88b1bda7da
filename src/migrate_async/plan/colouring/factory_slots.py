"""Variables of modules into which functions put a session factory, or an engine, that they get.

    _session_factory = None

    def set_session_factory(factory):
        global _session_factory
        _session_factory = factory

It is one thing, sync or async, so that the functions that use it convert together or not at all.
Whoever calls `set_session_factory(SessionLocal)` hands over the one that they need.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function, Module
from migrate_async.index.types import ExternalInstance, SessionFactory, Type
from migrate_async.knowledge.sqlalchemy import ENGINE, SESSIONMAKER
from migrate_async.model import syntax as s
from migrate_async.plan.names import is_bound_inside, is_variable, read_from


class _Slot(NamedTuple):
    """The variable `name` of `module`."""

    module: Module
    name: str


class FactorySlots:
    """Those of a project, and who uses each."""

    def __init__(self, project: Project) -> None:
        self._project = project

    def peers(self, function: Function) -> Iterator[Function]:
        """The other functions that use what is in the same variable."""
        for users in self._users.values():
            if function in users:
                yield from (user for user in users if user is not function)

    def fillings(self, function: Function) -> Iterator[tuple[s.Call, tuple[Function, ...]]]:
        """The calls by which `function` puts something there, and who uses that."""
        for site in self._project.calls(function) if self._setters else ():
            call = site.node
            slots = [slot for target in site.targets for slot in self._setters.get(target, ())]
            if isinstance(call, s.Call):
                yield from ((call, tuple(self._users[slot])) for slot in slots)

    @cached_property
    def _setters(self) -> dict[Function, list[_Slot]]:
        """The functions that are given what they put there."""
        found: dict[Function, list[_Slot]] = {}
        for function in self._project.functions:
            for name, scope in function.scope.globals.items():
                if scope.kind == "module" and self._is_given(function, name):
                    found.setdefault(function, []).append(_Slot(function.module, name))
        return found

    def _is_given(self, function: Function, name: str) -> bool:
        """Whether `function` puts a parameter of its own into the variable `name`."""
        given = {param.name for param in function.params}
        return any(
            isinstance(statement.value, s.Name)
            and statement.value.id in given
            and any(isinstance(t, s.Name) and t.id == name for t in statement.targets)
            and any(map(_makes_sessions, self._project.infer(statement.value, function.scope)))
            for statement in function.nodes(s.Assign)
        )

    @cached_property
    def _users(self) -> dict[_Slot, dict[Function, None]]:
        slots = dict.fromkeys(slot for slots in self._setters.values() for slot in slots)
        found: dict[_Slot, dict[Function, None]] = {slot: {} for slot in slots}
        for function in self._project.functions if slots else ():
            if function in self._setters or function.is_module:
                continue
            for slot in slots:
                if any(self._is(slot, function, n) for n in function.nodes(s.Name, s.Attribute)):
                    found[slot].update(dict.fromkeys(self._askers(function)))
        return found

    def _is(self, slot: _Slot, function: Function, node: s.Name | s.Attribute) -> bool:
        """Whether `node`, in `function`, reads the variable."""
        if isinstance(node, s.Attribute):
            return node.attr == slot.name and read_from(self._project, node) == slot
        if not is_variable(function.module, slot.module, slot.name, node.id):
            return False
        return not is_bound_inside(node.id, self._project.scope_of(node))

    def _askers(self, function: Function) -> Iterator[Function]:
        """`function`, and whoever it gives what is there."""
        seen: dict[Function, None] = {}
        pending = [function]
        while pending:
            asker = pending.pop()
            if asker in seen or asker.is_module:
                continue
            seen[asker] = None
            if any(
                any(map(_makes_sessions, self._project.infer(value, asker.scope)))
                for value in asker.returns
            ):
                pending += [site.function for site in self._project.callers(asker)]
        yield from seen


def _makes_sessions(item: Type) -> bool:
    if isinstance(item, SessionFactory):
        return not item.is_async
    return isinstance(item, ExternalInstance) and item.dotted in (ENGINE, SESSIONMAKER)
