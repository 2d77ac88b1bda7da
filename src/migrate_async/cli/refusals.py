"""Why nothing is written: each raises an error that says what to do about it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from migrate_async.errors import DirtyWorkTreeError, UsageError
from migrate_async.model.diagnostic import Diagnostic
from migrate_async.model.plan import Plan

if TYPE_CHECKING:
    from migrate_async.index.project import Project


def refuse_broken(plan: Plan) -> None:
    """Nothing is written that would leave a function without a session that it can use.

    Raises `UsageError` naming the functions and what to do about each.
    """
    from migrate_async.plan.both_worlds.refusals import CANNOT_STAY

    found = [item for item in plan.diagnostics if item.code == CANNOT_STAY]
    if found:
        raise UsageError(
            "nothing was written, because the application would break at:"
            f"{_listed(found)}\n`migrate --step queries --write` works without"
        )


def refuse_unread_imports(plan: Plan, project: Project, unread: Sequence[Diagnostic]) -> None:
    """Nothing is written on a guess: what changes imports only files that could be read.

    Raises `UsageError` naming the files that could not, and what to do about each.
    """
    from migrate_async.index.unread import importers

    users = importers(project.functions, [item.path for item in unread])
    changed = {file.path for file in plan.files if file.edits}
    found = [item for item in unread if changed.intersection(users.get(item.path, ()))]
    if found:
        raise UsageError(
            "nothing was written, because files that would change import what could not be read:"
            f"{_listed(found)}"
        )


def refuse_unread(unread: Sequence[Diagnostic]) -> None:
    """Nothing is removed that a file which could not be read may use; raises `UsageError`."""
    if unread:
        raise UsageError(
            f"nothing was removed, because nobody knows what these use:{_listed(unread)}"
        )


_SHOWN = 10


def refuse_unsound(found: Sequence[Diagnostic]) -> None:
    """Nothing is written that `verify` would find mistakes in; raises `UsageError` naming them."""
    if found:
        shown = [f"{item.path}:{item.line} {item.message} ({item.code})" for item in found]
        more = [f"and {len(found) - _SHOWN} more"] if len(found) > _SHOWN else []
        listed = "".join(f"\n  {line}" for line in (*shown[:_SHOWN], *more))
        raise UsageError(
            f"nothing was written, since `migrate-async verify` would find errors in it:{listed}\n"
            "This is a bug of migrate-async: please report it. Until then leave out what is named "
            "(select other routes, or `keep-sync` in the settings), or pass --allow-unsound and "
            "correct these places by hand"
        )


def refuse_dirty(plan: Plan, root: Path) -> None:
    """Nothing is written over uncommitted changes; raises `DirtyWorkTreeError`."""
    from migrate_async.source.git import uncommitted

    dirty = uncommitted([root / file.path for file in plan.files])
    if dirty:
        raise DirtyWorkTreeError(tuple(dirty))


def _listed(found: Sequence[Diagnostic]) -> str:
    """Each with its place and its next step, on lines of their own."""
    return "".join(
        f"\n  {item.path}:{item.line} {item.message}\n      {item.next_step}" for item in found
    )
