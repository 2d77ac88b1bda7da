"""Functions that only say what others have to be like."""

from __future__ import annotations

from migrate_async.index.scopes import Function
from migrate_async.model import syntax as s


def is_abstract(fn: Function) -> bool:
    """Whether what `fn` does is open: an abstract method, or one without a body of its own."""
    if "abstractmethod" in fn.decorator_names:
        return True
    return isinstance(fn.node, s.FunctionDef) and is_stub(fn.node)


def is_stub(node: s.FunctionDef) -> bool:
    """A body of a docstring, `...`, `pass` or `raise` only."""
    return all(
        isinstance(statement, s.Raise | s.Simple)
        or (
            isinstance(statement, s.ExpressionStatement) and isinstance(statement.value, s.Constant)
        )
        for statement in node.body
    )
