"""Sessions that go to a function by way of something else: `tasks.add_task(note, db)`.

The function gets the session of who hands both on, so that it cannot be on an async session where
that stays sync. The other way round it gets the sync side.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function, last_name
from migrate_async.index.sites import ValueUse
from migrate_async.model import syntax as s

_WRAPPERS = frozenset({"partial"})


@dataclass(frozen=True, eq=False)
class HandedSession:
    """`host` passes `guest`, a function, and the sessions `values` to the call `node`."""

    host: Function
    guest: Function
    node: s.Call
    values: tuple[s.Expr, ...]


class HandedSessions:
    """Where the functions of a project are handed on together with sessions."""

    def __init__(self, project: Project) -> None:
        self._project = project

    def by(self, host: Function) -> tuple[HandedSession, ...]:
        """What `host` hands on."""
        return tuple(self._places[0].get(host, ()))

    def of(self, guest: Function) -> tuple[HandedSession, ...]:
        """Where `guest` is handed on."""
        return tuple(self._places[1].get(guest, ()))

    @cached_property
    def _places(
        self,
    ) -> tuple[dict[Function, list[HandedSession]], dict[Function, list[HandedSession]]]:
        by: dict[Function, list[HandedSession]] = {}
        of: dict[Function, list[HandedSession]] = {}
        for guest in self._project.functions:
            for place in self._find(guest):
                by.setdefault(place.host, []).append(place)
                of.setdefault(guest, []).append(place)
        return by, of

    def _find(self, guest: Function) -> Iterator[HandedSession]:
        for use in self._project.value_uses(guest):
            if not use.kind.startswith("arg:") or use.is_injected or use.function.is_module:
                continue
            for call in self._calls(use):
                values = tuple(self._sessions(call, use))
                if values and not self._is_of_project(call, use.function):
                    yield HandedSession(use.function, guest, call, values)

    def _calls(self, use: ValueUse) -> Iterator[s.Call]:
        """The call that takes the function, and the one that takes what `partial` makes of it."""
        node: s.AnyNode = use.node
        while True:
            around = self._project.parent(node)
            if isinstance(around, s.Keyword):
                around = self._project.parent(around)
            if not isinstance(around, s.Call) or around.func is node:
                return
            yield around
            if last_name(around.func) not in _WRAPPERS:
                return
            node = around

    def _sessions(self, call: s.Call, use: ValueUse) -> Iterator[s.Expr]:
        for value in call.values:
            if self._project.session_kind(value, use.scope) is not None:
                yield value

    def _is_of_project(self, call: s.Call, host: Function) -> bool:
        """Who calls what inside the project is in the call graph."""
        return any(site.targets for site in self._project.calls(host) if site.node is call)
