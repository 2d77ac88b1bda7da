"""The fix for a session that may stay open: `with SessionLocal() as db:` around what uses it."""

from __future__ import annotations

from typing import NamedTuple

from migrate_async.index.statements import is_method_call
from migrate_async.lint.resources.fate import Fate, Resource
from migrate_async.model import plan as p
from migrate_async.model import syntax as s
from migrate_async.model.finding import Applicability, Fix
from migrate_async.plan import blocks
from migrate_async.plan.text import source

_VIA = frozenset({"factory", "class", "helper", "connect"})
"""Ways to open something that is its own context manager; a resolver may give a shared one."""


def with_block(fate: Fate, codemod: str) -> Fix | None:
    """Open the resource of `fate` in a `with` block; None where its end is not clear.

    The fix is safe where the code closes it at the end of the same block: then only the paths
    that left it open change. Elsewhere somebody may still read what it loaded after the block.
    """
    resource = fate.resource
    node = resource.function.node
    if not _is_own_manager(resource) or not isinstance(node, s.FunctionDef):
        return None
    found = _assignment(node, resource.node)
    if found is None or not _is_local(node, found):
        return None
    try:
        opening = source(resource.node)
    except ValueError:
        return None
    is_async = found.is_awaited or resource.noun.startswith("async")
    header = f"{'async with' if is_async else 'with'} {opening} as {found.name}:"
    return _fix(found, header, codemod)


def _is_own_manager(resource: Resource) -> bool:
    """Whether `with` closes it; of a helper, what the helper opens decides."""
    opened: Resource | None = resource
    while opened is not None:
        if opened.via not in _VIA:
            return False
        opened = opened.origin
    return True


class _Assignment(NamedTuple):
    """`statement` is `name = <opening>`, `rest` what follows it in its block."""

    name: str
    statement: s.Stmt
    rest: blocks.Block
    is_awaited: bool


def _fix(found: _Assignment, header: str, codemod: str) -> Fix | None:
    name, rest = found.name, found.rest
    closes = [i for i, item in enumerate(rest) if _closes(item, name)]
    uses = [i for i, item in enumerate(rest) if blocks.mentions(item, name) and i not in closes]
    if not uses:
        return None
    is_safe = len(closes) == 1 and uses[-1] < closes[0]
    last = closes[0] - 1 if is_safe else len(rest) - 1
    gone = [found.statement, *(rest[index] for index in closes if is_safe)]
    wrapped = p.WrapStatements(
        span=rest[0].span, codemod=codemod, until=rest[last].span, header=header
    )
    return Fix(
        title=f"open it with `{header}`",
        applicability=(Applicability.SAFE if is_safe else Applicability.UNSAFE).value,
        edits=(wrapped, *(p.ReplaceStatement(span=item.span, codemod=codemod) for item in gone)),
    )


def _assignment(node: s.FunctionDef, call: s.Call) -> _Assignment | None:
    for block in blocks.blocks(node.body):
        for index, statement in enumerate(block):
            if not isinstance(statement, s.Assign) or len(statement.targets) != 1:
                continue
            target, value = statement.targets[0], statement.value
            opened = value.value if isinstance(value, s.Await) else value
            if opened is call and isinstance(target, s.Name):
                rest = block[index + 1 :]
                return _Assignment(target.id, statement, rest, isinstance(value, s.Await))
    return None


def _is_local(node: s.FunctionDef, found: _Assignment) -> bool:
    """Whether the name means this session only, and in the rest of the block only."""
    name, inside = found.name, (found.statement, *found.rest)
    within = sum(_mentions(statement, name) for statement in inside)
    everywhere = sum(_mentions(statement, name) for statement in node.body)
    return within == everywhere and not any(_binds(statement, name) for statement in found.rest)


def _closes(statement: s.Stmt, name: str) -> bool:
    """`db.close()` or `await db.close()`."""
    value = statement.value if isinstance(statement, s.ExpressionStatement) else None
    if isinstance(value, s.Await):
        statement = s.ExpressionStatement(*statement.span, value.value)
    return is_method_call(statement, name, "close")


def _mentions(node: s.AnyNode, name: str) -> int:
    return sum(isinstance(part, s.Name) and part.id == name for part in s.walk(node))


def _binds(statement: s.Stmt, name: str) -> bool:
    """Whether `name` gets another value somewhere in `statement`."""
    for part in s.walk(statement):
        targets: tuple[s.Expr | None, ...] = ()
        if isinstance(part, s.Assign | s.Delete):
            targets = part.targets
        elif isinstance(part, s.For | s.WithItem | s.AnnotatedAssign):
            targets = (part.target,)
        if any(isinstance(target, s.Name) and target.id == name for target in targets):
            return True
    return False
