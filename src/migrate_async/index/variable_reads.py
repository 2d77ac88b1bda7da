"""Where a variable is read, by whatever name of its module."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index import scopes as sc
from migrate_async.index.infer import Inference
from migrate_async.index.resolve import module_member
from migrate_async.model import syntax as s


def reads_of(name: str, value: s.Expr, inference: Inference) -> Iterator[s.Expr]:
    """Where the variable `name`, which is given `value`, may be read or called."""
    for fn in inference.symbols.functions:
        nodes = [(use.node, use.scope) for use in fn.references]
        nodes += [(call.node.func, call.scope) for call in fn.calls]
        for node, scope in nodes:
            if _is_variable(node, scope, name, value, inference):
                yield node


def _is_variable(
    node: s.Expr, scope: sc.Scope, name: str, value: s.Expr, inference: Inference
) -> bool:
    if isinstance(node, s.Name):
        targets = inference.names.lookup(node.id, scope)  # by another name, perhaps
    elif isinstance(node, s.Attribute) and node.attr == name:
        targets = module_member(node, inference.names, scope)
    else:
        return False
    return any(
        isinstance(target, sc.ValueBinding | sc.AnnotatedBinding) and target.value is value
        for target in targets
    )
