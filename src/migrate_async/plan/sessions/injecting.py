"""A session as a parameter: `db: AsyncSession = Depends(get_db)`."""

from __future__ import annotations

from migrate_async.model import plan as p
from migrate_async.model import syntax as s
from migrate_async.plan.inner_imports import find_inner_import
from migrate_async.plan.names import local_name
from migrate_async.plan.sessions.acquisitions import Acquisition
from migrate_async.plan.sessions.changes import NAME, SessionChanges
from migrate_async.plan.sessions.classes import async_home
from migrate_async.plan.sessions.closing import remove_closes


def inject(changes: SessionChanges, found: Acquisition) -> bool:
    """Take the session as a parameter; False when its scope is not the whole function."""
    if _is_imported_inside(changes, found):
        return False
    statement = found.statement
    if isinstance(statement, s.With):
        if len(statement.items) != 1 or not _is_top_level(changes, statement):
            return False
        changes.edits.append(p.UnwrapBlock(span=statement.span, codemod=NAME))
    elif statement is not None:
        if changes.assignments(found.name) != 1 or _in_loop_or_branch(changes, statement):
            return False
        changes.remove(statement)
    changes.gone.append(found.call)
    remove_closes(changes, found)
    changes.remove_generator(found.generator)
    get_db = changes.imported(changes.provider.get_db_module, changes.provider.get_db)
    depends = changes.imported("fastapi", "Depends")
    session = changes.imported(async_home(changes.project, found.call), "AsyncSession")
    changes.edits.append(
        p.AddParameter(
            span=changes.node.span,
            codemod=NAME,
            code=f"{found.name}: {session} = {depends}({get_db})",
        )
    )
    changes.unneed(found.call)
    changes.injected = found.name
    return True


def _is_imported_inside(changes: SessionChanges, found: Acquisition) -> bool:
    """Whether `get_db` would be the first import of its module at the top."""
    given = found.giver if found.is_of_dependency else found.call.func
    if given is None or find_inner_import(changes.project, given) is None:
        return False
    home = changes.provider.get_db_module
    return local_name(changes.function.module, home, changes.provider.get_db) is None


def _is_top_level(changes: SessionChanges, statement: s.Stmt) -> bool:
    return statement in changes.node.body


def _in_loop_or_branch(changes: SessionChanges, statement: s.Stmt) -> bool:
    parent = changes.project.parent(statement)
    while parent is not changes.node:
        if not isinstance(parent, s.Try):
            return True
        parent = changes.project.parent(parent)
    return False
