"""Callers that stay sync, and so cannot await what they call."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from migrate_async.index.scopes import Function
from migrate_async.index.sites import CallSite
from migrate_async.knowledge.shim import CALL_ASYNC
from migrate_async.model import syntax as s
from migrate_async.model.plan import Reason
from migrate_async.plan.colouring.keeping.candidates import Candidates
from migrate_async.plan.colouring.reasons import at_call
from migrate_async.plan.named_calls import names_function

_WAITED_FOR = ("dependency", "bridge", CALL_ASYNC)
"""Kinds of sites that something else waits for."""


class Callers:
    """Tells which of the `candidates` are called by what stays sync, or by nobody."""

    def __init__(self, candidates: Candidates) -> None:
        self._candidates = candidates
        self._kept = candidates.kept
        self._project = candidates.project
        self._circumstances = candidates.bounds.circumstances
        self._sharing = candidates.bounds.sharing
        self._beside = candidates.bounds.beside
        self._driven = candidates.bounds.driven

    def reason(self, function: Function) -> Reason | None:
        """A caller that stays sync cannot await it."""
        callers = list(self._unable(function))
        reasons = [reason for _, reason in callers]
        staying = [site for site, reason in callers if reason is not None]
        if (None in reasons or not function.is_generator) and self._is_copied(function, staying):
            return None  # who stays sync enters the copy
        return next(filter(None, reasons), None)

    def _is_copied(self, function: Function, staying: Iterable[CallSite]) -> bool:
        """Whether what `staying` runs can be a copy of `function`, by another name."""
        if function not in self._circumstances.scopes or any(self._candidates.run_by(function)):
            return False
        calls = [site.node for site in staying]
        return all(
            isinstance(call, s.Call) and names_function(self._project, call.func, function)
            for call in calls
        )

    def _unable(self, function: Function) -> Iterator[tuple[CallSite, Reason | None]]:
        """The callers of `function`, and why one cannot await it; None for one that can."""
        for site in self._project.callers(function):
            if site.kind in _WAITED_FOR:
                continue
            if self._candidates.is_fetched(function, site):
                continue
            if self._circumstances.decorators.is_copy(site.function):
                continue  # the decorator itself is on it from now on
            if self._candidates.cannot_await(site.function):
                if function in self._beside:
                    continue
                if self._driven.at(site, function):
                    yield site, self._beside_kept(site)
                    continue
            yield site, self._caller(site, has_original=function in self._beside)

    def _caller(self, site: CallSite, *, has_original: bool) -> Reason | None:
        caller = site.function
        if caller.is_module:
            return self._at_the_top(site)
        if self._candidates.cannot_await(caller):
            text = f"{caller.qualname} calls it and stays sync"
            return at_call(site, "called-by-sync", text, caller)
        if caller in self._beside and not has_original:
            text = f"the sync original of {caller.qualname} calls it"
            return at_call(site, "called-by-sync", text, caller)
        return self._beside_kept(site)

    def bridged_with(self, function: Function) -> Reason | None:
        """A bridge of several functions stays for all of them."""
        sites = self._project.bridges_to(function) if function not in self._beside else ()
        return next(filter(None, map(self._beside_kept, sites)), None)

    def _beside_kept(self, site: CallSite) -> Reason | None:
        for other in site.targets:
            if other in self._kept and not self._candidates.is_split(site.function, other):
                text = f"a call at {site.place} may also reach {other.qualname}, which stays sync"
                return at_call(site, "family-kept", text, other)
        return None

    def _at_the_top(self, site: CallSite) -> Reason | None:
        """Called at the top of a module; a script can run what has its own session."""
        path = site.function.module.path
        if "main" not in site.context:
            text = f"it is called when {path} is imported"
            return at_call(site, "called-at-import", text, site.function)
        if self._project.passes_session(site) or any(map(self._sharing.is_kept, site.targets)):
            text = f"the script {path} calls it on a session that its top level opens"
            return at_call(site, "called-by-script", text, site.function)
        return None

    def around_nothing(self, wrapper: Function) -> Reason | None:
        """All that a decorator is on stays sync: its wrapper can as well."""
        is_one = wrapper in self._circumstances.decorators
        wrapped = self._project.wrapped_by(wrapper) if is_one else ()
        if not wrapped or any(function not in self._kept for function in wrapped):
            return None
        name = wrapped[0].qualname
        text = f"what its decorator is on stays sync, as {name} does"
        return Reason("wraps-sync", text, because_of=name)

    def for_nothing(self, function: Function) -> Reason | None:
        """Nobody is known to run it, and what it runs stays sync: some code may find it by name."""
        if function.is_async or function.module.is_test or function.decorator_names:
            return None
        because = self._candidates.coloured[function]
        if because.code != "calls" or self._project.value_uses(function):
            return None
        if self._project.callers(function) or self._circumstances.ties.contracts.of(function):
            return None
        run = [target for _, target in self._candidates.run_by(function)]
        if not run or any(target not in self._kept for target in run):
            return None
        name = run[0].qualname
        text = f"nobody is known to call it, and it runs {name}, which stays sync"
        return Reason("for-nothing", text, because_of=name)
