"""Functions that run where they are handed over: `sorted(users, key=lambda user: count(db, user))`.

`sorted` calls its lambda before it returns. In a coroutine that is on the event loop, where a sync
session cannot wait for the database. So whoever hands on a function that stays sync stays sync with
it; both can be bridged as a whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function, last_name
from migrate_async.knowledge.boundaries import DEFERRING_CONSUMERS
from migrate_async.knowledge.fastapi import AWAITING_CONSUMERS
from migrate_async.model import syntax as s

_WRAPPERS = frozenset({"partial"})


@dataclass(frozen=True)
class Callback:
    """`host` hands `guest` to `callee`, which calls it at once. `node` is where."""

    host: Function
    guest: Function
    callee: str
    node: s.Expr


class Callbacks:
    """Where functions of a project are handed to something that calls them at once."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._found: dict[Function, tuple[Callback, ...]] = {}

    def of(self, function: Function) -> tuple[Callback, ...]:
        """The places where `function` is handed to something that calls it at once."""
        if function not in self._found:
            self._found[function] = tuple(self._places(function))
        return self._found[function]

    def _places(self, function: Function) -> Iterator[Callback]:
        if function.is_lambda and function.parent is not None and function.node is not None:
            yield from self._handed(function, function.parent, function.node)
        for use in self._project.value_uses(function):
            if use.kind.startswith("arg:"):
                yield from self._handed(function, use.function, use.node)

    def _handed(self, guest: Function, host: Function, node: s.AnyNode) -> Iterator[Callback]:
        call = self._consumer(node)
        if host.is_module or call is None or self._is_deferring(call, host):
            return
        yield Callback(host, guest, last_name(call.func) or "a call", call)

    def _is_deferring(self, call: s.Call, host: Function) -> bool:
        """Whether `call` keeps a function for later, or runs it in a thread, or is the project's.

        Who calls what inside the project is in the call graph.
        """
        name = last_name(call.func)
        if name in AWAITING_CONSUMERS or name in DEFERRING_CONSUMERS or name[:1].isupper():
            return True
        if isinstance(call.func, s.Attribute) and name == "map":
            return True  # `pool.map(f, items)`, unlike the builtin `map`
        return any(site.targets for site in self._project.calls(host) if site.node is call)

    def _consumer(self, node: s.AnyNode) -> s.Call | None:
        """The call that `node` is an argument of; what only wraps a function counts for it."""
        around = self._project.parent(node)
        if isinstance(around, s.Keyword):
            around = self._project.parent(around)
        if not isinstance(around, s.Call) or around.func is node:
            return None
        return self._consumer(around) if last_name(around.func) in _WRAPPERS else around
