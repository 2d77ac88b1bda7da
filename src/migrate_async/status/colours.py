"""Which functions reach the database, over sync or async sessions, and over which bridges."""

from __future__ import annotations

from collections.abc import Iterable

from migrate_async.index.project import CallSite, Function, Project
from migrate_async.index.scopes import last_name
from migrate_async.knowledge.async_api import METADATA_IO
from migrate_async.knowledge.shim import BRIDGES
from migrate_async.model import syntax as s
from migrate_async.model.status import State, Use


class Colours:
    """The state of every function of a project; `bridges` are the places that cross colours."""

    def __init__(self, project: Project) -> None:
        self._project = project
        functions = [fn for fn in project.functions if not fn.module.is_test]
        self._sync = self._reach(fn for fn in functions if self._runs(fn, is_async=False))
        self._async = self._reach(fn for fn in functions if self._runs(fn, is_async=True))
        self.bridges = {fn: uses for fn in functions if (uses := tuple(self._crossed(fn)))}
        self._bridged = self._reach(self.bridges)

    def state(self, fn: Function) -> State:
        """The state of one function by itself and what it calls."""
        if fn in self._sync:
            return State.MIXED if fn.is_async else State.SYNC
        if fn in self._bridged:
            return State.BRIDGED
        return State.ASYNC if fn in self._async else State.PLAIN

    def of_route(self, fn: Function, dependencies: Iterable[Function]) -> State:
        """The state of a route, which is no better than that of what is injected into it."""
        own = self.state(fn)
        states = {self.state(dependency) for dependency in dependencies} | {own}
        if own is State.SYNC or states <= {State.SYNC, State.PLAIN}:
            return State.SYNC if State.SYNC in states else State.PLAIN
        if states & {State.SYNC, State.MIXED}:
            return State.MIXED
        return State.BRIDGED if State.BRIDGED in states else State.ASYNC

    def reaches_sync(self, fn: Function) -> bool:
        return fn in self._sync

    def _runs(self, fn: Function, *, is_async: bool) -> bool:
        """Whether `fn` itself talks to the database over sessions of that kind."""
        return any(
            site.operation is not None and _is_async(site) == is_async
            for site in self._project.calls(fn)
        )

    def _reach(self, start: Iterable[Function]) -> set[Function]:
        """`start` and all that call them, directly or not.

        Neither bridges nor injections are crossed: what is injected is not called.
        """
        found = set(start)
        pending = list(found)
        while pending:
            for site in self._project.callers(pending.pop()):
                fn = site.function
                is_injected = site.kind == "dependency"
                if fn not in found and not is_injected and not fn.module.is_test:
                    found.add(fn)
                    pending.append(fn)
        return found

    def _crossed(self, fn: Function) -> Iterable[Use]:
        """The bridges in the code of `fn`: `run_sync`, and threads that run database code."""
        for call in fn.calls:
            kind = BRIDGES.get(last_name(call.node.func))
            if kind is None or not call.node.args or last_name(call.node.args[0]) in METADATA_IO:
                continue
            crossed = self._given(call.node.args[0])
            if kind == "thread" and not any(other in self._sync for other in crossed):
                continue
            names = sorted(other.qualname for other in crossed)
            yield Use(fn.module.path, call.node.line, kind, fn.qualname, ", ".join(names))

    def _given(self, first: s.Expr) -> set[Function]:
        """The project functions that the argument `first` is, or that its lambda runs."""
        types = self._project.infer(first, self._project.scope_of(first))
        found = {item for value in types if (item := getattr(value, "fn", None)) is not None}
        inside = {target for f in found if f.is_lambda for target in self._targets(f)}
        return {f for f in found if not f.is_lambda} | inside

    def _targets(self, fn: Function) -> set[Function]:
        return {target for site in self._project.calls(fn) for target in site.targets}


def _is_async(site: CallSite) -> bool:
    """A call on what is a session by its name only says by its `await` which kind it is."""
    assert site.operation is not None  # noqa: S101  asked of operations only
    return site.operation.is_async or (site.heuristic and site.awaited)
