"""Which names are surely bound where a statement runs."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index.scopes import Function, ParameterBinding
from migrate_async.model import syntax as s
from migrate_async.plan.transactions.positions import Position


def is_bound_before(function: Function, name: str, position: Position) -> bool:
    """Whether `name` is a parameter, or surely bound where the statement runs."""
    bindings = function.scope.names.get(name, ())
    if any(isinstance(binding, ParameterBinding) for binding in bindings):
        return True
    return any(
        any(binds(statement, name) for statement in block[:index])
        or _binds_inside(block[index], name)
        for block, index in position.path
    )


def is_bound_after(function: Function, name: str, position: Position) -> bool:
    """The same once the statement has run, which may be a `with`."""
    body = position.statement.body if isinstance(position.statement, s.With) else ()
    is_inside = any(binds(statement, name) for statement in body)
    return is_inside or is_bound_before(function, name, position)


def bound_names(statement: s.Stmt) -> frozenset[str]:
    """The names that an assignment binds, also in tuples."""
    targets = statement.targets if isinstance(statement, s.Assign) else ()
    return frozenset(
        node.id for target in targets for node in s.walk(target) if isinstance(node, s.Name)
    )


def binds(statement: s.Stmt, name: str) -> bool:
    """Whether `name` is bound once `statement` has run."""
    if isinstance(statement, s.Assign):
        return any(name in _names(target) for target in statement.targets)
    if isinstance(statement, s.AnnotatedAssign) and statement.value is not None:
        return name in _names(statement.target)
    return _names_in_test(statement, name)


def _names(target: s.Expr) -> Iterator[str]:
    """The names that an assignment to `target` binds."""
    if isinstance(target, s.Name):
        yield target.id
    elif isinstance(target, s.Starred):
        yield from _names(target.value)
    elif isinstance(target, s.Sequence):
        for item in target.items:
            yield from _names(item)


def _binds_inside(statement: s.Stmt, name: str) -> bool:
    """Whether the blocks of `statement` run with `name` bound by it."""
    if isinstance(statement, s.For):
        return isinstance(statement.target, s.Name) and statement.target.id == name
    return _names_in_test(statement, name)


def _names_in_test(statement: s.Stmt, name: str) -> bool:
    """Whether it begins with `if (name := ...)`."""
    test = statement.test if isinstance(statement, s.If | s.While) else None
    return test is not None and any(
        isinstance(node, s.NamedExpression) and node.target.id == name for node in s.walk(test)
    )
