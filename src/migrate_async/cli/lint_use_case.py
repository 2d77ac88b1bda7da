"""From paths to what the linter reports: nothing is printed here.

LibCST is imported only where fixes are made, and the rules only where something has to be looked
at: a plain run on files that did not change is answered from the cache.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, partial
from typing import TYPE_CHECKING

import msgspec

from migrate_async.cli.lint_request import LintRequest, LintRun, Ratchet, baseline_file
from migrate_async.cli.loading import find_files
from migrate_async.cli.progress import Progress
from migrate_async.cli.remembered import Digests, digests_of, remembered
from migrate_async.cli.workspace import Workspace
from migrate_async.errors import UsageError
from migrate_async.model.lint import FixMode, LintResult
from migrate_async.source.read import Sources, digest_of

if TYPE_CHECKING:
    from migrate_async.lint.rule import Rule


def lint(workspace: Workspace, request: LintRequest, progress: Progress) -> LintRun:
    """Everything that `migrate-async lint` does.

    Raises `UsageError` for rules, revisions and baselines that do not exist, and for wishes that
    do not go together.
    """
    _refuse_contradictions(workspace, request)
    return (
        _plain(workspace, request, progress)
        if _is_plain(request)
        else _other(workspace, request, progress)
    )


def _is_plain(request: LintRequest) -> bool:
    """Whether the result depends on the files, the settings and the request alone."""
    is_check = request.ratchet is Ratchet.CHECK and request.fix is FixMode.NONE
    return is_check and request.noqa is None and not request.instead and not request.since


def _plain(workspace: Workspace, request: LintRequest, progress: Progress) -> LintRun:
    from migrate_async.lint.plugins import installed

    files = find_files(workspace, progress)
    digests = digests_of(workspace, files)
    options = (request.selection, request.strict, _baseline_digest(workspace, request), installed())
    result = remembered(
        workspace,
        "lint",
        digests,
        lambda: _look(workspace, request, progress, files, (digests, options)),
        kind=LintResult,
        options=options,
    )
    sources = Sources(workspace.root, workspace.settings.max_file_size)
    return LintRun(workspace.root, result, sources, partial(_chosen, workspace, request))


def _look(
    workspace: Workspace,
    request: LintRequest,
    progress: Progress,
    files: Sequence[str],
    known: tuple[Digests | None, Sequence[object]],
) -> LintResult:
    """The result, from a run before if no file changed that database code reaches.

    `known` are the digests of `files`, and the options that the result depends on.
    """
    from migrate_async.cli.lint_carried import carried
    from migrate_async.cli.lint_near import near_files
    from migrate_async.cli.lint_result import known_entries, result_of
    from migrate_async.lint.seen import Seen

    digests, options = known
    near = near_files(workspace, files, digests=digests)
    entries = known_entries(workspace, request)
    rules = cache(partial(_chosen, workspace, request))

    def look() -> Seen:
        from migrate_async.cli.lint_look import take_look

        return take_look(workspace, request, rules(), progress, files=files, near=near).seen

    seen = remembered(
        workspace,
        "lint-near",
        None if digests is None else {path: digests[path] for path in near},
        look,
        kind=Seen,
        options=options,
        carry=lambda old, found, new: carried(
            workspace, (old, new), found, digests or new, options
        ),
    )
    result = result_of(workspace, request, rules, seen, entries)
    return msgspec.structs.replace(result, files_unread=len(files) - len(near))


def _other(workspace: Workspace, request: LintRequest, progress: Progress) -> LintRun:
    from migrate_async.cli.lint_look import take_look, write_baseline

    rules = _chosen(workspace, request)
    if request.fix is not FixMode.NONE and request.noqa is None:
        from migrate_async.cli.lint_fix import fix

        return fix(workspace, request, rules, progress)
    look = take_look(workspace, request, rules, progress, instead=request.instead)
    if request.noqa is not None:
        from migrate_async.cli.lint_noqa import add_comments

        return add_comments(look, request.noqa, progress)
    file = baseline_file(workspace, request)
    if request.ratchet is not Ratchet.CHECK and file is not None:
        write_baseline(look, file)
        settled = LintRequest(**{**vars(request), "ratchet": Ratchet.CHECK})
        look = take_look(workspace, settled, rules, progress, instead=request.instead)
    return LintRun(workspace.root, look.result(), look.loaded.sources, lambda: rules)


def _chosen(workspace: Workspace, request: LintRequest) -> tuple[type[Rule], ...]:
    from migrate_async.lint.selection import chosen

    return chosen(workspace.settings.lint, request.selection)


def _baseline_digest(workspace: Workspace, request: LintRequest) -> str:
    """What the baseline holds, as a digest; empty when there is none, `-` when it is not there."""
    file = baseline_file(workspace, request)
    try:
        return "" if file is None else digest_of(file.read_bytes())
    except OSError:
        return "-"  # another result than without one: reading it tells what is wrong


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
