"""What goes on living in the sync world beside converted code, and what only passes by."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import cached_property

from migrate_async.config import Settings
from migrate_async.index.members import is_property
from migrate_async.index.project import Project
from migrate_async.index.scopes import Class, Function, Module
from migrate_async.index.sites import CallSite
from migrate_async.index.types import SessionFactory
from migrate_async.model import syntax as s
from migrate_async.plan.alembic.environment import is_environment
from migrate_async.plan.both_worlds.handed_out import takers
from migrate_async.plan.colouring.colour import Colouring
from migrate_async.plan.colouring.holders import Holders
from migrate_async.plan.colouring.made_elsewhere import foreign_source
from migrate_async.plan.colouring.touches import Touches
from migrate_async.plan.colouring.verdicts import Verdicts
from migrate_async.plan.makers import Makers
from migrate_async.plan.sessions.acquisitions import find_acquisitions
from migrate_async.plan.sessions.classes import has_no_factory

_ON_SYNC_SIDE = frozenset({"arg:run_sync"})
"""How a function is used that gets the sync side of what runs it."""


@dataclass(eq=False)
class SyncWorld:
    """Answers for one run; `twins` are the sync sides that an earlier run made.

    `environments` gives the functions of Alembic's `env.py` that move to the async engine; to know
    them takes an answer of this class.
    """

    _project: Project
    _settings: Settings
    _verdicts: Verdicts
    _touches: Touches
    _holders: Holders
    _twins: Collection[Function]
    _environments: Callable[[], frozenset[Function]]

    @property
    def _colouring(self) -> Colouring:
        return self._verdicts.colouring

    @cached_property
    def staying(self) -> dict[Function, None]:
        """Functions that stay sync and may have to be re-pointed, in order."""
        found = dict.fromkeys(self._colouring.kept)
        for function in self._project.functions:
            if self._verdicts.tests_stay and function.module.is_test:
                stays = True
            elif function.is_module:
                stays = self._runs_sessions(function) or self._needs_sync_engine(function)
            elif function in self._colouring.coloured:
                stays = False
            else:
                stays = self._feeds_kept(function) or self._begins_queries(function)
            if stays:
                found[function] = None
        return found

    def _begins_queries(self, function: Function) -> bool:
        """Whether `Session(engine).query(...)` in an uncoloured function is left in this run."""
        return (
            self._verdicts.is_partial
            and not self._verdicts.translates_alone(function)
            and has_no_factory(self._project, function)
            and not any(self._project.sessions_given(function))
        )

    def _runs_sessions(self, body: Function) -> bool:
        """Whether a module works on a session at its top level, or makes one for its functions."""
        if not self.takes_part(body.module):
            return False
        operations = [touch for touch in self._touches.of(body) if touch.kind != "metadata"]
        made = operations or find_acquisitions(self._project, self._settings, body)
        return bool(made or self._touches.chains(body))

    def _needs_sync_engine(self, body: Function) -> bool:
        """Whether an environment of Alembic is left on the sync side."""
        converted = {function.module for function in self._environments()}
        return is_environment(body.module) and body.module not in converted

    def _feeds_kept(self, function: Function) -> bool:
        """Whether an uncoloured function hands its session to code that stays sync."""
        kept = self._colouring.kept
        cls = function.cls
        is_init = function.name == "__init__" and cls is not None and self.uses_kept(cls)
        if is_init and not self._only_keeps_async(function):
            return True
        if function.is_async and not self._project.takes_session(function, "sync"):
            return False
        sites = [site for site in self._project.calls(function) if site.kind != "bridge"]
        if any(target in kept for site in sites for target in site.targets):
            return True
        if function in self._kept_value_users or any(
            taker in kept for taker in takers(self._project, function)
        ):
            return True
        if function in self._making and self.makes_for_kept(function):
            return True
        makes = [
            target.cls
            for site in sites
            for target in site.targets
            if target.name == "__init__" and target.cls
        ]
        return any(map(self.holds_kept, (*makes, *self._holders.filled(function))))

    def _only_keeps_async(self, init: Function) -> bool:
        """Whether it gets nothing but sessions that become async, of which kept methods use none.

        So it is with a view of which one method that stays sync needs no session.
        """
        cls = init.cls
        if cls is None or self.holds_kept(cls) or self._takes_source(init):
            return False
        return self.converts_class(cls) or not self._project.takes_session(init, "sync")

    def _takes_source(self, init: Function) -> bool:
        """Whether it is given a factory or an engine."""
        for param in init.params:
            name = s.Name(*param.span, param.name)
            types = self._project.infer(name, init.scope)
            if any(isinstance(item, SessionFactory) for item in types):
                return True
            if self._project.engine_or_connection(name, init.scope) is not None:
                return True
        return False

    def holds_kept(self, cls: Class) -> bool:
        """Whether objects of `cls` keep a session that stays sync."""
        kept = self._colouring.kept
        return self._holders.holds(cls) and any(m in kept for m in self._holders.members(cls))

    def uses_kept(self, cls: Class) -> bool:
        """Whether objects of `cls` use a session that stays sync, be it in an object of theirs."""
        return self.holds_kept(cls) or self.makes_kept(cls)

    def makes_kept(self, cls: Class) -> bool:
        """Whether methods of `cls` stay sync, on a session or a factory that `__init__` keeps."""
        if cls in self._inherited_by_kept:
            return True
        return not self._classes_of_kept.isdisjoint(self._project.mro(cls))

    @cached_property
    def _classes_of_kept(self) -> frozenset[Class]:
        """The classes with a method that stays sync."""
        return frozenset(kept.cls for kept in self._colouring.kept if kept.cls is not None)

    @cached_property
    def _inherited_by_kept(self) -> frozenset[Class]:
        """Those, and what they inherit from."""
        return frozenset().union(*map(self._project.mro, self._classes_of_kept))

    @cached_property
    def _kept_value_users(self) -> frozenset[Function]:
        """Functions that hand a kept function on as a value, to a thread for example."""
        return frozenset(
            use.function for kept in self._colouring.kept for use in self._project.value_uses(kept)
        )

    @cached_property
    def carriers(self) -> tuple[Function, ...]:
        """Functions that hand a session on without touching it: they get its new type."""
        return tuple(filter(self._carries, self._project.functions))

    def _carries(self, function: Function) -> bool:
        if function in self._colouring.coloured or function in self.staying:
            return False
        if function in self._twins or not self._may_carry(function):
            return False
        if function.boundary == "sqlalchemy-event" or self._is_run_on_sync_side(function):
            return False  # it gets the sync side
        if function in self._making and self.makes_for_kept(function):
            return False
        if self._is_called_by_kept(function) or self._only_kept_callers(function):
            return False
        return self.takes_part(function.module) and foreign_source(self._project, function) is None

    def _is_run_on_sync_side(self, function: Function) -> bool:
        """Whether a connection or session runs it, and nobody else: `connection.run_sync(note)`."""
        uses = self._project.value_uses(function)
        is_called = any(site.kind == "call" for site in self._project.callers(function))
        return bool(uses) and not is_called and all(use.kind in _ON_SYNC_SIDE for use in uses)

    def makes_for_kept(self, maker: Function) -> bool:
        """Whether nothing but what stays sync asks for the engine or session that `maker` makes."""
        if maker.is_module or self._project.value_uses(maker) or self._makes_for_methods(maker):
            return False
        callers = [site.function for site in self._project.callers(maker)]
        return bool(callers) and all(map(self._asks_for_kept, callers))

    def _makes_for_methods(self, maker: Function) -> bool:
        """Whether methods that convert use what an object makes for itself, whoever makes that."""
        cls = maker.cls if maker.name == "__init__" else None
        if cls is None or cls in self._classes_of_kept:
            return False
        return any(
            cls in self._project.mro(function.cls)
            for function in self._colouring.coloured
            if function.cls is not None and self._colouring.converts(function)
        )

    def _asks_for_kept(self, caller: Function) -> bool:
        if caller in self._colouring.kept or not self.takes_part(caller.module):
            return True
        cls = caller.cls if caller.name == "__init__" else None
        return cls is not None and self.holds_kept(cls)

    @cached_property
    def _making(self) -> frozenset[Function]:
        """Functions that make an engine or a session factory for themselves or their callers."""
        variables = (*self._project.engines, *self._project.session_factories)
        named = (variable.scope.function for variable in variables)
        return frozenset((*named, *self._project.shared(Makers).for_functions))

    def _may_carry(self, function: Function) -> bool:
        """Whether `function` is called by nothing that stays sync in this run only."""
        if not self._verdicts.tests_stay:
            return True
        callers = [site for site in self._project.callers(function) if site.kind == "call"]
        return function in self._verdicts.wanted and not any(
            self._lends_sync(site) or site.function.module.is_test for site in callers
        )

    def _is_called_by_kept(self, function: Function) -> bool:
        """Whether code that stays sync makes an object with its own session by `function`."""
        return function.name == "__init__" and any(
            self._lends_sync(site) and self._project.passes_session(site)
            for site in self._project.callers(function)
        )

    def _lends_sync(self, site: CallSite) -> bool:
        """Whether `site` is in code that stays sync, and gives what it calls a sync session."""
        is_kept = site.function in self._colouring.kept
        return is_kept and not self._verdicts.driven.gives_async_side(site)

    def _only_kept_callers(self, function: Function) -> bool:
        callers = [
            site.function
            for site in self._project.callers(function)
            if site.kind in ("call", "property") and not site.function.is_module
        ]
        if is_property(function) and not self._gives_engine(function):
            return any(caller in self._colouring.kept for caller in callers)
        if any(self._project.sessions_given(function)):
            return False  # those callers ask its sync side
        return bool(callers) and all(caller in self._colouring.kept for caller in callers)

    def _gives_engine(self, getter: Function) -> bool:
        """Whether it is an engine, of which code that stays sync has the sync one made."""
        return any(
            self._project.engine_or_connection(value, getter.scope) == "engine"
            for value in getter.returns
        )

    @cached_property
    def tests_converted(self) -> bool:
        """Whether a test or fixture becomes a coroutine."""
        return any(
            function.module.is_test and self._colouring.converts(function)
            for function in self._colouring.coloured
        )

    def converts_class(self, cls: Class) -> bool:
        """Whether the methods that use the session of `cls` objects convert."""
        return self._holders.holds(cls) and any(
            self._colouring.converts(member) for member in self._holders.members(cls)
        )

    def takes_part(self, module: Module) -> bool:
        """Whether a module changes with the application: tests do only if they convert."""
        return not module.is_test or self.tests_converted
