"""Decorators of the project that register a route with the method of a router they are given.

    def protected(method, path, scopes, **kwargs):
        def decorator(function):
            return method(path, dependencies=[...], **kwargs)(guarded(scopes, function))

        return decorator

    @protected(router.get, "/users", ["users.read"], response_model=UserOut)

is `@router.get("/users", response_model=UserOut)` for all who ask what FastAPI does with it.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index import scopes as sc
from migrate_async.index import types as t
from migrate_async.index.calls import arguments
from migrate_async.index.infer import Inference
from migrate_async.knowledge import fastapi
from migrate_async.model import syntax as s


def registration(decorator: s.Call, scope: sc.Scope, inference: Inference) -> s.Call | None:
    """The call of the router's method that `decorator` stands for, with what is given to it."""
    for maker, given in _makers(decorator, scope, inference):
        for name, method in _methods(given):
            made = _call_of(maker, name, inference)
            if made is not None:
                return _given(made, method, decorator, given)
    return None


def method_parameters(decorator: s.Expr, scope: sc.Scope, inference: Inference) -> frozenset[str]:
    """The parameters by which `decorator` gives its maker the method of a router."""
    if not isinstance(decorator, s.Call):
        return frozenset()
    makers = _makers(decorator, scope, inference)
    return frozenset(name for _, given in makers for name, _ in _methods(given))


def _makers(
    decorator: s.Call, scope: sc.Scope, inference: Inference
) -> Iterator[tuple[s.FunctionDef, dict[str, s.Expr]]]:
    """The functions of the project that make `decorator`, with what they are given by name."""
    if not any(map(is_method, decorator.values)):
        return
    for item in t.ordered(inference.infer(decorator.func, scope)):
        if isinstance(item, t.FunctionObject) and isinstance(item.fn.node, s.FunctionDef):
            given = arguments(item.fn.params, decorator)
            yield item.fn.node, {param.name: value for param, value in given}


def _methods(given: dict[str, s.Expr]) -> Iterator[tuple[str, s.Attribute]]:
    for name, value in given.items():
        if isinstance(value, s.Attribute) and is_method(value):
            yield name, value


def is_method(expr: s.Expr) -> bool:
    """Whether `expr` reads as the method of a router: `router.get`."""
    return isinstance(expr, s.Attribute) and expr.attr in fastapi.ROUTE_METHODS


def _call_of(maker: s.FunctionDef, name: str, inference: Inference) -> s.Call | None:
    """`method(path)` in `maker`, if what that gives is called: `method(path)(function)`."""
    for statement in maker.body:
        for node in s.walk(statement):
            if isinstance(node, s.Call) and isinstance(node.func, s.Name) and node.func.id == name:
                around = inference.symbols.parents[node]
                if isinstance(around, s.Call) and around.func is node:
                    return node
    return None


def _given(
    made: s.Call, method: s.Attribute, decorator: s.Call, given: dict[str, s.Expr]
) -> s.Call:
    args = tuple(_value(arg, given) for arg in made.args)
    return s.Call(*decorator.span, method, args, tuple(_keywords(made, decorator, given)))


def _keywords(made: s.Call, decorator: s.Call, given: dict[str, s.Expr]) -> Iterator[s.Keyword]:
    """Those of `made` that the decorator's place says, also by way of `**kwargs`."""
    for keyword in made.keywords:
        if keyword.arg is None:
            yield from (word for word in decorator.keywords if word.arg not in given)
        else:
            value = _value(keyword.value, given)
            if value is not keyword.value or isinstance(value, s.Constant):
                yield s.Keyword(*keyword.span, keyword.arg, value)


def _value(expr: s.Expr, given: dict[str, s.Expr]) -> s.Expr:
    return given.get(expr.id, expr) if isinstance(expr, s.Name) else expr
