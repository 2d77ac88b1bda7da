"""Mend what the linter found, round after round, until nothing is left to mend."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from migrate_async.cli.lint_look import Look, take_look
from migrate_async.cli.lint_request import LintRequest, LintRun
from migrate_async.cli.progress import Progress
from migrate_async.cli.rewriting import changed_file, make_patches, rewrite, write_changes
from migrate_async.cli.workspace import Workspace
from migrate_async.errors import SourceError
from migrate_async.lint.fixes import make_plan
from migrate_async.lint.rule import Rule
from migrate_async.model.change import FileChange
from migrate_async.model.diagnostic import Diagnostic, Severity
from migrate_async.model.lint import FixMode, LintResult
from migrate_async.source.formatters import written_limit
from migrate_async.source.read import SourceFile

MAX_ROUNDS = 10
ENDLESS = "MA908"


@dataclass
class _Fixing:
    """The state of the rounds: files as they were, as they are now, and what went wrong."""

    limit: int | None
    """The line length that the project asks its formatter for."""
    originals: dict[str, SourceFile] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    content: dict[str, bytes] = field(default_factory=dict)
    rules: dict[str, list[str]] = field(default_factory=dict)
    failed: dict[str, tuple[Diagnostic, ...]] = field(default_factory=dict)

    def take(self, change: FileChange, source: SourceFile, names: Sequence[str]) -> None:
        """Go on with what `change` made of the file; one that failed stays as it is."""
        path = change.path
        try:
            data = source.encode(change.after)
        except SourceError as error:
            self.failed[path] = (_unwritable(path, error),)
            return
        if not change.changed:
            self.failed[path] = change.diagnostics or (_endless(path, names),)
            return
        self.originals.setdefault(path, source)
        self.texts[path], self.content[path] = change.after, data
        self.rules.setdefault(path, []).extend(names)

    def changes(self) -> list[FileChange]:
        return [
            FileChange(path, source.text, self.texts[path], tuple(sorted(set(self.rules[path]))))
            for path, source in sorted(self.originals.items())
            if path not in self.failed
        ]

    def give_up(self, findings: Mapping[str, Sequence[str]]) -> None:
        """Leave the files alone whose fixes never come to an end."""
        for path, names in findings.items():
            self.failed[path] = (_endless(path, names),)


def fix(
    workspace: Workspace, request: LintRequest, rules: Sequence[type[Rule]], progress: Progress
) -> LintRun:
    """Make the fixes of all findings that are shown, and look again.

    Overlapping fixes are made in different rounds. A file whose fixes fail, or do not come to an
    end, is left as it was, which is a bug of ours and told as one; the others are fixed.
    """
    state = _Fixing(written_limit(workspace.root))
    look = take_look(workspace, request, rules, progress, instead=request.instead)
    for _ in range(MAX_ROUNDS):
        if not _round(state, look, request, progress):
            break
        look = _again(look, state, progress)
    else:
        state.give_up(_wanted(look, request, state))
        look = _again(look, state, progress)
    return _finished(state, look)


def _round(state: _Fixing, look: Look, request: LintRequest, progress: Progress) -> bool:
    """Make the fixes that can be made together; False when there is none."""
    sources = look.loaded.sources
    for path in _wanted(look, request, state):
        problem = _not_compiling(sources[path])
        if problem is not None:
            state.failed[path] = (problem,)
    made = make_plan(
        look.shown.findings,
        lambda path: sources[path].digest,
        unsafe=request.unsafe,
        without=state.failed,
    )
    if not made.fixed:
        return False
    jobs = look.workspace.jobs
    for change in rewrite(made.plan, sources, jobs, progress, limit=state.limit):
        names = [finding.rule for finding in made.fixed[change.path]]
        state.take(change, sources[change.path], names)
    return True


def _again(look: Look, state: _Fixing, progress: Progress) -> Look:
    """Look at what the files have become; those that failed are as they were."""
    current = {path: data for path, data in state.content.items() if path not in state.failed}
    instead = {**look.request.instead, **current}
    return take_look(look.workspace, look.request, look.rules, progress, instead=instead)


def _wanted(look: Look, request: LintRequest, state: _Fixing) -> dict[str, list[str]]:
    """The rules that still have fixes to make, by file."""
    made = make_plan(look.shown.findings, lambda _: "", unsafe=request.unsafe, without=state.failed)
    return {path: [found.rule for found in findings] for path, findings in made.fixed.items()}


def _finished(state: _Fixing, look: Look) -> LintRun:
    workspace, mode = look.workspace, look.request.fix
    changes = state.changes()
    problems = [problem for found in state.failed.values() for problem in found]
    result = look.result()
    result = msgspec.structs.replace(
        result,
        diagnostics=tuple(sorted((*result.diagnostics, *problems))),
        fixed=sum(len(state.rules[change.path]) for change in changes),
    )
    result = finish(result, changes, state.originals, workspace, mode)
    return LintRun(workspace.root, result, look.loaded.sources, lambda: look.rules)


def finish(
    result: LintResult,
    changes: Sequence[FileChange],
    originals: Mapping[str, SourceFile],
    workspace: Workspace,
    mode: FixMode,
) -> LintResult:
    """`result` with the changes counted and, as `mode` says, written or made into a patch."""
    patches = make_patches(changes, originals, workspace.root)
    changed = tuple(changed_file(change, patches[change.path]) for change in changes)
    journal = ""
    if mode is FixMode.WRITE:
        journal = write_changes(changes, originals, workspace.root)
    return msgspec.structs.replace(
        result,
        changed=changed,
        patch="".join(patches.values()) if mode is FixMode.DIFF else "",
        written=bool(journal),
        journal=journal,
    )


def _not_compiling(source: SourceFile) -> Diagnostic | None:
    """What Python parses and does not compile, a `return` outside of a function, is not mended.

    The verification could not tell such a mistake from one of ours. Nothing is executed.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(source.text, source.path, "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return Diagnostic(
            path=source.path,
            line=getattr(error, "lineno", None) or 0,
            code="MA001",
            message=f"does not compile, so nothing in it is mended: {error}",
            next_step="fix the syntax, or exclude the file",
            severity=Severity.ERROR.value,
        )
    return None


def _unwritable(path: str, error: SourceError) -> Diagnostic:
    return Diagnostic(
        path=path,
        line=error.line,
        code=error.code,
        message=f"could not be fixed: {error.message}",
        next_step="save the file as UTF-8",
        severity=Severity.ERROR.value,
    )


def _endless(path: str, names: Sequence[str]) -> Diagnostic:
    return Diagnostic(
        path=path,
        code=ENDLESS,
        message=f"the fixes of {', '.join(sorted(set(names)))} do not come to an end",
        next_step="the file is left as it was; please report this as a bug of migrate-async",
        severity=Severity.ERROR.value,
    )
