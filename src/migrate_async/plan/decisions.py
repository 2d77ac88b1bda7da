"""What is decided about each function, and why: the part of a plan that people read."""

from __future__ import annotations

from functools import cached_property

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function
from migrate_async.model import plan as p
from migrate_async.model.diagnostic import Severity
from migrate_async.plan.bystanders import bystanders
from migrate_async.plan.collector import Collector
from migrate_async.plan.colouring.advice import stays_sync
from migrate_async.plan.colouring.verdicts import Verdicts
from migrate_async.plan.inner_listeners import is_inside_listener


class Decisions:
    """Tells the verdicts on a project; `environments` are Alembic's, which convert apart."""

    def __init__(
        self, project: Project, verdicts: Verdicts, environments: frozenset[Function]
    ) -> None:
        self._project = project
        self._verdicts = verdicts
        self._colouring = verdicts.colouring
        self._environments = environments

    def report(self, collector: Collector) -> None:
        """Add all verdicts with their reasons, and what is to be said of those that stay."""
        routes = {route.function: route for route in self._project.routes}
        for function, why in self._colouring.coloured.items():
            kept = self._colouring.kept.get(function)
            if function in self._environments:
                kept = None
            verdict = self._verdict(function)
            why_so = kept
            if verdict is p.Verdict.TWIN:
                why_so = self._verdicts.why_both(function)
                collector.count("twins")
            route = routes.get(function)
            collector.decisions.append(
                p.FunctionDecision(
                    function=function.qualname,
                    path=function.module.path,
                    line=function.line,
                    verdict=verdict.value,
                    reasons=(*filter(None, [why_so]), *self._chain(why)),
                    route=f"{','.join(route.methods)} {route.path}" if route else "",
                )
            )
            suffix = ""
            if kept is not None:
                suffix = "-waiting" if self._waits(function) else "-kept"
            collector.count(f"functions{suffix}")
            if route:
                collector.count(f"routes{suffix}")
            if kept is not None and self._is_wanted(function) and not self._listens(function):
                collector.diagnostics.append(stays_sync(function, kept, self._severity(function)))
        collector.others += bystanders(self._project, self._verdicts, collector.decisions)

    def _is_wanted(self, function: Function) -> bool:
        return function in self._verdicts.wanted

    def _listens(self, function: Function) -> bool:
        """Whether `function` listens inside a coroutine, on what is sync there."""
        return is_inside_listener(function, self._colouring.converts)

    def _waits(self, function: Function) -> bool:
        """Whether `function` was not selected and a later run converts it."""
        return not self._is_wanted(function) and self._verdicts.full.converts(function)

    def _severity(self, function: Function) -> Severity:
        """A bridge to what a later run converts is no loss."""
        is_bridged = self._verdict(function) is p.Verdict.BRIDGE
        if is_bridged and self._verdicts.full.converts(function):
            return Severity.NOTE
        return Severity.WARNING

    def _verdict(self, function: Function) -> p.Verdict:
        """What stays sync is bridged where async code goes on calling it."""
        if function in self._verdicts.beside:
            return p.Verdict.TWIN
        if function not in self._colouring.kept or function in self._environments:
            return p.Verdict.CONVERT
        is_bridged = bool(self._project.bridges_to(function)) or any(
            site.kind == "call" and self._colouring.converts(site.function)
            for site in self._project.callers(function)
        )
        if is_bridged:
            return p.Verdict.BRIDGE
        return p.Verdict.WAIT if self._waits(function) else p.Verdict.KEEP

    def _chain(self, reason: p.Reason) -> tuple[p.Reason, ...]:
        """The reasons from a function down to the operation that coloured it."""
        found = [reason]
        by_name = self._reasons
        while reason.because_of in by_name and len(found) < 50:
            reason = by_name[reason.because_of]
            if reason in found:
                break
            found.append(reason)
        return tuple(found)

    @cached_property
    def _reasons(self) -> dict[str, p.Reason]:
        return {f.qualname: reason for f, reason in self._colouring.coloured.items()}
