"""Take down bridges to functions that are coroutine functions from this run on.

`await db.run_sync(f, a)` becomes `await f(db, a)` and `await run_in_threadpool(f, a)` becomes
`await f(a)`: the text that the caller would have got, had both been migrated in one run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from migrate_async.index.project import Project
from migrate_async.index.scopes import Class, Function, Module
from migrate_async.index.sites import CallSite
from migrate_async.knowledge.shim import SYNC_SIDE
from migrate_async.model import plan as p
from migrate_async.model import syntax as s
from migrate_async.plan.both_worlds.sync_world import SyncWorld
from migrate_async.plan.colouring.handed_sessions import HandedSession, HandedSessions
from migrate_async.plan.handed_objects import hands_objects
from migrate_async.plan.inner_listeners import is_event, registers_listener
from migrate_async.plan.keep_both.edits import KeptBoth
from migrate_async.plan.loads.accesses import Accesses, awaitable_edits, can_await
from migrate_async.plan.made_objects import made_with_session
from migrate_async.plan.module_edits import ModuleEdits
from migrate_async.plan.names import is_sync_side, of_sync_side
from migrate_async.plan.text import source
from migrate_async.plan.twin_names import callee

NAME = "async-colour"


class Collapse:
    """Plans the end of the bridges of a project; `lent` needs sync sides that stay in use."""

    def __init__(
        self,
        project: Project,
        both: KeptBoth,
        handed: HandedSessions,
        sync: SyncWorld,
        holds: Callable[[Class], bool],
    ) -> None:
        self._both = both
        self._handed = handed
        self._project = project
        self._colouring = both.colouring
        self._sync = sync
        self._holds = holds
        self._accesses = project.shared(Accesses)
        self.lent: set[s.AnyNode] = set()

    def plan(self) -> dict[Module, ModuleEdits]:
        """Edits by module; counts what goes on using the sync side of a session."""
        found: dict[Module, ModuleEdits] = {}
        for module, twins in self._both.collapse():
            found.setdefault(module, ModuleEdits()).take(twins)
        for function in self._project.functions:
            if self._both.is_leaving(function):
                continue
            taken: set[s.AnyNode] = set()
            sites = (*self._project.calls(function), *self._project.bridges(function))
            for site in sites:
                if site.kind == "bridge" and self._is_over(site):
                    edits = found.setdefault(function.module, ModuleEdits())
                    taken.update(self._take_down(edits, site))
                elif site.kind == "bridge" and (
                    self._lends_objects(site) or self._makes_kept(site)
                ):
                    self.lent.add(site.node)
                elif site.kind == "call" and self._takes_async(site):
                    edits = found.setdefault(function.module, ModuleEdits())
                    taken.update(self._own_side(edits, site.node))
            for call in self._handing_back(function, sites):
                edits = found.setdefault(function.module, ModuleEdits())
                taken.update(self._own_side(edits, call))
            self.lent.update(node for node in self._sync_sides(function) if node not in taken)
        return found

    def _handing_back(self, function: Function, sites: Iterable[CallSite]) -> Iterator[s.Call]:
        """The calls by which `function` hands on what stays sync no more, with a sync side.

        A listener goes on getting that from SQLAlchemy. What is one of several, `handlers[kind]`,
        gets what the one that stays sync needs.
        """
        places = [*self._handed.by(function)]
        stay = {place.node for place in places if place.guest in self._colouring.kept}
        for place in places:
            if place.node in stay or self._is_bridge(place, sites):
                continue
            if not is_event(self._project, place.node, self._project.scope_of(place.node)):
                yield place.node

    def _is_over(self, site: CallSite) -> bool:
        """Whether nothing that the bridge reaches stays sync, or needs the thread for itself."""
        return (
            bool(site.targets)
            and not self._is_twin_call(site)
            and not any(map(self._may_stay, self._reached(site)))
            and any(self._works_on_session(site, target) for target in site.targets)
        )

    def _may_stay(self, target: Function) -> bool:
        """Whether it stays sync, or is a test's and nobody has looked at the tests in this run."""
        coloured = self._colouring.coloured
        return target in self._colouring.kept or (target.module.is_test and target not in coloured)

    def _reached(self, site: CallSite) -> Iterator[Function]:
        """What the bridge of `site` may run: all that a lambda calls, its arguments included."""
        lambda_ = site.function
        for other in self._project.calls(lambda_) if lambda_.is_lambda else [site]:
            yield from other.targets

    def _lends_objects(self, site: CallSite) -> bool:
        """Whether the bridge takes ORM objects into another thread."""
        call = self._bridge_of(site)
        return (
            isinstance(call, s.Call)
            and not is_run_sync(call)
            and not self._is_twin_call(site)
            and hands_objects(self._project, call)
            and any(target in self._colouring.coloured for target in site.targets)
        )

    def _makes_kept(self, site: CallSite) -> bool:
        """Whether the bridge makes an object that keeps the sync side of its session."""
        if not is_run_sync(self._bridge_of(site)):
            return False
        classes = made_with_session(self._project, site, self._colouring.converts)
        return any(map(self._sync.holds_kept, classes))

    def _is_twin_call(self, site: CallSite) -> bool:
        """Whether `site` is the call of an async twin, which ends with the twin."""
        call = site.node
        is_direct = isinstance(call, s.Call) and callee(site) is call.func
        return is_direct and not site.function.is_lambda

    def _works_on_session(self, site: CallSite, target: Function) -> bool:
        """Whether `target` is bridged for its session: other threads are there for slow work."""
        if target in self._colouring.coloured:
            return True
        if is_run_sync(self._bridge_of(site)) and not self._is_argument(site):
            return True
        holder = None if target.is_static or target.is_classmethod else target.cls
        is_held = holder is not None and self._holds(holder)
        return self._project.passes_session(site) or (is_held and self._says_session(target))

    def _says_session(self, function: Function) -> bool:
        """Whether `function`, or what it runs, says a session: that of its object, for a method."""
        project = self._project
        seen: set[Function] = set()
        pending = [function]
        while pending:
            running = pending.pop()
            if running in seen or running.node is None:
                continue
            seen.add(running)
            pending += project.runs(running)
            for node in running.nodes(s.Name, s.Attribute):
                if project.session_kind(node, project.scope_of(node)) is not None:
                    return True
        return False

    @staticmethod
    def _is_argument(site: CallSite) -> bool:
        """Whether it is not what a lambda calls, but part of what it calls that with."""
        node = site.function.node
        return isinstance(node, s.Lambda) and site.node is not node.body

    def _bridge_of(self, site: CallSite) -> s.AnyNode | s.ModuleSyntax:
        """The call that is the bridge of `site`."""
        if not site.function.is_lambda or site.function.node is None:
            return site.node
        return self._project.parent(site.function.node)

    @staticmethod
    def _is_bridge(place: HandedSession, sites: Iterable[CallSite]) -> bool:
        return any(site.kind == "bridge" and site.node is place.node for site in sites)

    def _takes_async(self, site: CallSite) -> bool:
        """Whether what `site` calls works on an async session from this run on."""
        converts = self._colouring.converts
        if any(target.is_async and converts(target) for target in site.targets):
            return not any(target in self._colouring.kept for target in site.targets)
        return self._makes_async(site)

    def _makes_async(self, site: CallSite) -> bool:
        coloured = self._colouring.coloured.__contains__
        classes = [*made_with_session(self._project, site, coloured)]
        return bool(classes) and not any(map(self._sync.uses_kept, classes))

    def _take_down(self, found: ModuleEdits, site: CallSite) -> Iterator[s.AnyNode]:
        call = self._bridge_of(site)
        twin = self._both.twin_name(site)
        if twin:
            found.take(self._both.renamed(site, twin))
        if site.function.is_lambda:
            found.edits += self._reads(site.function)
        if not isinstance(call, s.Call):
            return
        first = ""
        if is_run_sync(call) and isinstance(call.func, s.Attribute):
            first = source(call.func.value)
        else:
            found.unneeded.append(s.dotted_name(call.func).partition(".")[0])
            yield from self._own_side(found, call)
        around = self._project.parent(call)
        awaits = any(target in self._colouring.coloured for target in site.targets)
        span = call.span if awaits or not isinstance(around, s.Await) else around.span
        found.edits.append(p.RecallCall(span=span, codemod=NAME, first=first))

    def _reads(self, function: Function) -> Iterator[p.AnyEdit]:
        """Relationships that were loaded inside the bridge."""
        for access in self._accesses.of(function):
            if can_await(self._project, access.node, function):
                yield from awaitable_edits(self._project, access)

    def _own_side(self, found: ModuleEdits, call: s.Expr) -> Iterator[s.AnyNode]:
        """`db.sync_session` or `sync_side(db)` among the arguments becomes `db`."""
        if not isinstance(call, s.Call):
            return
        for value in call.values:
            session = of_sync_side(value, self._project)
            if session is not None:
                code = source(session)
                found.unneeded.append(SYNC_SIDE)
                found.edits.append(p.ReplaceExpression(span=value.span, codemod=NAME, code=code))
                yield value

    def _sync_sides(self, function: Function) -> Iterator[s.AnyNode]:
        for site in self._project.calls(function):
            if isinstance(site.node, s.Call) and self._is_lent(site):
                arguments = site.node.values
                yield from (value for value in arguments if is_sync_side(value, self._project))

    def _is_lent(self, site: CallSite) -> bool:
        """Whether other code gets what `site` is given; a listener is only put on it."""
        return site.kind == "call" and not registers_listener(self._project, site)


def is_run_sync(node: s.AnyNode | s.ModuleSyntax) -> bool:
    """Whether `node` is a call `<session>.run_sync(...)`."""
    return (
        isinstance(node, s.Call)
        and isinstance(node.func, s.Attribute)
        and node.func.attr == "run_sync"
    )
