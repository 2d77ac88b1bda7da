"""Which functions become coroutines.

Two fix-points over the call graph. The *least* one collects the coloured functions: those that
touch a sync session (or engine, connection, query) and, transitively, their callers. The
*greatest* one picks which of them convert: a function drops out when something forbids `async def`
(`plan.obstacles`) or when a caller that stays sync calls it directly, for a sync function cannot
await. What drops out is kept: it goes on working on the same session (see `plan.frontier`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from migrate_async.index.callgraph import CallSite
from migrate_async.index.project import Project
from migrate_async.index.scopes import Function
from migrate_async.index.types import ContextOf
from migrate_async.model import syntax as s
from migrate_async.model.plan import Reason
from migrate_async.plan.touches import Touches


class Sharing(Protocol):
    """Which functions work on the same session object (or query)."""

    def peers(self, function: Function) -> Iterable[Function]:
        """Functions that share a session object with `function`, and so its verdict."""

    def makers(self, function: Function) -> Iterable[Function]:
        """Functions that make the object which holds the session of `function`."""

    def made(self, function: Function) -> Iterable[Function]:
        """Functions that use the session of an object which `function` makes."""


Obstacle = Callable[[Function, Mapping[Function, Reason]], "Reason | None"]


@dataclass(frozen=True)
class Colouring:
    """`coloured` says why each function runs SQL, `kept` why one of them stays sync."""

    coloured: Mapping[Function, Reason] = field(default_factory=dict)
    kept: Mapping[Function, Reason] = field(default_factory=dict)

    def converts(self, function: Function) -> bool:
        """Whether `function` becomes (or already is) a coroutine on an async session."""
        return function in self.coloured and function not in self.kept


def colour(
    project: Project,
    touches: Touches,
    obstacle: Obstacle,
    sharing: Sharing,
    ignore: Callable[[Function], bool],
) -> Colouring:
    """The colouring of `project`.

    `obstacle` says why a function cannot convert; functions that `ignore` accepts take no part and
    stay sync.
    """
    coloured = _coloured(project, touches, ignore)
    kept = _Keeper(project, coloured, obstacle, sharing, ignore).run()
    return Colouring(coloured, kept)


# --- least fix-point ---------------------------------------------------------------------------


def _coloured(
    project: Project, touches: Touches, ignore: Callable[[Function], bool]
) -> dict[Function, Reason]:
    found: dict[Function, Reason] = {}
    pending: list[Function] = []

    def add(function: Function, reason: Reason) -> None:
        if function not in found and not ignore(function):
            found[function] = reason
            pending.append(function)

    for function in project.functions:
        touch = touches.first(function) or touches.left(function) or touches.handover(function)
        if touch is not None and not function.is_module:
            add(function, touch)
    while pending:
        function = pending.pop()
        for site in project.callers(function):
            if spreads(site) and not (function.boundary and not function.is_lambda):
                add(site.function, _calls(site, function))
                _add_family(site, function, add)
    return dict(sorted(found.items(), key=lambda item: _order(item[0])))


def _add_family(
    site: CallSite, function: Function, add: Callable[[Function, Reason], None]
) -> None:
    """A call that may reach several methods awaits all of them or none."""
    for other in site.targets:
        if other is not function and other.boundary is None:
            text = f"a call at {place(site)} may reach it or {function.qualname}"
            add(other, _reason("family", text, site, function))


def spreads(site: CallSite) -> bool:
    """Whether the caller of `site` has to await what it calls.

    FastAPI awaits dependencies, a bridge is awaited already, and a module's top level is no
    function.
    """
    return site.kind not in ("dependency", "bridge") and not site.function.is_module


# --- greatest fix-point ------------------------------------------------------------------------


class _Keeper:
    """Drops functions from the converted ones until no verdict changes."""

    def __init__(
        self,
        project: Project,
        coloured: Mapping[Function, Reason],
        obstacle: Obstacle,
        sharing: Sharing,
        ignore: Callable[[Function], bool],
    ) -> None:
        self._project = project
        self._coloured = coloured
        self._obstacle = obstacle
        self._sharing = sharing
        self._ignore = ignore
        self._kept: dict[Function, Reason] = {}
        self._givers: dict[CallSite, bool] = {}

    def run(self) -> dict[Function, Reason]:
        for function in self._coloured:
            reason = self._obstacle(function, self._coloured)
            if reason is not None:
                self._kept[function] = reason
        pending = list(reversed(list(self._coloured)))
        while pending:
            function = pending.pop()
            if function not in self._kept:
                reason = self._reason(function)
                if reason is None:
                    continue
                self._kept[function] = reason
            pending += [
                other
                for other in self._affected(function)
                if other in self._coloured and other not in self._kept
            ]
        return dict(sorted(self._kept.items(), key=lambda item: _order(item[0])))

    def _affected(self, function: Function) -> Iterable[Function]:
        """Functions whose verdict may change when `function` stays sync."""
        yield from self._sharing.peers(function)
        yield from self._sharing.made(function)
        for site in self._project.calls(function):
            yield from site.targets
        for site in self._project.callers(function):
            yield site.function
            yield from site.targets

    def _reason(self, function: Function) -> Reason | None:
        shared = self._shared(function)
        if shared is not None:
            return shared
        for site in self._project.calls(function):
            for target in site.targets:
                reason = self._callee(site, target) if target in self._kept else None
                if reason is not None:
                    return reason
        for site in self._project.callers(function):
            if site.kind in ("dependency", "bridge") or self._is_fetched(function, site):
                continue
            reason = self._caller(site)
            if reason is not None:
                return reason
        return None

    def _callee(self, site: CallSite, target: Function) -> Reason | None:
        """What `target`, which stays sync, gives that no bridge can carry."""
        if self._gives_session(site):
            text = f"its session comes from {target.qualname}, which stays sync"
            return _reason("session-from-sync", text, site, target)
        if target.is_generator and site.kind == "call" and not self._is_fetched(target, site):
            text = f"it iterates {target.qualname}, which stays sync: it would run outside a bridge"
            return _reason("iterates-sync", text, site, target)
        return None

    def _shared(self, function: Function) -> Reason | None:
        """Whoever shares its session object, or makes that, stays sync."""
        for peer in self._sharing.peers(function):
            if self._stays(peer):
                text = f"it shares a session or a query with {peer.qualname}, which stays sync"
                return Reason("shares-session", text, because_of=peer.qualname)
        for maker in self._sharing.makers(function):
            if self._stays(maker):
                text = f"{maker.qualname} makes the object that holds its session and stays sync"
                return Reason("made-by-sync", text, because_of=maker.qualname)
        return None

    def _stays(self, function: Function) -> bool:
        return function in self._kept or self._ignore(function)

    def _is_fetched(self, function: Function, site: CallSite) -> bool:
        """`next(get_db())` in code that stays sync: the frontier gives it a factory instead."""
        parent = self._project.parent(site.node)
        return (
            function in self._project.session_dependencies
            and isinstance(parent, s.Call)
            and s.dotted_name(parent.func) == "next"
        )

    def _gives_session(self, site: CallSite) -> bool:
        """Whether the value of a call is a session, or enters as one."""
        if site not in self._givers:
            types = self._project.infer(site.node, site.scope)
            entered = [found.value for found in types if isinstance(found, ContextOf)]
            kinds = [self._project.session_kind_of(found) for found in (types, *entered)]
            self._givers[site] = any(kinds)
        return self._givers[site]

    def _caller(self, site: CallSite) -> Reason | None:
        caller = site.function
        if caller.is_module:
            if "main" in site.context:
                return None
            text = f"it is called when {caller.module.path} is imported"
            return _reason("called-at-import", text, site, caller)
        if self._ignore(caller) or caller not in self._coloured or caller in self._kept:
            text = f"{caller.qualname} calls it and stays sync"
            return _reason("called-by-sync", text, site, caller)
        for other in site.targets:
            if other in self._kept:
                text = f"a call at {place(site)} may also reach {other.qualname}, which stays sync"
                return _reason("family-kept", text, site, other)
        return None


# --- words -------------------------------------------------------------------------------------


def _calls(site: CallSite, function: Function) -> Reason:
    return _reason("calls", f"calls {function.qualname}", site, function)


def _reason(code: str, text: str, site: CallSite, because_of: Function) -> Reason:
    return Reason(code, text, site.function.module.path, site.node.line, because_of.qualname)


def place(site: CallSite) -> str:
    """`path:line` of a call."""
    return f"{site.function.module.path}:{site.node.line}"


def _order(function: Function) -> tuple[str, int, int]:
    node = function.node
    return (function.module.path, node.line if node else 0, node.col if node else 0)
