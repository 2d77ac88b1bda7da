"""One look of the linter at a project: what it found, and what of it is shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import msgspec

from migrate_async.cli.lint_near import near_files
from migrate_async.cli.lint_request import LintRequest, Ratchet, baseline_file
from migrate_async.cli.progress import Progress
from migrate_async.cli.use_cases import LoadedProject, find_files, load_project, of_selection
from migrate_async.cli.workspace import Workspace, selected
from migrate_async.lint import baseline
from migrate_async.lint.fingerprint import Identity, identities
from migrate_async.lint.rule import Rule
from migrate_async.lint.run import Outcome, run
from migrate_async.lint.shown import Changed, Shown, choose
from migrate_async.model import syntax as s
from migrate_async.model.finding import Confidence, Finding
from migrate_async.model.lint import LintResult


@dataclass(frozen=True)
class Look:
    """`named` are all findings with their names; `known` the entries of the baseline.

    `unread` counts the files that no database code reaches, which are left unread.
    """

    workspace: Workspace
    request: LintRequest
    rules: tuple[type[Rule], ...]
    loaded: LoadedProject
    outcome: Outcome
    named: tuple[tuple[Finding, Identity], ...]
    known: tuple[Identity, ...]
    unread: int = 0

    @cached_property
    def syntaxes(self) -> dict[str, s.ModuleSyntax]:
        """The syntax of each file that could be parsed."""
        return {module.path: module.syntax for module in self.loaded.project.modules.values()}

    @cached_property
    def shown(self) -> Shown:
        """What is sure enough, new, and at lines that changed."""
        return choose(
            self.named,
            self.syntaxes.__getitem__,
            strict=self.is_strict,
            known=frozenset(self.known),
            changed=_changed(self.workspace, self.request.since),
        )

    @property
    def is_strict(self) -> bool:
        return self.request.strict or self.workspace.settings.lint.strict

    @cached_property
    def stale(self) -> tuple[Identity, ...]:
        """Entries of the baseline that nothing matches, of the files and rules looked at."""
        found = (identity for _, identity in self.named)
        return baseline.stale(self.known, found, self._looked_at)

    def _looked_at(self, entry: Identity) -> bool:
        unread = {problem.path for problem in self.loaded.diagnostics}
        ran = {rule.CODE for rule in self.rules}
        is_selected = selected(entry.path, self.workspace.selection)
        return is_selected and entry.code in ran and entry.path not in unread

    def result(self) -> LintResult:
        """What is reported, stale entries of the baseline included."""
        unread = of_selection(self.loaded.diagnostics, self.workspace)
        messages = (*unread, *self.outcome.diagnostics, *baseline.diagnostics(self.stale))
        return LintResult(
            findings=self.shown.findings,
            diagnostics=tuple(sorted(messages)),
            files_read=len(self.loaded.sources),
            files_unread=self.unread,
            suppressed=self.outcome.suppressed,
            baselined=self.shown.baselined,
            hidden=self.shown.hidden,
            unchanged=self.shown.unchanged,
        )


def take_look(
    workspace: Workspace,
    request: LintRequest,
    rules: Sequence[type[Rule]],
    progress: Progress,
    *,
    instead: Mapping[str, bytes] | None = None,
    files: Sequence[str] | None = None,
    near: Sequence[str] | None = None,
) -> Look:
    """Load the project, with other content for the files in `instead`, and look for findings.

    `files` are all files of the project and `near` those to read, where these are known already.

    Rules that are never sure are run only where such findings are shown.
    """
    known = _known(workspace, request)
    found = find_files(workspace, progress, instead) if files is None else files
    near = near_files(workspace, found, instead or {}) if near is None else near
    loaded = load_project(workspace, progress, near, instead=instead)
    progress.phase("Looking for findings")
    if not (request.strict or workspace.settings.lint.strict):
        rules = [rule for rule in rules if rule.BEST is Confidence.HIGH]
    outcome = run(loaded.project, workspace.settings, rules, workspace.selection)
    names = identities(outcome.findings, lambda path: loaded.sources[path].text)
    named = tuple(
        (msgspec.structs.replace(finding, fingerprint=identity.fingerprint), identity)
        for finding, identity in zip(outcome.findings, names, strict=True)
    )
    unread = len(found) - len(near)
    return Look(workspace, request, tuple(rules), loaded, outcome, named, known, unread)


def write_baseline(look: Look, file: Path) -> None:
    """Bring the baseline up to date: without what is gone and, unless pruned, with what is new."""
    from migrate_async.source.write import write_file

    entries = set(look.known) - set(look.stale)
    if look.request.ratchet is Ratchet.UPDATE:
        new = {finding.fingerprint for finding in look.shown.findings}
        entries.update(identity for _, identity in look.named if identity.fingerprint in new)
    write_file(file, baseline.encode(entries))


def _known(workspace: Workspace, request: LintRequest) -> tuple[Identity, ...]:
    file = baseline_file(workspace, request)
    if file is None or (request.ratchet is Ratchet.UPDATE and not file.exists()):
        return ()
    return baseline.read(file)


def _changed(workspace: Workspace, revision: str) -> Changed | None:
    if not revision:
        return None
    from migrate_async.source.git import changed_lines

    return changed_lines(workspace.root, revision, "*.py")
