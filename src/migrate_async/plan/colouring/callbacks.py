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
        if host.is_module:
            return
        for call in self._consumers(node, host):
            yield Callback(host, guest, last_name(call.func) or "a call", call)

    def _consumers(self, node: s.AnyNode, host: Function) -> Iterator[s.Call]:
        """The calls in `host` that may call what `node` is, or what is made of it, at once."""
        around = self._around(node)
        if isinstance(around, s.Call) and around.func is not node:
            if last_name(around.func) in _WRAPPERS:
                yield from self._wrapped(around, host)
            elif not self._is_deferring(around, host):
                yield around

    def _wrapped(self, made: s.Call, host: Function) -> Iterator[s.Call]:
        """Those of `partial(...)`, also by the name of a variable: `show = partial(count, db)`."""
        around = self._around(made)
        while isinstance(around, s.Conditional):
            around = self._project.parent(around)
        targets = around.targets if isinstance(around, s.Assign) else ()
        if not targets:
            yield from self._consumers(made, host)
        names = {target.id for target in targets if isinstance(target, s.Name)}
        for read in host.nodes(s.Name) if names else ():
            user = self._around(read)
            if read.id not in names or not isinstance(user, s.Call):
                continue
            if user.func is read or not self._keeps_for_later(user):
                yield user

    def _is_deferring(self, call: s.Call, host: Function) -> bool:
        """Whether `call` keeps a function for later, or runs it in a thread, or is the project's.

        Who calls what inside the project is in the call graph.
        """
        return self._keeps_for_later(call) or any(
            site.targets for site in self._project.calls(host) if site.node is call
        )

    @staticmethod
    def _keeps_for_later(call: s.Call) -> bool:
        name = last_name(call.func)
        if name in AWAITING_CONSUMERS or name in DEFERRING_CONSUMERS or name[:1].isupper():
            return True
        # `pool.map(f, items)`, unlike the builtin `map`
        return isinstance(call.func, s.Attribute) and name == "map"

    def _around(self, node: s.AnyNode) -> s.AnyNode | s.ModuleSyntax:
        """What `node` stands in; of a keyword argument the call."""
        around = self._project.parent(node)
        return self._project.parent(around) if isinstance(around, s.Keyword) else around
