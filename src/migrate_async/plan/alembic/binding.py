"""What a run of statements binds, and how it may be left before its end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from migrate_async.model import syntax as s

_LOOPS = (s.For, s.While)
_WITH_TARGET = (s.AnnotatedAssign, s.AugmentedAssign, s.NamedExpression, s.For, s.WithItem)


def bound_names(statements: Sequence[s.Stmt]) -> frozenset[str]:
    """The names that `statements` give a value, in their own scope."""
    return frozenset(
        name for statement in statements for node in s.own_code(statement) for name in _bound(node)
    )


def _bound(node: s.AnyNode) -> Iterator[str]:
    if isinstance(node, s.FunctionDef | s.ClassDef):
        yield node.name
    elif isinstance(node, s.Assign):
        for target in node.targets:
            yield from _targets(target)
    elif isinstance(node, _WITH_TARGET):
        yield from _targets(node.target)
    elif isinstance(node, s.Handler) and node.name:
        yield node.name
    elif isinstance(node, s.ImportedName):
        yield (node.asname or node.name).partition(".")[0]
    elif isinstance(node, s.Case):
        yield from node.names


def _targets(target: s.Expr | None) -> Iterator[str]:
    if isinstance(target, s.Name):
        yield target.id
    elif isinstance(target, s.Sequence):
        for item in target.items:
            yield from _targets(item)
    elif isinstance(target, s.Starred):
        yield from _targets(target.value)


def leaves(statements: Sequence[s.Stmt]) -> s.Stmt | s.Expr | None:
    """What ends `statements` before their end, waits in them or reaches out of them."""
    for statement in statements:
        found = _leaves(statement, in_loop=False)
        if found is not None:
            return found
    return None


def _leaves(node: s.AnyNode, *, in_loop: bool) -> s.Stmt | s.Expr | None:
    if isinstance(node, s.FunctionDef | s.ClassDef | s.Lambda):
        return None
    if isinstance(node, s.Return | s.Yield | s.Await | s.Scoping):
        return node
    if isinstance(node, s.Simple) and node.keyword in ("break", "continue") and not in_loop:
        return node
    inside = in_loop or isinstance(node, _LOOPS)
    for child in s.children(node):
        found = _leaves(child, in_loop=inside)
        if found is not None:
            return found
    return None
