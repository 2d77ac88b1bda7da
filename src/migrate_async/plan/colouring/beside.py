"""Coroutines that run beside others on one session: `gather(load(db, 1), load(db, 2))`.

On a sync session they could not: between its own awaits, each had the event loop for itself. On an
async one two of them would meet in the middle of a query, which SQLAlchemy refuses. So they stay on
the sync side, and so does who starts them; in the runtime they take turns there.
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from functools import cached_property

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function, last_name
from migrate_async.index.sites import CallSite
from migrate_async.model import syntax as s
from migrate_async.model.plan import Reason
from migrate_async.plan.colouring.sharing import SharedSessions
from migrate_async.plan.handed_objects import hands_objects

_ALONE = frozenset({"run", "run_until_complete", "shield", "wait_for"})
"""Callables that run one coroutine while their caller waits for it."""


class Beside:
    """Why functions of a project have to stay on a sync session together."""

    def __init__(self, project: Project, shared: SharedSessions) -> None:
        self._project = project
        self._shared = shared

    def reason(self, function: Function, coloured: Container[Function]) -> Reason | None:
        """Why `function`, which starts coroutines that are `coloured` or is one, stays sync."""
        started = self._by_host.get(function, {})
        own = [started[target] for target in started if target in coloured]
        return own[0] if own else self._of_target.get(function)

    @cached_property
    def _by_host(self) -> dict[Function, dict[Function, Reason]]:
        """The coroutines that each function starts."""
        found: dict[Function, dict[Function, Reason]] = {}
        for host in self._project.functions:
            for site in self._started(host):
                for target in site.targets:
                    found.setdefault(host, {}).setdefault(target, _reason(target, host, site))
        return found

    @cached_property
    def _of_target(self) -> dict[Function, Reason]:
        found: dict[Function, Reason] = {}
        for started in self._by_host.values():
            for target, reason in started.items():
                found.setdefault(target, reason)
        return found

    def _started(self, host: Function) -> Iterator[CallSite]:
        """The calls of `host` whose coroutine something else runs, on a session of `host`."""
        if host.is_module or host.module.is_test:
            return
        for site in self._project.calls(host):
            is_coroutine = any(fn.is_async and not fn.is_generator for fn in site.targets)
            if not is_coroutine or site.kind != "call" or site.awaited:
                continue
            if self._runs_beside(site.node) and self._shares(site):
                yield site

    def _shares(self, site: CallSite) -> bool:
        """Whether the coroutine works on a session that others have."""
        call = site.node
        if not isinstance(call, s.Call):
            return False
        kinds = {self._project.session_kind(value, site.scope) for value in call.values}
        return (
            "sync" in kinds
            or any(map(self._shared.borrows, site.targets))
            or hands_objects(self._project, call)
        )

    def _runs_beside(self, node: s.Expr) -> bool:
        around = self._project.parent(node)
        while isinstance(around, s.Keyword | s.Starred | s.Sequence):
            around = self._project.parent(around)
        if isinstance(around, s.Call):
            return last_name(around.func) not in _ALONE
        return not isinstance(
            around, s.Return | s.Lambda | s.ExpressionStatement | s.WithItem | s.For
        )


def _reason(target: Function, host: Function, site: CallSite) -> Reason:
    text = f"{host.name} may run {target.name} beside others on one session"
    return Reason("runs-beside", text, host.module.path, site.node.line, target.qualname)
