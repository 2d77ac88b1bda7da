"""`asyncio.run(work())` in what is a coroutine now: `await work()`."""

from __future__ import annotations

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function
from migrate_async.index.sites import CallSite
from migrate_async.model import plan as p
from migrate_async.model import syntax as s
from migrate_async.plan import blocks
from migrate_async.plan.colour_edits import NAME, ColourEdits
from migrate_async.plan.loop_runs import awaitable_run


def add_run(found: ColourEdits, project: Project, site: CallSite) -> None:
    """Await what `site` runs on a loop of its own; the loop goes."""
    run = awaitable_run(project, site)
    if run is None:
        return
    found.edits.append(p.UnwrapCall(span=run.call.span, codemod=NAME))
    _unneeded(found, run.call.func)
    inner = p.AwaitCall(span=run.call.args[0].span, codemod=NAME)
    if inner not in found.edits:
        found.edits.append(inner)
    if run.around:
        _remove(found, site.function, run.around)


def _remove(found: ColourEdits, function: Function, statements: tuple[s.Stmt, ...]) -> None:
    assert isinstance(function.node, s.FunctionDef)  # noqa: S101  it has statements
    left = list(statements)
    for block in blocks.statements(function.node.body):
        closing = block.finalbody if isinstance(block, s.Try) else ()
        if isinstance(block, s.Try) and closing and all(item in left for item in closing):
            is_bare = not block.handlers and not block.orelse
            edit = p.UnwrapBlock if is_bare else p.DropFinally
            _add(found, edit(span=block.span, codemod=NAME))
            left = [item for item in left if item not in closing]
    for statement in left:
        gone = p.UnwrapBlock if isinstance(statement, s.With) else p.ReplaceStatement
        _add(found, gone(span=statement.span, codemod=NAME))
    for statement in statements:
        _unneeded(found, statement)


def _add(found: ColourEdits, edit: p.AnyEdit) -> None:
    """Once, however many coroutines the loop runs."""
    if edit not in found.edits:
        found.edits.append(edit)


def _unneeded(found: ColourEdits, node: s.AnyNode) -> None:
    found.unneeded += [part.id for part in s.walk(node) if isinstance(part, s.Name)]
