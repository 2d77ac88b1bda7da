"""One look of the linter at a project: what it found, and what of it is shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import msgspec

from migrate_async.cli.lint_near import near_files
from migrate_async.cli.lint_request import LintRequest, Ratchet
from migrate_async.cli.lint_result import is_strict, known_entries, reported, stale_entries
from migrate_async.cli.loading import LoadedProject, find_files, load_project
from migrate_async.cli.progress import Progress
from migrate_async.cli.workspace import Workspace
from migrate_async.lint import baseline
from migrate_async.lint.fingerprint import Identity, identities
from migrate_async.lint.rule import Rule
from migrate_async.lint.run import run
from migrate_async.lint.seen import Seen
from migrate_async.lint.shown import Changed, Shown, choose
from migrate_async.model import syntax as s
from migrate_async.model.finding import Confidence
from migrate_async.model.lint import LintResult


@dataclass(frozen=True)
class Look:
    """`seen` is what the rules found; `known` are the entries of the baseline.

    `unread` counts the files that no database code reaches, which are left unread.
    """

    workspace: Workspace
    request: LintRequest
    rules: tuple[type[Rule], ...]
    loaded: LoadedProject
    seen: Seen
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
            self.seen.named,
            self.syntaxes.__getitem__,
            strict=is_strict(self.workspace, self.request),
            known=frozenset(self.known),
            changed=_changed(self.workspace, self.request.since),
        )

    @cached_property
    def stale(self) -> tuple[Identity, ...]:
        """Entries of the baseline that nothing matches, of the files and rules looked at."""
        return stale_entries(self.workspace, lambda: self.rules, self.seen, self.known)

    def result(self) -> LintResult:
        """What is reported, stale entries of the baseline included."""
        result = reported(self.workspace, self.seen, self.shown, self.stale)
        return msgspec.structs.replace(result, files_unread=self.unread)


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
    known = known_entries(workspace, request)
    found = find_files(workspace, progress, instead) if files is None else files
    near = near_files(workspace, found, instead or {}) if near is None else near
    loaded = load_project(workspace, progress, near, instead=instead)
    progress.phase("Looking for findings")
    if not is_strict(workspace, request):
        rules = [rule for rule in rules if rule.BEST is Confidence.HIGH]
    outcome = run(loaded.project, workspace.settings, rules, workspace.selection)
    names = identities(outcome.findings, lambda path: loaded.sources[path].text)
    named = tuple(
        (msgspec.structs.replace(finding, fingerprint=identity.fingerprint), identity)
        for finding, identity in zip(outcome.findings, names, strict=True)
    )
    read = len(loaded.sources)
    seen = Seen(named, outcome.suppressed, outcome.diagnostics, loaded.diagnostics, read)
    return Look(
        workspace, request, tuple(rules), loaded, seen, known, unread=len(found) - len(near)
    )


def write_baseline(look: Look, file: Path) -> None:
    """Bring the baseline up to date: without what is gone and, unless pruned, with what is new."""
    from migrate_async.source.write import write_file

    entries = set(look.known) - set(look.stale)
    if look.request.ratchet is Ratchet.UPDATE:
        new = {finding.fingerprint for finding in look.shown.findings}
        entries.update(identity for _, identity in look.seen.named if identity.fingerprint in new)
    write_file(file, baseline.encode(entries))


def _changed(workspace: Workspace, revision: str) -> Changed | None:
    if not revision:
        return None
    from migrate_async.source.git import changed_lines

    return changed_lines(workspace.root, revision, "*.py")
