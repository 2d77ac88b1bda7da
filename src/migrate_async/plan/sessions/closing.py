"""What closes a session by hand, which nothing has to do once a dependency or a block does."""

from __future__ import annotations

from migrate_async.index.statements import only_rolls_back
from migrate_async.model import plan as p
from migrate_async.model import syntax as s
from migrate_async.plan import blocks
from migrate_async.plan.sessions.acquisitions import Acquisition
from migrate_async.plan.sessions.changes import NAME, SessionChanges


def remove_closes(changes: SessionChanges, found: Acquisition) -> None:
    """Leave out all that closes the session."""
    for statement in blocks.statements(changes.node.body):
        if isinstance(statement, s.Try):
            _strip_try(changes, statement, found)
        elif found.is_closed_by(statement):
            changes.remove(statement)


def _strip_try(changes: SessionChanges, statement: s.Try, found: Acquisition) -> None:
    """Drop a `finally` that only closes, then the whole `try` if nothing is left of it."""
    if not _closes(statement, found):
        return
    changes.gone += statement.finalbody
    if only_closes(statement, found):
        changes.gone += statement.handlers
        changes.edits.append(p.UnwrapBlock(span=statement.span, codemod=NAME))
    else:
        changes.edits.append(p.DropFinally(span=statement.span, codemod=NAME))


def only_closes(statement: s.Try, found: Acquisition) -> bool:
    """Whether `statement` does nothing with its body but close the session after it."""
    pointless = all(only_rolls_back(handler, found.name) for handler in statement.handlers)
    return _closes(statement, found) and pointless and not statement.orelse


def closes_inside(statement: s.Stmt, found: Acquisition) -> bool:
    """Whether a block of `statement` closes the session."""
    return any(
        found.is_closed_by(inner)
        for block in blocks.inner_blocks(statement)
        for inner in blocks.statements(block)
    )


def _closes(statement: s.Try, found: Acquisition) -> bool:
    """Whether the `finally` closes the session, and does nothing else."""
    return bool(statement.finalbody) and all(
        found.is_closed_by(inner) for inner in statement.finalbody
    )
