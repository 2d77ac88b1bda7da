"""Write a comment beside each finding that suppresses it."""

from __future__ import annotations

import msgspec

from migrate_async.cli.lint_fix import finish
from migrate_async.cli.lint_look import Look, take_look
from migrate_async.cli.lint_request import LintRun
from migrate_async.cli.progress import Progress
from migrate_async.errors import InternalError
from migrate_async.index.cache import encode
from migrate_async.index.extract import extract
from migrate_async.lint.noqa import with_comments
from migrate_async.model import syntax as s
from migrate_async.model.change import FileChange
from migrate_async.model.finding import Finding
from migrate_async.model.lint import FixMode


def add_comments(look: Look, reason: str, progress: Progress) -> LintRun:
    """Comment on all findings that are shown, write the files, and look again.

    What is found again is reported: a finding at a line that can take no comment.
    """
    mode = FixMode.DIFF if look.request.fix is FixMode.DIFF else FixMode.WRITE
    by_path: dict[str, list[Finding]] = {}
    for finding in look.shown.findings:
        by_path.setdefault(finding.path, []).append(finding)
    changes = [_change(look, path, found, reason) for path, found in sorted(by_path.items())]
    content = {c.path: look.loaded.sources[c.path].encode(c.after) for c in changes if c.changed}
    instead = {**look.request.instead, **content}
    after = take_look(look.workspace, look.request, look.rules, progress, instead=instead)
    changed = [change for change in changes if change.changed]
    sources = look.loaded.sources
    result = finish(after.result(), changed, sources, look.workspace, mode)
    added = len(look.shown.findings) - len(after.shown.findings)
    result = msgspec.structs.replace(result, commented=added)
    return LintRun(look.workspace.root, result, after.loaded.sources, lambda: look.rules)


def _change(look: Look, path: str, findings: list[Finding], reason: str) -> FileChange:
    before, module = look.loaded.sources[path].text, look.syntaxes[path]
    after = with_comments(before, module, findings, reason)
    if _code(extract(after, path)) != _code(module):
        raise InternalError(f"comments would change the code of {path}; nothing was written")
    return FileChange(path, before, after)


def _code(module: s.ModuleSyntax) -> bytes:
    """Everything but the comments, with places."""
    return encode(msgspec.structs.replace(module, suppressions=()))
