"""Which functions convert although code that stays sync calls them (`keep = "async"`).

A task, a command or a job calls such a function with `call_async`, and makes an object that has
such methods with `async_side(db)`: on its own sync session, in its own thread. So all that the
function does has to be possible there: what opens a session of its own would open an async one, on
a connection that belongs to an event loop, and what a thread does for it would take the session
into that thread.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function
from migrate_async.index.sites import CallSite
from migrate_async.knowledge.shim import CALL_ASYNC
from migrate_async.model import syntax as s
from migrate_async.model.plan import LENDS
from migrate_async.plan.colouring.bounds import Driven
from migrate_async.plan.colouring.colour import Colouring
from migrate_async.plan.colouring.helpers import is_helper, source_names
from migrate_async.plan.colouring.holders import Holders
from migrate_async.plan.colouring.makings import Makings
from migrate_async.plan.colouring.touches import INSPECTION, METADATA, Touch, Touches
from migrate_async.plan.names import names_in

Colour = Callable[[Driven], Colouring]

_OF_ENGINE = frozenset({"bind", "connection", "get_bind", "stream", "stream_scalars"})
"""What gives an engine or a connection, or keeps one open."""


@dataclass(eq=False)
class DrivenFunctions(Driven):
    """`functions`, where their callers `stay`: no later run converts those."""

    _project: Project
    _touches: Touches
    _makings: Makings
    functions: frozenset[Function]
    _stay: Callable[[Function], bool]

    def at(self, site: CallSite, function: Function) -> bool:
        return function in self.functions and self._can(site)

    def makes(self, maker: Function, function: Function) -> bool:
        return (
            function in self.functions
            and self._stay(maker)
            and _is_plain(maker)
            and all(
                self._makings.sessions(site) is not None
                for site in self._makings.of(maker)
                if function in self._makings.members(site)
            )
        )

    def gives_async_side(self, making: CallSite) -> bool:
        members = self._makings.members(making)
        return any(self.makes(making.function, member) for member in members)

    def calls(self, stays: Callable[[Function], bool]) -> Iterator[CallSite]:
        for function in sorted(self.functions, key=lambda function: function.position):
            for site in self._project.callers(function):
                if stays(site.function) and self.at(site, function):
                    yield site

    def sessions(self, kept: Iterable[Function]) -> Iterator[tuple[Function, s.Expr]]:
        for function in kept:
            for site in filter(self.gives_async_side, self._makings.of(function)):
                found = self._makings.sessions(site) or ()
                yield from ((function, session) for session in found)

    def _can(self, site: CallSite) -> bool:
        """Whether the call can become one of `call_async`."""
        caller, call = site.function, site.node
        if site.kind != "call" or not isinstance(call, s.Call) or site.awaited:
            return False
        if not self.functions.issuperset(site.targets) or not self._stay(caller):
            return False
        if not _is_plain(caller) or (caller.is_module and "main" not in site.context):
            return False
        kinds = [self._project.session_kind(value, site.scope) for value in call.values]
        return "async" not in kinds and not self._touches.is_in_f_string(call, caller)


@dataclass(eq=False)
class DrivenChooser:
    """Chooses for one project; `opens` tells whether a function opens a session."""

    _project: Project
    _touches: Touches
    _holders: Holders
    _opens: Callable[[Function], bool]

    def choose(self, plain: Colouring, colour: Colour, stays: Callable[[Function], bool]) -> Driven:
        """The largest set that holds together; `colour` colours with a set of them.

        :param plain: the colouring without any.
        :param stays: whether no later run converts a function.
        """
        # What only makes objects is kept for their sake, and goes with them.
        running = {f for f in plain.kept if plain.coloured[f].code != LENDS}
        chosen = frozenset(filter(self._may_be_driven, running))
        while chosen:
            makings = Makings(self._project, self._holders, plain.coloured, running - chosen)
            driven = DrivenFunctions(self._project, self._touches, makings, chosen, stays)
            found = colour(driven)
            unfit = self._unfit(found)
            unfit |= {f for f in chosen if self._gets_sync_session(f, found, driven, makings)}
            fitting = frozenset(f for f in chosen if found.converts(f) and f not in unfit)
            if fitting == chosen:
                fitting = self._needed(found, chosen)
            if fitting == chosen:
                return driven
            chosen = fitting
        return Driven()

    def _may_be_driven(self, function: Function) -> bool:
        return is_helper(function) and function not in self._project.originals.twins

    # --- together ------------------------------------------------------------------------------

    def _unfit(self, found: Colouring) -> set[Function]:
        """Those that convert and that no sync session could serve, or that run such a one."""
        unfit = {f for f in found.coloured if found.converts(f) and self._leaves(f, found)}
        pending = list(unfit)
        while pending:
            for site in self._project.callers(pending.pop()):
                caller = site.function
                if found.converts(caller) and caller not in unfit:
                    unfit.add(caller)
                    pending.append(caller)
        return unfit

    def _leaves(self, function: Function, found: Colouring) -> bool:
        """Whether it works on something else than the session that it is given."""
        return (
            function.is_route
            or self._opens(function)
            or not self._project.shared(source_names).isdisjoint(names_in(function))
            or any(map(_asks_for_more, self._touches.of(function)))
            or any(self._leaves_at(site, found) for site in self._project.calls(function))
        )

    def _leaves_at(self, site: CallSite, found: Colouring) -> bool:
        """Whether it asks for the engine, or has a thread run what stays sync."""
        operation = site.operation
        if operation is not None and operation.name in _OF_ENGINE:
            return True
        if site.kind in ("dependency", CALL_ASYNC):
            return False
        if not any(target in found.kept for target in site.targets):
            return False
        call = site.node
        return not isinstance(call, s.Call) or not any(
            self._project.session_kind(value, site.scope) == "sync" and s.dotted_name(value)
            for value in call.values
        )

    def _gets_sync_session(
        self, function: Function, found: Colouring, driven: Driven, makings: Makings
    ) -> bool:
        """Whether an object of its class may have a sync session.

        Code that stays sync makes it with one, or some of what works on that session stays sync.
        """
        seen: set[Function] = set()
        pending = list(self._holders.makers(function))
        while pending:
            maker = pending.pop()
            if maker in seen:
                continue
            seen.add(maker)
            made = [site for site in makings.of(maker) if function in makings.members(site)]
            if any(member in found.kept for site in made for member in makings.members(site)):
                return True
            if maker.is_module or (maker in found.kept and not driven.makes(maker, function)):
                return True
            if maker in found.kept:
                continue  # whoever makes its object: it makes this one with the async side
            if makings.is_of_holder(maker):
                pending += self._holders.makers(maker)
            if makings.is_helper(maker):
                callers = self._project.callers(maker)
                pending += [site.function for site in callers if site.kind != "dependency"]
        return False

    def _needed(self, found: Colouring, chosen: frozenset[Function]) -> frozenset[Function]:
        """Those that a coroutine calls, with what they run, and what shares their objects."""
        needed = {
            function
            for function in chosen
            if any(
                found.converts(site.function) and site.function not in chosen
                for site in (*self._project.callers(function), *self._project.bridges_to(function))
            )
        }
        pending = list(needed)
        while pending:
            function = pending.pop()
            run = [f for site in self._project.calls(function) for f in site.targets]
            more = {*run, *self._holders.peers(function)} & (chosen - needed)
            needed |= more
            pending += more
        return frozenset(needed)


def _asks_for_more(touch: Touch) -> bool:
    """Whether it is on an engine, or opens a session, as a context manager of the project does."""
    opens = touch.kind == "context" and bool(touch.site.targets)
    return opens or touch.kind in (*METADATA, INSPECTION, "block")


def _is_plain(function: Function) -> bool:
    return not (function.is_async or function.module.is_test)
