"""A session of the function's own: `async with SessionLocal() as db:`."""

from __future__ import annotations

from migrate_async.model import plan as p
from migrate_async.model import syntax as s
from migrate_async.plan import blocks
from migrate_async.plan.sessions.acquisitions import Acquisition, ends
from migrate_async.plan.sessions.changes import NAME, SessionChanges
from migrate_async.plan.sessions.closing import closes_inside, only_closes
from migrate_async.plan.sessions.made_sessions import is_of_made_factory, session_call


def open_session(changes: SessionChanges, found: Acquisition) -> None:
    """Open the session with `async with`, or await what the function itself does with it."""
    if isinstance(found.statement, s.With):
        _open_with(changes, found, found.statement)
    elif found.statement is not None and _open_block(
        changes, found, found.statement, _opening(changes, found)
    ):
        if is_of_made_factory(found):
            return
        changes.remove(found.statement)
        changes.remove_generator(found.generator)
        changes.gone.append(found.call)
        changes.unneed(found.call)
    elif found.kind in ("resolver", "next", "scope", "constructor"):
        make_session(changes, found)


def _open_with(changes: SessionChanges, found: Acquisition, statement: s.With) -> None:
    if found.kind == "factory":
        return  # the colour makes its `with` async
    if len(statement.items) > 1:
        make_session(changes, found)
        return
    header = _opening(changes, found)
    changes.edits.append(p.ChangeBlock(span=statement.span, codemod=NAME, header=header))
    changes.gone.append(found.call)
    changes.unneed(found.call)


def _open_block(
    changes: SessionChanges, found: Acquisition, statement: s.Stmt, header: str
) -> bool:
    """`db = SessionLocal()` and what follows, as a block; False when its end is not clear."""
    parent = _block_of(changes, statement)
    if parent is None or changes.assignments(found.name) != 1:
        return False
    block, index = parent
    enclosing = _enclosing_try(changes, block)
    if enclosing is not None and index == 0 and only_closes(enclosing, found):
        _head(changes, found, enclosing, block[-1], header)
        return True
    rest = block[index + 1 :]
    if not rest:
        return False
    following = rest[0]
    if (
        isinstance(following, s.Try)
        and only_closes(following, found)
        and not any(blocks.mentions(other, found.name) for other in rest[1:])
    ):
        _head(changes, found, following, following, header)
        return True
    return _wrap(changes, found, rest, header)


def _head(
    changes: SessionChanges, found: Acquisition, block: s.Try, last: s.Stmt, header: str
) -> None:
    """Give the body of `block`, up to `last`, the new head; what closes the session goes."""
    changes.gone += [*block.finalbody, *block.handlers]
    if not is_of_made_factory(found):
        changes.edits.append(p.ChangeBlock(span=block.span, codemod=NAME, header=header))
        return
    changes.edits.append(p.UnwrapBlock(span=block.span, codemod=NAME))
    _wrap_from(changes, found, last, header)


def _wrap_from(changes: SessionChanges, found: Acquisition, last: s.Stmt, header: str) -> None:
    assert found.statement is not None  # noqa: S101  the caller has looked
    span = found.statement.span
    changes.edits.append(
        p.WrapStatements(span=span, codemod=NAME, until=last.span, header=header, enters=True)
    )


def _wrap(changes: SessionChanges, found: Acquisition, rest: blocks.Block, header: str) -> bool:
    """Straight-line code up to `db.close()`, or all that follows.

    Queries that were made on the session, and lazy loads, need it without naming it.
    """
    name = found.name
    ends = [i for i, item in enumerate(rest) if found.is_closed_by(item)]
    others = [i for i, item in enumerate(rest) if blocks.mentions(item, name) and i not in ends]
    if len(ends) > 1 or not others or (ends and others[-1] > ends[0]):
        return False
    if any(closes_inside(item, found) for item in rest):
        return False
    if any(isinstance(item, (s.FunctionDef, s.ClassDef)) for item in rest[: others[-1] + 1]):
        return False
    last = ends[0] - 1 if ends else len(rest) - 1
    if is_of_made_factory(found):
        _wrap_from(changes, found, rest[last], header)
    else:
        span, until = rest[0].span, rest[last].span
        changes.edits.append(p.WrapStatements(span=span, codemod=NAME, until=until, header=header))
    for index in ends:
        changes.remove(rest[index])
    return True


def _opening(changes: SessionChanges, found: Acquisition) -> str:
    name = found.name or "db"
    return f"async with {session_call(changes, found)} as {name}:"


def make_session(changes: SessionChanges, found: Acquisition) -> None:
    """Make the session where it is made now."""
    changes.edits.append(
        p.ReplaceExpression(span=found.call.span, codemod=NAME, code=session_call(changes, found))
    )
    _close_itself(changes, found)
    if found.kind != "constructor":
        changes.gone.append(found.call)
    changes.unneed(found.call)


def _close_itself(changes: SessionChanges, found: Acquisition) -> None:
    """Where the generator of a dependency was closed, close the session that it would give."""
    if found.generator is None or not found.name:
        return
    changes.remove_generator(found.generator)
    for statement in blocks.statements(changes.node.body):
        if ends(statement, s.dotted_name(found.call.args[0])):
            code = f"await {found.name}.close()"
            changes.gone.append(statement)
            changes.edits.append(p.ReplaceStatement(span=statement.span, codemod=NAME, code=code))


def _block_of(changes: SessionChanges, statement: s.Stmt) -> tuple[blocks.Block, int] | None:
    for block in blocks.blocks(changes.node.body):
        if statement in block:
            return block, block.index(statement)
    return None


def _enclosing_try(changes: SessionChanges, block: blocks.Block) -> s.Try | None:
    for statement in blocks.statements(changes.node.body):
        if isinstance(statement, s.Try) and statement.body is block:
            return statement
    return None
