"""A plan after lines of a file have moved, and nothing else in it has changed."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import msgspec

from migrate_async.model import plan as p
from migrate_async.model.diagnostic import Diagnostic
from migrate_async.model.syntax import Span

Lines = Mapping[int, int]
"""Where the lines that code begins or ends at have gone."""

_LAMBDA = b"<lambda:"
"""Starts the name of a lambda, which holds its line."""


def moved(plan: p.Plan, path: str, lines: Lines, digest: str) -> p.Plan | None:
    """`plan` with the file at `path`, whose content has that `digest` now, as `lines` says.

    None when the plan speaks of a line that is not among `lines`, or in a way that nobody can
    translate.
    """
    try:
        return _Moving(path, lines, digest).plan(plan)
    except KeyError:
        return None


def moved_edit(edit: p.AnyEdit, lines: Lines) -> p.AnyEdit:
    """`edit` where its code is now. Raises `KeyError` for a line that is not among `lines`."""
    changes: dict[str, Span] = {"span": moved_span(edit.span, lines)}
    if isinstance(edit, p.WrapStatements):
        changes["until"] = moved_span(edit.until, lines)
    result: p.AnyEdit = msgspec.structs.replace(edit, **changes)
    return result


def moved_span(span: Span, lines: Lines) -> Span:
    """`span` where its code is now. Raises `KeyError` for a line that is not among `lines`."""
    return (lines[span[0]], span[1], lines[span[2]], span[3])


class _Moving:
    def __init__(self, path: str, lines: Lines, digest: str) -> None:
        self._path = path
        self._digest = digest
        # 0 stands for no line.
        self._lines = {0: 0, **lines}

    def plan(self, plan: p.Plan) -> p.Plan:
        if any(before != after for before, after in self._lines.items()):
            plan = self._retold(plan)
        return msgspec.structs.replace(
            plan,
            files=tuple(self._file(file) if self._is_here(file) else file for file in plan.files),
            functions=tuple(map(self._function, plan.functions)),
            others=tuple(map(self._function, plan.others)),
            diagnostics=tuple(sorted(map(self._diagnostic, plan.diagnostics))),
        )

    def _is_here(self, item: p.FilePlan | p.FunctionDecision | p.Reason | Diagnostic) -> bool:
        return item.path == self._path

    def _retold(self, plan: p.Plan) -> p.Plan:
        """The plan with the places in its texts, `app/crud.py:12`, moved."""
        text = p.encode(plan)
        if _LAMBDA in text:
            raise KeyError(_LAMBDA)
        name = msgspec.json.encode(self._path)[1:-1]
        place = re.compile(rb"(?<![\w./-])" + re.escape(name) + rb":(\d+)")
        retold = place.sub(self._place(name), text)
        return plan if retold == text else p.decode(retold)

    def _place(self, name: bytes) -> Callable[[re.Match[bytes]], bytes]:
        return lambda match: b"%s:%d" % (name, self._lines[int(match[1])])

    def _file(self, file: p.FilePlan) -> p.FilePlan:
        edits = tuple(moved_edit(edit, self._lines) for edit in file.edits)
        return msgspec.structs.replace(file, digest=self._digest, edits=edits)

    def _function(self, decision: p.FunctionDecision) -> p.FunctionDecision:
        line = self._lines[decision.line] if self._is_here(decision) else decision.line
        reasons = tuple(map(self._reason, decision.reasons))
        return msgspec.structs.replace(decision, line=line, reasons=reasons)

    def _reason(self, reason: p.Reason) -> p.Reason:
        if not self._is_here(reason):
            return reason
        return msgspec.structs.replace(reason, line=self._lines[reason.line])

    def _diagnostic(self, told: Diagnostic) -> Diagnostic:
        if not self._is_here(told):
            return told
        return msgspec.structs.replace(told, line=self._lines[told.line])
