"""Gathers what the planners find and orders it into a `Plan`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from migrate_async.index.scopes import Function, Module
from migrate_async.model import plan as p
from migrate_async.model.diagnostic import Diagnostic
from migrate_async.model.syntax import Span
from migrate_async.plan.database import ModuleEdits
from migrate_async.plan.queries import TRANSLATE, QueryPlan


class Collector:
    """Mutable while planning; `plan` freezes it in a deterministic order."""

    def __init__(self, digests: Mapping[str, str]) -> None:
        self._digests = digests
        self._edits: dict[str, list[p.AnyEdit]] = {}
        self._imports: dict[str, set[p.ImportChange]] = {}
        self._unneeded: dict[str, set[str]] = {}
        self._counts: dict[str, int] = {}
        self.decisions: list[p.FunctionDecision] = []
        self.diagnostics: list[Diagnostic] = []

    def add(
        self,
        path: str,
        edits: Iterable[p.AnyEdit] = (),
        imports: Iterable[p.ImportChange] = (),
        unneeded: Iterable[str] = (),
    ) -> None:
        """Add changes of the file at `path`; an edit that is there already counts once."""
        known = self._edits.setdefault(path, [])
        for edit in edits:
            if edit not in known and not _repeats(edit, known):
                known.append(edit)
        self._imports.setdefault(path, set()).update(imports)
        self._unneeded.setdefault(path, set()).update(unneeded)

    def leave(self, path: str, span: Span) -> None:
        """Take back what would change the code at `span`."""
        edits = self._edits.get(path, [])
        edits[:] = [edit for edit in edits if not span[:2] <= edit.span[:2] <= span[2:]]

    def add_module(self, module: Module, found: ModuleEdits) -> None:
        """Add one planner's changes of a module."""
        self.add(module.path, found.edits, found.imports, found.unneeded)
        self.diagnostics += found.diagnostics

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
            isinstance(edit, p.QueryRewrite) and _includes(edit.span, span)
            for edit in self._edits.get(path, ())
        )

    def change_session(self, path: str, span: Span, old: str, new: str) -> None:
        """Let queries and bridges around `span` run on the session `new`, not `old`."""
        edits = self._edits.get(path, [])
        for index, edit in enumerate(edits):
            if not _includes(edit.span, span):
                continue
            if isinstance(edit, p.QueryRewrite):
                call = edit.call.replace(f"{old}.", f"{new}.")
                edits[index] = msgspec.structs.replace(edit, call=call)
            elif isinstance(edit, p.DelegateCall | p.BridgeCall):
                to = f"{edit.to}.".replace(f"{old}.", f"{new}.").removesuffix(".")
                edits[index] = msgspec.structs.replace(edit, to=to)

    def count(self, name: str, by: int = 1) -> None:
        """Add to one of `Plan.counts`."""
        self._counts[name] = self._counts.get(name, 0) + by

    def plan(self, step: p.Step) -> p.Plan:
        """The plan, files without edits left out."""
        files = tuple(
            p.FilePlan(
                path=path,
                digest=self._digests.get(path, ""),
                edits=tuple(sorted(edits, key=_place)),
                imports=tuple(sorted(self._imports[path])),
                unneeded=tuple(sorted(self._unneeded[path])),
            )
            for path, edits in sorted(self._edits.items())
            if edits
        )
        return p.Plan(
            step=step.value,
            files=files,
            functions=tuple(sorted(self.decisions, key=lambda d: (d.path, d.line, d.function))),
            diagnostics=tuple(sorted(set(self.diagnostics))),
            counts=dict(sorted(self._counts.items())),
        )


def _includes(outer: Span, span: Span) -> bool:
    return outer[:2] <= span[:2] and span[2:] <= outer[2:]


def _repeats(edit: p.AnyEdit, known: list[p.AnyEdit]) -> bool:
    """Whether another planner, for another codemod, has planned the same already."""
    return any(
        other.span == edit.span
        and type(other) is type(edit)
        and msgspec.structs.replace(other, codemod=edit.codemod) == edit
        for other in known
    )


def _place(edit: p.AnyEdit) -> tuple[Span, str]:
    return (edit.span, type(edit).__name__)
