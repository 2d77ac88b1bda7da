"""Which functions become coroutines.

Two fix-points over the call graph. The *least* one collects the coloured functions: those that
touch a sync session (or engine, connection, query) and, transitively, their callers. The
*greatest* one picks which of them convert: a function drops out when something forbids `async def`
(`plan.colouring.obstacles`) or when a caller that stays sync calls it directly, for a sync
function cannot await. What drops out is kept: it goes on working on the same session (see
`plan.both_worlds.frontier`).

Whoever runs a kept function has to know of it, also where no call says so: a lambda that `sorted`
is given, a property that is read, a session of the function around. So kept functions colour those
that run them, and both fix-points are sought again until nothing is added.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from migrate_async.index.annotations import is_vague
from migrate_async.index.project import Project
from migrate_async.index.scopes import Function
from migrate_async.index.sites import CallSite
from migrate_async.index.types import ContextOf, External, ExternalResult, Types
from migrate_async.knowledge.sqlalchemy import SESSIONS
from migrate_async.model import syntax as s
from migrate_async.model.plan import Reason
from migrate_async.plan.colouring.bounds import Bounds
from migrate_async.plan.colouring.callbacks import Callback
from migrate_async.plan.colouring.contracts import Contracts
from migrate_async.plan.colouring.fixtures import is_source
from migrate_async.plan.colouring.handed_sessions import HandedSession
from migrate_async.plan.colouring.passed import passed_source
from migrate_async.plan.colouring.stored_sessions import stored_sessions
from migrate_async.plan.colouring.touches import Touches
from migrate_async.plan.named_calls import names_function

_NO_CALL = ("implicit", "property")
"""Kinds of sites that run a function without calling it: there is nothing to wrap in a bridge."""

_BY_SYNTAX = ("property", "dunder", "init", "validator")
"""Boundaries of functions that work on the session at hand; tasks and commands open their own.

So do others on the session that an object keeps, or that they are given.
"""
_SESSION_NAMES = frozenset(name.rpartition(".")[2] for name in SESSIONS)


@dataclass(frozen=True)
class Colouring:
    """`coloured` says why each function runs SQL, `kept` why one of them stays sync."""

    coloured: Mapping[Function, Reason] = field(default_factory=dict)
    kept: Mapping[Function, Reason] = field(default_factory=dict)

    def converts(self, function: Function) -> bool:
        """Whether `function` becomes (or already is) a coroutine on an async session."""
        return function in self.coloured and function not in self.kept


def colour(project: Project, touches: Touches, bounds: Bounds) -> Colouring:
    """The colouring of `project`."""
    seeds = dict(bounds.circumstances.seeds)
    contracts = bounds.circumstances.ties.contracts
    while True:
        coloured = _coloured(project, touches, bounds.ignore, seeds, contracts)
        kept = _Keeper(project, coloured, bounds).run()
        more = dict(_unaware(project, coloured, kept, bounds))
        if not more:
            return Colouring(coloured, kept)
        seeds |= more


def running_sql(project: Project, touches: Touches) -> Mapping[Function, Reason]:
    """The functions of the application that run SQL, as far as the call graph tells.

    Those are fewer than the coloured ones, which share a session with code that stays sync, too.
    """
    return _coloured(project, touches, lambda fn: fn.module.is_test, {})


def _unaware(
    project: Project,
    coloured: Mapping[Function, Reason],
    kept: Mapping[Function, Reason],
    bounds: Bounds,
) -> Iterator[tuple[Function, Reason]]:
    """Functions that run a kept one and are not coloured yet, with the reason why they are."""
    for function in kept:
        for runner, reason in _runners(project, function, bounds):
            if runner not in coloured and not runner.is_module and not bounds.ignore(runner):
                yield runner, reason


def _runners(
    project: Project, function: Function, bounds: Bounds
) -> Iterator[tuple[Function, Reason]]:
    is_lent = function.boundary in _BY_SYNTAX or bounds.sharing.is_kept(function)
    for site in project.callers(function):
        lends = is_lent or project.passes_session(site)
        if lends and spreads(site):
            yield site.function, _calls(site, function)
    for callback in bounds.circumstances.ties.callbacks.of(function):
        yield callback.host, _hands_on(callback)
    for maker in bounds.sharing.makers(function):
        if any(project.passes_session(site) for site in project.callers(maker)):
            text = f"it makes the object that holds the session of {function.qualname}"
            line = maker.node.line if maker.node else 0
            yield maker, Reason("lends-session", text, maker.module.path, line, function.qualname)
    for peer in bounds.sharing.peers(function):
        text = f"{function.qualname} uses its session"
        line = peer.node.line if peer.node else 0
        yield peer, Reason("lends-session", text, peer.module.path, line, function.qualname)


# --- least fix-point ---------------------------------------------------------------------------


def _coloured(
    project: Project,
    touches: Touches,
    ignore: Callable[[Function], bool],
    seeds: Mapping[Function, Reason],
    contracts: Contracts | None = None,
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
    for function, reason in seeds.items():
        add(function, reason)
    while pending:
        function = pending.pop()
        for other, reason in _along(project, function, contracts):
            add(other, reason)
        for site in project.callers(function):
            if spreads(site) and not (function.boundary and not function.is_lambda):
                add(site.function, _calls(site, function))
                _add_family(site, function, add)
    return dict(sorted(found.items(), key=lambda item: _order(item[0])))


def _along(
    project: Project, function: Function, contracts: Contracts | None
) -> Iterator[tuple[Function, Reason]]:
    """What runs in the place of `function`, or in whose place it may run."""
    for inner in project.wrapped_by(function):
        yield inner, _is_wrapped(inner, function)
    for other in contracts.of(function) if contracts is not None else ():
        yield other, _is_bound(other, function)


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
        self, project: Project, coloured: Mapping[Function, Reason], bounds: Bounds
    ) -> None:
        self._project = project
        self._coloured = coloured
        self._obstacle = bounds.obstacle
        self._sharing = bounds.sharing
        self._ties = bounds.circumstances.ties
        self._scopes = bounds.circumstances.scopes
        self._runs_loop = bounds.circumstances.runs_loop
        self._ignore = bounds.ignore
        self._beside = bounds.beside
        self._kept: dict[Function, Reason] = {}
        self._open: dict[Function, list[tuple[CallSite, Function]]] = {}
        """What functions run that may still turn out to stay sync."""
        self._givers: dict[CallSite, bool] = {}
        self._stores: dict[Function, bool] = {}
        self._sources_passed: dict[CallSite, str] = {}
        self._hiding: dict[CallSite, frozenset[Function]] = {}
        self._constructors: dict[Function, bool] = {}
        self._handed: dict[Function, Callback] = {}
        """Who hands a function that stays sync to something that calls it at once."""

    def run(self) -> dict[Function, Reason]:
        for function in self._coloured:
            reason = self._obstacle(function, self._coloured)
            if reason is not None:
                self._kept[function] = reason
        pending = list(reversed(list(self._coloured)))
        free: set[Function] = set()
        """Those that nothing keeps, unless more stays sync that concerns them."""
        told: set[Function] = set()
        while pending:
            function = pending.pop()
            if function in told or function in free:
                continue
            if function not in self._kept:
                reason = self._reason(function)
                if reason is None:
                    free.add(function)
                    continue
                self._kept[function] = reason
            told.add(function)
            for other in self._affected(function):
                if other in self._coloured and other not in self._kept:
                    free.discard(other)
                    pending.append(other)
        return dict(sorted(self._kept.items(), key=lambda item: _order(item[0])))

    def _affected(self, function: Function) -> Iterable[Function]:
        """Functions whose verdict may change when `function` stays sync."""
        yield from self._sharing.peers(function)
        yield from self._sharing.made(function)
        yield from self._sharing.constructed(function)
        yield from filter(self._makes_session, self._sharing.makers(function))
        yield from self._ties.contracts.of(function)
        yield from self._takers(function)
        for callback in self._ties.callbacks.of(function):
            self._handed.setdefault(callback.host, callback)
            yield callback.host
        yield from (place.guest for place in self._ties.handed.by(function))
        for place in self._ties.handed.of(function):
            yield from (other.guest for other in self._ties.handed.by(place.host))
        for site in self._project.calls(function):
            yield from site.targets
        for site in self._project.callers(function):
            yield site.function
            yield from site.targets

    def _reason(self, function: Function) -> Reason | None:
        shared = self._shared(function)
        if shared is not None:
            return shared
        return (
            self._running(function)
            or self._around(function)
            or self._calling(function)
            or self._bound(function)
            or self._for_nothing(function)
        )

    def _running(self, function: Function) -> Reason | None:
        """What it runs stays sync, and gives it what no bridge can carry.

        What is harmless once is so for good, and not looked at again.
        """
        if function not in self._open:
            self._open[function] = [
                (site, target)
                for site in self._project.calls(function)
                for target in site.targets
                if target in self._coloured
            ]
        left: list[tuple[CallSite, Function]] = []
        for site, target in self._open[function]:
            if target not in self._kept:
                left.append((site, target))
                continue
            reason = None if self._is_fetched(target, site) else self._callee(site, target)
            if reason is not None:
                return reason
        self._open[function] = left
        return None

    def _around(self, function: Function) -> Reason | None:
        """What it hands on or is given stays sync."""
        for fixture in self._sources(function):
            if fixture in self._kept:
                return _from_fixture(function, fixture)
        return self._handing(function)

    def _takers(self, fixture: Function) -> Iterable[Function]:
        """Who gets the session of `fixture`, also from one that only hands it on."""
        return self._handed_along(fixture, self._ties.fixtures.takers)

    def _sources(self, user: Function) -> Iterable[Function]:
        """The fixtures that `user` gets a session from, also through such ones."""
        return self._handed_along(user, self._ties.fixtures.of)

    def _handed_along(
        self, function: Function, next_to: Callable[[Function], Iterable[Function]]
    ) -> Iterable[Function]:
        found: dict[Function, None] = {}
        pending = list(next_to(function))
        while pending:
            other = pending.pop()
            if other not in found:
                found[other] = None
                pending += () if other in self._coloured else next_to(other)
        return found

    def _bound(self, function: Function) -> Reason | None:
        """An abstract method stands for it and for one that stays sync."""
        for other in self._ties.contracts.of(function) if function not in self._beside else ():
            if other in self._kept:
                text = f"a call may also reach {other.qualname}, which stays sync"
                return Reason("family-kept", text, because_of=other.qualname)
        return None

    def _for_nothing(self, function: Function) -> Reason | None:
        """Nobody is known to run it, and what it runs stays sync: some code may find it by name."""
        if function.is_async or function.module.is_test or function.decorator_names:
            return None
        if self._coloured[function].code != "calls" or self._project.value_uses(function):
            return None
        if self._project.callers(function) or self._ties.contracts.of(function):
            return None
        sites = self._project.calls(function)
        run = [target for site in sites for target in site.targets if target in self._coloured]
        if not run or any(target not in self._kept for target in run):
            return None
        name = run[0].qualname
        text = f"nobody is known to call it, and it runs {name}, which stays sync"
        return Reason("for-nothing", text, because_of=name)

    def _handing(self, function: Function) -> Reason | None:
        """What it hands on, or who hands it on, may stay sync."""
        if function in self._handed:
            return _hands_on(self._handed[function])
        for place in self._ties.handed.of(function):
            if self._hands_sync_session(place.host):
                return _hands_session(place)
        return None

    def _calling(self, function: Function) -> Reason | None:
        """A caller that stays sync cannot await it."""
        callers = list(self._unable(function))
        reasons = [reason for _, reason in callers]
        staying = [site for site, reason in callers if reason is not None]
        if None in reasons and self._is_copied(function, staying):
            return None  # who stays sync enters the copy
        return next(filter(None, reasons), None)

    def _is_copied(self, function: Function, staying: Iterable[CallSite]) -> bool:
        """Whether what `staying` runs can be a copy of `function`, by another name."""
        if function not in self._scopes or self._runs_coloured(function):
            return False
        calls = [site.node for site in staying]
        return all(
            isinstance(call, s.Call) and names_function(self._project, call.func, function)
            for call in calls
        )

    def _unable(self, function: Function) -> Iterator[tuple[CallSite, Reason | None]]:
        """The callers of `function`, and why one cannot await it; None for one that can."""
        for site in self._project.callers(function):
            if site.kind in ("dependency", "bridge") or self._is_fetched(function, site):
                continue
            if function in self._beside and self._stays_sync(site.function):
                continue
            yield site, self._caller(site, has_original=function in self._beside)

    def _runs_coloured(self, function: Function) -> bool:
        sites = self._project.calls(function)
        return any(target in self._coloured for site in sites for target in site.targets)

    def _hands_sync_session(self, host: Function) -> bool:
        """Whether the session that `host` hands on is sync: it stays sync, or one who gets it."""
        if host in self._coloured or self._ignore(host):
            return self._stays(host)
        return any(place.guest in self._kept for place in self._ties.handed.by(host))

    def _callee(self, site: CallSite, target: Function) -> Reason | None:
        """What `target`, which stays sync, gives that no bridge can carry."""
        if self._gives_session(site) or self._gives_stored(target):
            text = f"its session comes from {target.qualname}, which stays sync"
            return _reason("session-from-sync", text, site, target)
        if site.kind in _NO_CALL and not site.awaited:
            text = f"it runs {target.qualname}, which stays sync, without a call to put a bridge in"
            return _reason("runs-sync", text, site, target)
        if target.is_generator and site.kind == "call":
            text = f"it iterates {target.qualname}, which stays sync: it would run outside a bridge"
            return _reason("iterates-sync", text, site, target)
        passed = None if site.awaited else self._passing(site, target)
        if passed is not None:
            return passed
        chain = self._runs_loop(target)
        if chain and self._lends(site, target):
            text = f"{target.qualname} stays sync and runs an event loop, `{chain}`, on its session"
            return _reason("runs-loop", text, site, target)
        return None

    def _passing(self, site: CallSite, target: Function) -> Reason | None:
        """It gives `target`, which stays sync, what a bridge cannot change."""
        source = self._passed_source(site)
        if source:
            text = f"it passes its {source} to {target.qualname}, which stays sync"
            return _reason("passes-source", text, site, target)
        if self._hides_session(site, target):
            text = f"it passes what may be its session to {target.qualname}, which stays sync"
            return _reason("hides-session", text, site, target)
        return None

    def _makes_session(self, function: Function) -> bool:
        """Whether it calls the class, `Session(engine)`: nothing tells that to serve threads."""
        known = self._constructors.get(function)
        if known is None:
            known = self._constructors[function] = any(
                call.name in _SESSION_NAMES
                and any(
                    isinstance(item, External) and item.dotted in SESSIONS
                    for item in self._project.infer(call.node.func, call.scope)
                )
                for call in function.calls
            )
        return known

    def _hides_session(self, site: CallSite, target: Function) -> bool:
        """Whether `target` takes a session, and nobody can tell what it is given for one."""
        if site not in self._hiding:
            self._hiding[site] = frozenset(self._takers_of_unknown(site))
        return target in self._hiding[site]

    def _takers_of_unknown(self, site: CallSite) -> Iterator[Function]:
        """The functions that `site` may give something unknown for a sync session."""
        call = site.node
        if not isinstance(call, s.Call) or site.kind != "call" or site.function.module.is_test:
            return
        for receiver, param, value in self._project.passes(call, site.scope):
            if isinstance(value, s.Constant):
                continue
            taken = s.Name(*param.span, param.name)
            if self._project.session_kind(taken, receiver.scope) != "sync":
                continue
            if _is_unknown(self._project.infer(value, site.scope)):
                yield receiver

    def _passed_source(self, site: CallSite) -> str:
        known = self._sources_passed.get(site)
        if known is None:
            known = self._sources_passed[site] = passed_source(self._project, site)
        return known

    def _gives_stored(self, function: Function) -> bool:
        """Whether it may give a session that it found where it put one."""
        known = self._stores.get(function)
        if known is None:
            found = stored_sessions(self._project, function) if function.returns else ()
            known = self._stores[function] = any(True for _ in found)
        return known

    def _lends(self, site: CallSite, target: Function) -> bool:
        """Whether `target` would run in a bridge, on the session of its caller."""
        return site.kind != "dependency" and (
            self._project.passes_session(site) or self._sharing.is_kept(target)
        )

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
        for init in self._sharing.constructors(function):
            if init in self._kept:
                text = f"{init.qualname} works on its session, and stays sync"
                return Reason("made-by-sync", text, because_of=init.qualname)
        for user in self._sharing.made(function) if self._makes_session(function) else ():
            if user in self._kept:
                text = f"{user.qualname} stays sync on the session that it makes without a factory"
                return Reason("lends-session", text, because_of=user.qualname)
        return None

    def _stays(self, function: Function) -> bool:
        return function in self._kept or self._ignore(function)

    def _is_fetched(self, function: Function, site: CallSite) -> bool:
        """`next(get_db())`, a session of the function's own: it gets that of a factory instead."""
        parent = self._project.parent(site.node)
        return (
            function in self._project.session_dependencies
            and isinstance(parent, s.Call)
            and s.dotted_name(parent.func) == "next"
        )

    def _gives_session(self, site: CallSite) -> bool:
        """Whether the value of a call is a session or a sync engine, or enters as one."""
        if site not in self._givers:
            types = self._project.infer(site.node, site.scope)
            entered = [found.value for found in types if isinstance(found, ContextOf)]
            self._givers[site] = any(is_source(self._project, found) for found in (types, *entered))
        return self._givers[site]

    def _stays_sync(self, caller: Function) -> bool:
        return self._ignore(caller) or caller not in self._coloured or caller in self._kept

    def _caller(self, site: CallSite, *, has_original: bool) -> Reason | None:
        caller = site.function
        if caller.is_module:
            return self._at_the_top(site)
        if self._stays_sync(caller):
            text = f"{caller.qualname} calls it and stays sync"
            return _reason("called-by-sync", text, site, caller)
        if caller in self._beside and not has_original:
            text = f"the sync original of {caller.qualname} calls it"
            return _reason("called-by-sync", text, site, caller)
        for other in site.targets:
            if other in self._kept:
                text = f"a call at {place(site)} may also reach {other.qualname}, which stays sync"
                return _reason("family-kept", text, site, other)
        return None

    def _at_the_top(self, site: CallSite) -> Reason | None:
        """Called at the top of a module; a script can run what has its own session."""
        path = site.function.module.path
        if "main" not in site.context:
            text = f"it is called when {path} is imported"
            return _reason("called-at-import", text, site, site.function)
        if self._project.passes_session(site) or any(map(self._sharing.is_kept, site.targets)):
            text = f"the script {path} calls it on a session that its top level opens"
            return _reason("called-by-script", text, site, site.function)
        return None


# --- words -------------------------------------------------------------------------------------


def _calls(site: CallSite, function: Function) -> Reason:
    return _reason("calls", f"calls {function.qualname}", site, function)


def _is_wrapped(function: Function, wrapper: Function) -> Reason:
    line = function.node.line if function.node else 0
    text = f"its decorator runs {wrapper.qualname} in its place"
    return Reason("wrapped", text, function.module.path, line, wrapper.qualname)


def _from_fixture(function: Function, fixture: Function) -> Reason:
    line = function.node.line if function.node else 0
    text = f"its session comes from {fixture.qualname}, which stays sync"
    return Reason("session-from-sync", text, function.module.path, line, fixture.qualname)


def _is_bound(function: Function, other: Function) -> Reason:
    line = function.node.line if function.node else 0
    text = f"a call may reach it or {other.qualname}, which an abstract method stands for"
    return Reason("family", text, function.module.path, line, other.qualname)


def _hands_on(callback: Callback) -> Reason:
    text = (
        f"it hands {callback.guest.qualname}, which stays sync, to {callback.callee}(), which"
        " would call it on the event loop"
    )
    path, line = callback.host.module.path, callback.node.line
    return Reason("hands-on", text, path, line, callback.guest.qualname)


def _hands_session(place: HandedSession) -> Reason:
    text = f"{place.host.qualname} hands it a session and stays sync"
    path, line = place.host.module.path, place.node.line
    return Reason("handed-by-sync", text, path, line, place.host.qualname)


def _reason(code: str, text: str, site: CallSite, because_of: Function) -> Reason:
    return Reason(code, text, site.function.module.path, site.node.line, because_of.qualname)


def place(site: CallSite) -> str:
    """`path:line` of a call."""
    return f"{site.function.module.path}:{site.node.line}"


def _is_unknown(types: Types) -> bool:
    return all(isinstance(item, ExternalResult) or is_vague(item) for item in types)


def _order(function: Function) -> tuple[str, int, int]:
    node = function.node
    return (function.module.path, node.line if node else 0, node.col if node else 0)
