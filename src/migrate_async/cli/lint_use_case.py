"""From paths to what the linter reports: nothing is printed here.

LibCST is imported only where fixes are made.
"""

from __future__ import annotations

from migrate_async.cli.lint_look import baseline_file, take_look, write_baseline
from migrate_async.cli.lint_request import LintRequest, LintRun, Ratchet
from migrate_async.cli.progress import Progress
from migrate_async.cli.workspace import Workspace
from migrate_async.errors import UsageError
from migrate_async.lint.selection import chosen
from migrate_async.model.lint import FixMode


def lint(workspace: Workspace, request: LintRequest, progress: Progress) -> LintRun:
    """Everything that `migrate-async lint` does.

    Raises `UsageError` for rules, revisions and baselines that do not exist, and for wishes that
    do not go together.
    """
    _refuse_contradictions(workspace, request)
    rules = chosen(workspace.settings.lint, request.selection)
    if request.fix is not FixMode.NONE and request.noqa is None:
        from migrate_async.cli.lint_fix import fix

        return fix(workspace, request, rules, progress)
    look = take_look(workspace, request, rules, progress, request.instead)
    if request.noqa is not None:
        from migrate_async.cli.lint_noqa import add_comments

        return add_comments(look, request.noqa, progress)
    file = baseline_file(workspace, request)
    if request.ratchet is not Ratchet.CHECK and file is not None:
        write_baseline(look, file)
        settled = LintRequest(**{**vars(request), "ratchet": Ratchet.CHECK})
        look = take_look(workspace, settled, rules, progress, request.instead)
    return LintRun(workspace.root, look.result(), look.loaded.sources, rules)


def _refuse_contradictions(workspace: Workspace, request: LintRequest) -> None:
    if request.ratchet is not Ratchet.CHECK:
        if baseline_file(workspace, request) is None:
            raise UsageError(
                "name the baseline: --baseline FILE, or `lint.baseline` in the settings"
            )
        if request.fix is not FixMode.NONE or request.noqa is not None or request.since:
            raise UsageError("the baseline is written from a plain run: without fixes or --since")
    wants_comments = request.noqa is not None and request.fix is not FixMode.DIFF
    writes = request.fix is FixMode.WRITE or wants_comments
    if request.instead and writes:
        raise UsageError("text from stdin cannot be written back; --diff prints what would change")
