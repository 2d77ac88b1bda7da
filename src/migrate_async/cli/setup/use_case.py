"""From a project to the files with which it begins."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from migrate_async.cli.lint_request import LintRequest, Ratchet
from migrate_async.cli.lint_use_case import lint
from migrate_async.cli.loading import load_project
from migrate_async.cli.progress import Progress
from migrate_async.cli.setup import ci, pre_commit, pyproject
from migrate_async.cli.workspace import Workspace
from migrate_async.config import FILE_NAME
from migrate_async.errors import SourceError, UsageError
from migrate_async.index.project import Project
from migrate_async.model.change import FileChange
from migrate_async.model.lint import LintResult
from migrate_async.model.proposal import Proposal
from migrate_async.source.git import main_branch
from migrate_async.source.read import SourceFile, read
from migrate_async.source.write import write, write_file

BASELINE = "lint-baseline.json"


def propose(workspace: Workspace, progress: Progress) -> tuple[Proposal, ...]:
    """What `init` would write, and what it would leave; nothing is written."""
    loaded = load_project(workspace, progress)
    root = workspace.root
    found = pyproject.Found(BASELINE, _revisions(tuple(loaded.sources)), _get_db(loaded.project))
    proposals = [
        pyproject.propose(_text(root, FILE_NAME), found),
        pre_commit.propose(_text(root, pre_commit.FILE)),
        ci.propose(root, lambda path: _text(root, path), main_branch(root)),
    ]
    return tuple(proposal for proposal in proposals if proposal is not None)


def carry_out(proposals: Sequence[Proposal], root: Path) -> None:
    """Write what was proposed: existing files with a journal, so that `undo` puts them back."""
    wanted = [proposal for proposal in proposals if proposal.after is not None]
    changes = [FileChange(p.path, p.before, p.after or "") for p in wanted if not p.is_new]
    write(changes, {change.path: _source(root, change.path) for change in changes}, root)
    for proposal in wanted:
        if proposal.is_new and proposal.after is not None:
            write_file(root / proposal.path, proposal.after.encode())


def accept_findings(workspace: Workspace, progress: Progress) -> LintResult | None:
    """Make the baseline that the settings name, unless it is there; what the linter says then.

    None when the settings name none.
    """
    named = workspace.settings.lint.baseline
    if not named:
        return None
    ratchet = Ratchet.CHECK if (workspace.root / named).exists() else Ratchet.UPDATE
    return lint(workspace, LintRequest(ratchet=ratchet), progress).result


def _text(root: Path, path: str) -> str:
    return _source(root, path).text if (root / path).is_file() else ""


def _source(root: Path, path: str) -> SourceFile:
    try:
        return read(root, path)
    except SourceError as error:
        raise UsageError(f"{path}: {error}") from None


def _revisions(paths: Sequence[str]) -> tuple[str, ...]:
    """The folders of Alembic's revisions, which are history and never migrate."""
    homes = {PurePosixPath(path).parent for path in paths if PurePosixPath(path).name == "env.py"}
    folders = {str(home / "versions") + "/" for home in homes}
    return tuple(
        sorted(folder for folder in folders if any(path.startswith(folder) for path in paths))
    )


def _get_db(project: Project) -> str:
    """The session dependency, where there is just one to choose from."""
    found = {
        function.qualname
        for function in project.session_dependencies
        if not function.module.is_test
    }
    return found.pop() if len(found) == 1 else ""
