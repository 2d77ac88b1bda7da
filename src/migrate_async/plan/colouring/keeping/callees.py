"""What a function that stays sync gives those who run it, and no bridge can carry."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index.annotations import is_vague
from migrate_async.index.scopes import Function
from migrate_async.index.sites import CallSite
from migrate_async.index.types import ContextOf, ExternalResult, Instance, Types
from migrate_async.model import syntax as s
from migrate_async.model.plan import LENDS, Reason
from migrate_async.plan.colouring.fixtures import is_source
from migrate_async.plan.colouring.keeping.candidates import Candidates
from migrate_async.plan.colouring.passed import passed_source
from migrate_async.plan.colouring.reasons import at_call
from migrate_async.plan.colouring.stored_sessions import stored_sessions

_NO_CALL = ("implicit", "property")
"""Kinds of sites that run a function without calling it: there is nothing to wrap in a bridge."""


class Callees:
    """Tells who runs one of the `candidates` that stays sync, and so has to stay sync, too."""

    def __init__(self, candidates: Candidates) -> None:
        self._candidates = candidates
        self._kept = candidates.kept
        self._project = candidates.project
        self._circumstances = candidates.bounds.circumstances
        self._sharing = candidates.bounds.sharing
        self._open: dict[Function, list[tuple[CallSite, Function]]] = {}
        """What functions run that may still turn out to stay sync."""
        self._givers: dict[CallSite, bool] = {}
        self._stores: dict[Function, bool] = {}
        self._sources_passed: dict[CallSite, str] = {}
        self._hiding: dict[CallSite, frozenset[Function]] = {}

    def reason(self, function: Function) -> Reason | None:
        """What it runs stays sync, and gives it what no bridge can carry.

        What is harmless once is so for good, and not looked at again.
        """
        if function not in self._open:
            self._open[function] = [*self._candidates.run_by(function)]
        left: list[tuple[CallSite, Function]] = []
        for site, target in self._open[function]:
            if target not in self._kept:
                left.append((site, target))
                continue
            if self._candidates.is_split(function, target):
                continue  # a sync copy of the decorator is on it
            is_own = self._candidates.is_fetched(target, site)
            reason = None if is_own else self._callee(site, target)
            if reason is not None:
                return reason
        self._open[function] = left
        return None

    def _callee(self, site: CallSite, target: Function) -> Reason | None:
        """What `target`, which stays sync, gives that no bridge can carry."""
        if self._gives_session(site) or self._gives_stored(target):
            text = f"its session comes from {target.qualname}, which stays sync"
            return at_call(site, "session-from-sync", text, target)
        if site.kind in _NO_CALL and not site.awaited and not self._only_gives(site, target):
            text = f"it runs {target.qualname}, which stays sync, without a call to put a bridge in"
            return at_call(site, "runs-sync", text, target)
        if target.is_generator and site.kind == "call":
            text = f"it iterates {target.qualname}, which stays sync: it would run outside a bridge"
            return at_call(site, "iterates-sync", text, target)
        passed = None if site.awaited else self._passing(site, target)
        if passed is not None:
            return passed
        chain = self._circumstances.runs_loop(target)
        if chain and self._lends(site, target):
            text = f"{target.qualname} stays sync and runs an event loop, `{chain}`, on its session"
            return at_call(site, "runs-loop", text, target)
        return None

    def _only_gives(self, site: CallSite, target: Function) -> bool:
        """Whether a property runs no SQL, and gives an object that works on a session.

        Such an object has a bridge for each of its methods.
        """
        if site.kind != "property" or self._candidates.coloured[target].code != LENDS:
            return False
        types = self._project.infer(site.node, site.scope)
        return bool(types) and all(isinstance(item, Instance) for item in types)

    def _passing(self, site: CallSite, target: Function) -> Reason | None:
        """It gives `target`, which stays sync, what a bridge cannot change."""
        source = self._passed_source(site)
        if source:
            text = f"it passes its {source} to {target.qualname}, which stays sync"
            return at_call(site, "passes-source", text, target)
        if self._hides_session(site, target):
            text = f"it passes what may be its session to {target.qualname}, which stays sync"
            return at_call(site, "hides-session", text, target)
        return None

    def _gives_session(self, site: CallSite) -> bool:
        """Whether the value of a call is a session or a sync engine, or enters as one."""
        if site not in self._givers:
            types = self._project.infer(site.node, site.scope)
            entered = [found.value for found in types if isinstance(found, ContextOf)]
            self._givers[site] = any(is_source(self._project, found) for found in (types, *entered))
        return self._givers[site]

    def _gives_stored(self, function: Function) -> bool:
        """Whether it may give a session that it found where it put one."""
        known = self._stores.get(function)
        if known is None:
            found = stored_sessions(self._project, function) if function.returns else ()
            known = self._stores[function] = any(True for _ in found)
        return known

    def _passed_source(self, site: CallSite) -> str:
        known = self._sources_passed.get(site)
        if known is None:
            known = self._sources_passed[site] = passed_source(self._project, site)
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

    def _lends(self, site: CallSite, target: Function) -> bool:
        """Whether `target` would run in a bridge, on the session of its caller."""
        return site.kind != "dependency" and (
            self._project.passes_session(site) or self._sharing.is_kept(target)
        )


def _is_unknown(types: Types) -> bool:
    return all(isinstance(item, ExternalResult) or is_vague(item) for item in types)
