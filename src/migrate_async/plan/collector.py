"""Gathers what the planners find and orders it into a `Plan`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import msgspec

from migrate_async.index.scopes import Function, Module
from migrate_async.model import plan as p
from migrate_async.model.diagnostic import Diagnostic
from migrate_async.model.syntax import Span
from migrate_async.plan.module_edits import ModuleEdits
from migrate_async.plan.passed_on_imports import PassedOn
from migrate_async.plan.queries import TRANSLATE, QueryPlan


class Collector:
    """Mutable while planning; `plan` freezes it in a deterministic order."""

    def __init__(
        self,
        digests: Mapping[str, str],
        first_party: Iterable[str] = (),
        passed_on: PassedOn | None = None,
    ) -> None:
        self._digests = digests
        self._passed_on = passed_on or {}
        self._first_party = tuple(sorted(first_party))
        self._edits: dict[str, dict[Span, list[p.AnyEdit]]] = {}
        """By the path of the file, and by the code that they change."""
        self._imports: dict[str, set[p.ImportChange]] = {}
        self._unneeded: dict[str, set[str]] = {}
        self._gone: set[str] = set()
        """The paths of files that import what is gone."""
        self._counts: dict[str, int] = {}
        self.decisions: list[p.FunctionDecision] = []
        self.others: list[p.FunctionDecision] = []
        self.diagnostics: list[Diagnostic] = []

    def add(
        self,
        path: str,
        edits: Iterable[p.AnyEdit] = (),
        imports: Iterable[p.ImportChange] = (),
        unneeded: Iterable[str] = (),
    ) -> None:
        """Add changes of the file at `path`; an edit that is there already counts once."""
        of_file = self._edits.setdefault(path, {})
        for edit in edits:
            known = of_file.setdefault(edit.span, [])
            if not any(_is_same(edit, other) for other in known):
                known.append(edit)
        self._imports.setdefault(path, set()).update(imports)
        self._unneeded.setdefault(path, set()).update(unneeded)

    def leave(self, path: str, span: Span) -> None:
        """Take back what would change the code at `span`."""
        edits = self._edits.get(path, {})
        for other in [other for other in edits if span[:2] <= other[:2] <= span[2:]]:
            del edits[other]

    def add_module(self, module: Module, found: ModuleEdits) -> None:
        """Add one planner's changes of a module."""
        self.add(module.path, found.edits, found.imports, (*found.unneeded, *found.gone))
        self.diagnostics += found.diagnostics
        if found.gone:
            self._gone.add(module.path)

    def add_modules(self, found: Iterable[tuple[Module, ModuleEdits]]) -> None:
        """Add one planner's changes of several modules."""
        for module, edits in found:
            self.add_module(module, edits)

    def add_queries(self, queries: QueryPlan, function: Function) -> None:
        """Add the translated queries of one function."""
        found = queries.functions.get(function)
        if found is None:
            return
        self.add(function.module.path, found.edits, found.imports, found.unneeded)
        for chain in found.chains:
            self.count("chains" if chain.state == TRANSLATE else "chains-left")

    def translates(self, path: str, span: Span) -> bool:
        """Whether a query that is rewritten so far includes `span`."""
        return any(
            isinstance(edit, p.QueryRewrite)
            for around, edits in self._edits.get(path, {}).items()
            if _includes(around, span)
            for edit in edits
        )

    def change_session(self, path: str, span: Span, old: str, new: str) -> None:
        """Let queries and bridges around `span` run on the session `new`, not `old`."""
        for around, edits in self._edits.get(path, {}).items():
            if _includes(around, span):
                edits[:] = [_on_session(edit, old, new) for edit in edits]

    def _may_go(self, path: str) -> Callable[[str], bool]:
        """Whether nobody goes on importing a name from the module of `path`, which imports it."""
        return lambda name: all(
            local in self._unneeded.get(other, ())
            for other, local in self._passed_on.get((path, name), ())
        )

    def count(self, name: str, by: int = 1) -> None:
        """Add to one of `Plan.counts`."""
        self._counts[name] = self._counts.get(name, 0) + by

    def plan(self, step: p.Step) -> p.Plan:
        """The plan, files without edits left out."""
        files = tuple(
            p.FilePlan(
                path=path,
                digest=self._digests.get(path, ""),
                edits=tuple(sorted((e for same in edits.values() for e in same), key=_place)),
                imports=tuple(sorted(self._imports[path])),
                unneeded=tuple(sorted(filter(self._may_go(path), self._unneeded[path]))),
                first_party=self._first_party if self._imports[path] else (),
            )
            for path, edits in sorted(self._edits.items())
            if any(edits.values()) or path in self._gone
        )
        return p.Plan(
            step=step.value,
            files=files,
            functions=_in_order(self.decisions),
            others=_in_order(self.others),
            diagnostics=tuple(sorted(set(self.diagnostics))),
            counts=dict(sorted(self._counts.items())),
        )


def _in_order(found: Iterable[p.FunctionDecision]) -> tuple[p.FunctionDecision, ...]:
    return tuple(sorted(found, key=lambda d: (d.path, d.line, d.function)))


def _includes(outer: Span, span: Span) -> bool:
    return outer[:2] <= span[:2] and span[2:] <= outer[2:]


def _on_session(edit: p.AnyEdit, old: str, new: str) -> p.AnyEdit:
    if isinstance(edit, p.QueryRewrite):
        return msgspec.structs.replace(edit, call=edit.call.replace(f"{old}.", f"{new}."))
    if isinstance(edit, p.DelegateCall | p.BridgeCall):
        to = f"{edit.to}.".replace(f"{old}.", f"{new}.").removesuffix(".")
        return msgspec.structs.replace(edit, to=to)
    return edit


def _is_same(edit: p.AnyEdit, other: p.AnyEdit) -> bool:
    """Whether they do the same, be it for different codemods."""
    return (
        type(other) is type(edit) and msgspec.structs.replace(other, codemod=edit.codemod) == edit
    )


def _place(edit: p.AnyEdit) -> tuple[Span, str]:
    return (edit.span, type(edit).__name__)
