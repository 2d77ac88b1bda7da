"""What `init` wrote, or would write."""

from __future__ import annotations

from collections.abc import Sequence

from migrate_async.model.change import FileChange
from migrate_async.model.lint import LintResult
from migrate_async.model.proposal import Proposal
from migrate_async.report.diff import coloured
from migrate_async.report.page import Page
from migrate_async.report.text import render_diagnostics
from migrate_async.report.words import counted
from migrate_async.source.patch import unified


def render_patch(proposals: Sequence[Proposal], page: Page) -> None:
    """The proposals as one patch, then what would stay as it is."""
    changes = [FileChange(p.path, p.before, p.after) for p in proposals if p.after is not None]
    for line in coloured(unified(changes)):
        page.console.print(line, soft_wrap=True)
    _left(proposals, page)


def render_setup(proposals: Sequence[Proposal], accepted: LintResult | None, page: Page) -> None:
    """What was done to each file, what the linter says of today's code, and where to go on."""
    for proposal in proposals:
        if proposal.after is not None:
            verb = "wrote" if proposal.is_new else "added to"
            page.line((f"{verb} {proposal.path}", "bold"), f": {proposal.reason}")
    _left(proposals, page)
    if accepted is not None:
        render_diagnostics(accepted.diagnostics, page)
    page.blank()
    if accepted is not None:
        known = counted(accepted.baselined, "finding")
        page.line(f"The baseline has {known} of today, which `lint` leaves out; new ones fail.")
        if accepted.baselined:
            page.line("`migrate-async lint --no-baseline` shows them all.")
    page.line("Next: look at the files and commit them, then `migrate-async scan`.")


def _left(proposals: Sequence[Proposal], page: Page) -> None:
    for proposal in proposals:
        if proposal.after is None:
            page.line((f"left {proposal.path}", "bold"), f": {proposal.reason}")
            for line in proposal.advice.splitlines():
                page.line(line, indent=4, hang=0)
