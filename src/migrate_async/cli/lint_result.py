"""From what the rules saw to what is reported: nothing is read here but the baseline."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING

from migrate_async.cli.lint_request import LintRequest, Ratchet, baseline_file
from migrate_async.cli.workspace import Workspace, selected
from migrate_async.lint import baseline
from migrate_async.lint.fingerprint import Identity
from migrate_async.lint.seen import Seen
from migrate_async.lint.shown import Shown, choose
from migrate_async.model import syntax as s
from migrate_async.model.diagnostic import Diagnostic
from migrate_async.model.lint import LintResult

if TYPE_CHECKING:
    from migrate_async.lint.rule import Rule

_NOTHING = s.ModuleSyntax(())

Rules = Callable[[], Sequence["type[Rule]"]]
"""Gives the rules that were chosen; loading them takes time."""


def known_entries(workspace: Workspace, request: LintRequest) -> tuple[Identity, ...]:
    """The entries of the baseline. Raises `UsageError` when it is missing or broken."""
    file = baseline_file(workspace, request)
    if file is None or (request.ratchet is Ratchet.UPDATE and not file.exists()):
        return ()
    return baseline.read(file)


def is_strict(workspace: Workspace, request: LintRequest) -> bool:
    """Whether findings are shown that are not sure."""
    return request.strict or workspace.settings.lint.strict


def stale_entries(
    workspace: Workspace, rules: Rules, seen: Seen, entries: Collection[Identity]
) -> tuple[Identity, ...]:
    """Those of `entries` that nothing matches, of the files and rules looked at."""
    if not entries:
        return ()
    unread = {problem.path for problem in seen.unread}
    ran = {rule.CODE for rule in rules()}

    def looked_at(entry: Identity) -> bool:
        is_selected = selected(entry.path, workspace.selection)
        return is_selected and entry.code in ran and entry.path not in unread

    return baseline.stale(entries, (identity for _, identity in seen.named), looked_at)


def result_of(
    workspace: Workspace,
    request: LintRequest,
    rules: Rules,
    seen: Seen,
    entries: Collection[Identity],
) -> LintResult:
    """What is reported of all that was seen, wherever it is; `entries` are the baseline's."""
    shown = choose(
        seen.named,
        lambda _path: _NOTHING,  # asked only which lines changed
        strict=is_strict(workspace, request),
        known=frozenset(entries),
    )
    return reported(workspace, seen, shown, stale_entries(workspace, rules, seen, entries))


def reported(
    workspace: Workspace, seen: Seen, shown: Shown, stale: Sequence[Identity]
) -> LintResult:
    """What is reported, stale entries of the baseline included."""
    unread = tuple(problem for problem in seen.unread if workspace.covers(problem.path))
    messages: tuple[Diagnostic, ...] = (
        *unread,
        *seen.diagnostics,
        *baseline.diagnostics(stale),
    )
    return LintResult(
        findings=shown.findings,
        diagnostics=tuple(sorted(messages)),
        files_read=seen.read,
        suppressed=seen.suppressed,
        baselined=shown.baselined,
        hidden=shown.hidden,
        unchanged=shown.unchanged,
    )
