"""Functions of the project that run in the place of those they decorate."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index import types as t
from migrate_async.index.infer import Inference
from migrate_async.index.scopes import Function
from migrate_async.model import syntax as s


def wrapped(inference: Inference) -> dict[Function, tuple[Function, ...]]:
    """By each function that a decorator returns: what the decorator is on."""
    found: dict[Function, dict[Function, None]] = {}
    for function in inference.symbols.functions:
        for wrapper in _wrappers(function, inference):
            if wrapper is not function:
                found.setdefault(wrapper, {})[function] = None
    return {wrapper: tuple(functions) for wrapper, functions in found.items()}


def _wrappers(function: Function, inference: Inference) -> Iterator[Function]:
    if not isinstance(function.node, s.FunctionDef) or function.scope.parent is None:
        return
    for decorator in function.node.decorators:
        for made in _functions(inference.infer(decorator, function.scope.parent)):
            for value in made.returns:
                yield from _functions(inference.infer(value, made.scope))


def _functions(types: t.Types) -> Iterator[Function]:
    for item in t.ordered(types):
        if isinstance(item, t.FunctionObject):
            yield item.fn
