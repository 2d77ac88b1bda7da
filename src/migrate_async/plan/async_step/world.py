"""Who becomes async in one run, and which engines and factories with them."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from functools import cached_property

from migrate_async.index.scopes import Function, Module
from migrate_async.index.sessions import Variable
from migrate_async.index.sites import CallSite
from migrate_async.knowledge.shim import CALL_ASYNC
from migrate_async.model import plan as p
from migrate_async.model import syntax as s
from migrate_async.model.selection import Selection
from migrate_async.plan.alembic import Alembic
from migrate_async.plan.alembic.environment import is_environment, is_revision
from migrate_async.plan.async_step.grounds import Grounds
from migrate_async.plan.both_worlds.anchors import Anchors
from migrate_async.plan.both_worlds.frontier import Frontier
from migrate_async.plan.both_worlds.handed_out import (
    handed_out,
    put_away,
    takes_from_nowhere,
    takes_of,
)
from migrate_async.plan.both_worlds.idle_coroutines import IdleCoroutines
from migrate_async.plan.both_worlds.surroundings import Surroundings
from migrate_async.plan.both_worlds.sync_world import SyncWorld
from migrate_async.plan.collector import Collector
from migrate_async.plan.colouring.asked import Asked
from migrate_async.plan.colouring.bounds import Circumstances
from migrate_async.plan.colouring.colour import Colouring
from migrate_async.plan.colouring.commands import Commands
from migrate_async.plan.colouring.driving import DrivenChooser
from migrate_async.plan.colouring.made_elsewhere import foreign_source
from migrate_async.plan.colouring.module_registries import is_of_module
from migrate_async.plan.colouring.verdicts import Request, Suites, Verdicts
from migrate_async.plan.keep_both.edits import KeptBoth
from migrate_async.plan.recolouring.blocking import runs_loop
from migrate_async.plan.sessions import (
    Acquisition,
    SessionPlan,
    bridged_sessions,
    find_acquisitions,
    given_sessions,
    inline_sessions,
    plan_given,
    plan_sessions,
)
from migrate_async.plan.sessions.classes import has_no_factory
from migrate_async.plan.text import source
from migrate_async.plan.transactions.requeries import Requeries

_ENTERED = frozenset({"asynccontextmanager", "contextmanager"})


class AsyncWorld:
    """The verdicts of one run and all that they rest on; `sync` is the world that stays."""

    def __init__(self, around: Surroundings, selection: Selection, grounds: Grounds) -> None:
        self.around = around
        self.project = project = around.project
        self.settings = settings = around.settings
        self.touches = grounds.touches
        self.blocking = grounds.blocking
        self.shared = grounds.shared
        self.ties = grounds.ties
        self.accesses = grounds.accesses
        self.unmoved = grounds.unmoved
        self.effects = grounds.effects
        self.requeries = Requeries(project, self.effects)
        self.kept_sync = Asked(settings.keep_sync)
        self._commands = Commands(settings.commands)
        self._makers = grounds.makers
        self._session_plans: dict[Function, SessionPlan] = {}
        self._obstacles = grounds.obstacles
        circumstances = Circumstances(
            self.ties,
            around.scopes,
            around.decorators,
            self.blocking.runs_loop,
            {
                **grounds.reading,
                **dict(self.shared.processes.users()),
                **around.anchored,
                **around.readers,
                **around.loading,
            },
        )
        self.verdicts = Verdicts(
            project,
            Request(selection, settings.keep == "both", grounds.step is p.Step.TESTS),
            self.touches,
            grounds.queries.sync,
            self._obstacle,
            self.shared,
            circumstances,
            Suites(
                lambda: self.unmoved.serve_tests,
                self.blocking.stuck_tests,
                lambda colouring: IdleCoroutines(project, colouring.converts).__contains__,
            ),
            around.twins.copies,
            self._driving if settings.keep == "async" else None,
        )

    @property
    def _driving(self) -> DrivenChooser:
        return DrivenChooser(self.project, self.touches, self.shared.holders, self._opens)

    @cached_property
    def driven_calls(self) -> tuple[CallSite, ...]:
        """The calls of coroutines in code that stays sync."""
        calls = self.verdicts.driven.calls(lambda function: not self.converts(function))
        return tuple(dict.fromkeys(calls))

    @property
    def drives_in_requests(self) -> bool:
        """Whether code that stays sync calls coroutines of objects on the session of a request."""
        made = (
            touch.site
            for function in self.colouring.kept
            for touch in self.touches.of(function)
            if touch.kind == CALL_ASYNC
        )
        return any(
            not self.project.passes_session(site) and not self._opens(site.function)
            for site in (*self.driven_calls, *made)
        )

    def _opens(self, function: Function) -> bool:
        """Whether it opens a session of its own."""
        return bool(find_acquisitions(self.project, self.settings, function))

    # --- functions -----------------------------------------------------------------------------

    @property
    def colouring(self) -> Colouring:
        """What this run does."""
        return self.verdicts.colouring

    def converts(self, function: Function) -> bool:
        """Whether `function` becomes (or already is) a coroutine on an async session."""
        return self.colouring.converts(function)

    @cached_property
    def converted(self) -> tuple[Function, ...]:
        """The functions that do, in order."""
        return tuple(filter(self.converts, self.colouring.coloured))

    def _obstacle(
        self, function: Function, coloured: Mapping[Function, p.Reason]
    ) -> p.Reason | None:
        return (
            self.kept_sync.reason(function)
            or self._commands.reason(function)
            or self._obstacles(function, coloured)
            or self.around.anchored.get(function)
            or self.around.loading.get(function)
            or self._loop_obstacle(function, coloured)
        )

    def _loop_obstacle(
        self, function: Function, coloured: Mapping[Function, p.Reason]
    ) -> p.Reason | None:
        work = self.blocking.impossible(function, coloured)
        return None if work is None else runs_loop(work)

    def sessions_of(self, function: Function) -> SessionPlan:
        """How `function` gets its sessions if it converts."""
        if function not in self._session_plans:
            found = find_acquisitions(self.project, self.settings, function)
            self._session_plans[function] = self._session_plan(function, found)
        return self._session_plans[function]

    def _session_plan(self, function: Function, found: Collection[Acquisition]) -> SessionPlan:
        expire_late = self.requeries.expire_late
        provider = self.around.provider
        return plan_sessions(self.project, provider, function, found, expire_late, self.converts)

    def given_by(self, function: Function) -> tuple[Acquisition, ...]:
        """The sessions that `function`, a coroutine, opens for what stays sync."""
        return given_sessions(self.project, self.settings, function, self._runs_apart)

    def _runs_apart(self, function: Function) -> bool:
        is_coroutine = function.is_async and function not in self.idle
        return function in self.colouring.kept and not is_coroutine

    def own_sessions_of(self, function: Function) -> SessionPlan:
        """How `function`, which converts, gets the sessions that it does not open for others."""
        given = self.given_by(function)
        if not given:
            return self.sessions_of(function)
        found = find_acquisitions(self.project, self.settings, function)
        own = self._session_plan(function, [item for item in found if item not in given])
        others = {node for item in given for node in s.walk(item.call)}
        return replace(own, gone=own.gone.union(others))

    def regained_by(self, function: Function) -> SessionPlan:
        """The sessions of a coroutine that an earlier run gave to what converts now."""
        given = self.given_by(function)
        bridged = bridged_sessions(self.project, self.settings, function)
        return self._session_plan(function, [item for item in bridged if item not in given])

    def gives_async(self, function: Function) -> bool:
        """Whether `function` gives out, or makes, what becomes async in this run."""
        made = self._makers.variables.get(function, ())
        return self.frontier.givers.of(function) is not None or any(map(self.becomes_async, made))

    def given_out_by(self, function: Function) -> SessionPlan:
        """The sessions of the class itself that `function`, no coroutine, gives to whoever asks."""
        if self.frontier.givers.of(function) is None:
            return SessionPlan()
        found = find_acquisitions(self.project, self.settings, function)
        made = [item for item in found if item.kind == "constructor"]
        provider, expire_late = self.around.provider, self.requeries.expire_late
        return plan_given(self.project, provider, function, made, expire_late)

    def begin_queries(
        self, collector: Collector, function: Function, edits: Iterable[p.AnyEdit]
    ) -> None:
        """Let queries that `function` begins with a session of its own begin with the new one."""
        for span, old, new in inline_sessions(self.project, self.settings, function, edits):
            collector.change_session(function.module.path, span, old, new)

    @cached_property
    def both(self) -> KeptBoth:
        """What is kept in both colours."""
        return KeptBoth(self.project, self.colouring, self.verdicts.beside)

    # --- engines and factories -----------------------------------------------------------------

    def becomes_async(self, variable: Variable) -> bool:
        """An engine or factory of a module that takes part, or of a converted function.

        What a function that stays sync makes for itself stays sync with it. Alembic's files are
        looked at apart.
        """
        twins = self.around.twins
        owner = variable.scope.function
        if variable.scope.kind == "module":
            owner = self._makers.of(variable) or owner
        if self.is_of_alembic(variable.module) or owner in twins.makers:
            return False
        stays = variable in self.unmoved.variables or variable in twins.variables
        if stays or self._is_kept_by_object(owner) or not self.sync.takes_part(variable.module):
            return False
        if is_of_module(variable):
            users = self.shared.registries.movable.get(variable, {})
            return bool(users) and all(map(self.converts, users))
        return all(map(self._makes_async, (owner, *self.around.late_binds.binders(variable))))

    def _makes_async(self, maker: Function) -> bool:
        """Whether engines and factories that `maker` makes, or binds, become async with it."""
        if self.converts(maker):
            return True
        if maker in self.colouring.coloured:
            return False
        if self.around.late_binds.binds(maker) and not self._hands_out(maker):
            return True
        return not self.sync.makes_for_kept(maker)

    def _hands_out(self, maker: Function) -> bool:
        """Whether somebody uses an engine or factory that `maker` returns."""
        if not self._makers.kinds(maker):
            return False
        callers = self.project.callers(maker)
        return bool(self.project.value_uses(maker)) or not all(map(self._is_statement, callers))

    def _is_statement(self, site: CallSite) -> bool:
        return isinstance(self.project.parent(site.node), s.ExpressionStatement)

    def _is_kept_by_object(self, maker: Function) -> bool:
        """Whether an object keeps what `maker` makes, and some of its methods stay sync."""
        if maker.name != "__init__" or maker.cls is None:
            return False
        users = self.shared.factories.users(maker.cls)
        return any(user in self.colouring.kept for user in users)

    def is_of_alembic(self, module: Module) -> bool:
        """Whether it is an `env.py` or a revision."""
        return module in self._of_alembic

    @cached_property
    def _of_alembic(self) -> frozenset[Module]:
        modules = self.project.modules.values()
        return frozenset(m for m in modules if is_revision(m) or is_environment(m))

    def is_of_application(self, module: Module) -> bool:
        """Whether it takes part, and is neither a test nor one of those."""
        is_other = module.is_test or self.is_of_alembic(module)
        return not is_other and self.sync.takes_part(module)

    @cached_property
    def alembic(self) -> Alembic:
        """What becomes of those."""
        return Alembic(self.project, self.becomes_async)

    @cached_property
    def environments(self) -> frozenset[Function]:
        """Functions of Alembic's `env.py` that need the application's engine, now async."""
        return self.alembic.needed if self.converted else frozenset()

    # --- the other world -----------------------------------------------------------------------

    @cached_property
    def sync(self) -> SyncWorld:
        """What stays sync beside the functions that convert."""
        twins = self.around.twins
        return SyncWorld(
            self.project,
            self.settings,
            self.verdicts,
            self.touches,
            self.shared.holders,
            {*twins.functions, *twins.makers},
            lambda: self.environments,
        )

    @cached_property
    def idle(self) -> IdleCoroutines:
        """The coroutines that await nothing. It remembers which of them become `def`."""
        return IdleCoroutines(self.project, self.converts, self.verdicts.waits)

    @cached_property
    def frontier(self) -> Frontier:
        """What lets the sync world run. It remembers what is needed for that."""
        return self.new_frontier()

    def new_frontier(self) -> Frontier:
        """One that nothing has been asked of."""
        borrows = self.shared.borrows
        return Frontier(self.around, self.verdicts, self.becomes_async, self.idle, borrows)

    @property
    def factories_make_all(self) -> bool:
        """Whether nothing makes the session of a request by its class: `Session(engine)`.

        Neither a dependency nor a context manager that converts.
        """
        scopes = (f for f in self.project.functions if f.decorator_names & _ENTERED)
        entered = (f for f in scopes if f.is_async or self.converts(f))
        return not any(
            has_no_factory(self.project, source)
            for source in (*self.project.session_dependencies, *entered)
            if not source.module.is_test
        )

    @property
    def sessions_hop(self) -> bool:
        """Whether all sessions of requests work in threads as soon as their factories are told."""
        offers = self.new_frontier().offers
        factories = [f for f in self.project.session_factories if not f.module.is_test]
        return all(factory.scope.kind == "module" for factory in factories) and all(
            offers.hops(dependency)
            for dependency in self.project.session_dependencies
            if not dependency.module.is_test
        )

    @property
    def readers_wait(self) -> bool:
        """Whether something that loads by reading, without a session of its own, stays sync."""
        readers = {**self.around.readers, **self.around.loading}
        return any(reader in self.colouring.kept for reader in readers)

    def anchors(self) -> Anchors:
        """The sources of sessions that have to stay sync in this run, and all who take from it."""
        staying = (f for f in self.sync.staying if f not in self.environments)
        found = self.frontier.anchors(staying)
        for dependency in self.project.session_dependencies:
            reason = self.colouring.kept.get(dependency)
            is_anchored = dependency in self.around.anchored
            if reason is None or is_anchored or self._lends(dependency):
                continue
            if not dependency.module.is_test:
                found.keep(dependency, reason)
        self._keep_made_elsewhere(found)
        self._keep_handed_out(found)
        self._keep_with_put_away(found)
        is_known = all(function in self.around.anchored for function in found.functions)
        if is_known and self._all_sources_stay:
            found.keep_for_want_of_sessions(self.converted)
        return found

    def _keep_made_elsewhere(self, found: Anchors) -> None:
        """Keep sync what takes its sessions from a package."""
        for dependency in self.project.session_dependencies:
            if dependency.module.is_test or dependency in self.around.anchored:
                continue
            call = foreign_source(self.project, dependency)
            if call is not None:
                text = f"a package makes the session of {source(call)}, a sync one"
                path = dependency.module.path
                found.keep(dependency, p.Reason("foreign-session", text, path, call.line))

    def _keep_handed_out(self, found: Anchors) -> None:
        """Keep sync the sources of sessions that others get in something, and whoever may be it."""
        given = [item for item in handed_out(self.project) if not self._lends(item[0])]
        for dependency, giver, node in given:
            if dependency not in self.around.anchored:
                text = f"{giver.qualname} puts its session into what it gives to others"
                path = giver.module.path
                reason = p.Reason("session-escapes", text, path, node.line, giver.qualname)
                found.keep(dependency, reason)
        for function, value in takes_from_nowhere(self.project) if given else ():
            text = f"its session may be the one that {given[0][1].qualname} gives to others"
            because = given[0][1].qualname
            reason = p.Reason("source-stays", text, function.module.path, value.line, because)
            found.functions.setdefault(function, reason)

    def _keep_with_put_away(self, found: Anchors) -> None:
        """Keep sync who takes sessions out of a dict that a function which stays sync fills."""
        filling = {
            key: function
            for function, reason in self.colouring.kept.items()
            if reason.code == "session-escapes"
            for key in put_away(self.project, function)
        }
        keys = frozenset(filling)
        for function in self.project.functions if keys else ():
            value = None if function in filling.values() else takes_of(self.project, function, keys)
            if isinstance(value, s.Subscript) and isinstance(value.index, s.Constant):
                giver = filling[str(value.index.value)].qualname
                text = f"its session may be the one that {giver} puts there, which stays sync"
                reason = p.Reason("source-stays", text, function.module.path, value.line, giver)
                found.functions.setdefault(function, reason)

    @property
    def _all_sources_stay(self) -> bool:
        """Whether the application makes engines or factories, and none of them is or gets async.

        Async ones of its own beside them count only where an earlier run has made twins of those.
        """
        made = itertools.chain.from_iterable(self._makers.for_functions.values())
        sources = [
            source
            for source in (*self.project.engines, *self.project.session_factories, *made)
            if not source.module.is_test and not self.is_of_alembic(source.module)
        ]
        if not self.around.twins:
            sources = [source for source in sources if not source.kind.startswith("async")]
        return bool(sources) and not any(
            source.kind.startswith("async") or self.becomes_async(source) for source in sources
        )

    def _lends(self, dependency: Function) -> bool:
        """Whether it hands on what others made, or an async session."""
        return not dependency.is_generator or self.project.sessions_given(dependency) != {"sync"}
