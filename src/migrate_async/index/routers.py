"""Decorators that register a function as a FastAPI route."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index import scopes as sc
from migrate_async.index import types as t
from migrate_async.index.declarative import keyword
from migrate_async.index.infer import Inference
from migrate_async.index.route_makers import is_method, registration
from migrate_async.knowledge import fastapi
from migrate_async.model import syntax as s


def is_route(fn: sc.Function, inference: Inference) -> bool:
    """Whether a decorator of `fn` registers it with a router."""
    return any(registrations(fn, inference))


def registrations(fn: sc.Function, inference: Inference) -> Iterator[s.Call]:
    """The decorators of `fn` that register a route, as calls of a router's method."""
    outer = fn.scope.parent
    if not isinstance(fn.node, s.FunctionDef) or outer is None:
        return
    for decorator in fn.node.decorators:
        if isinstance(decorator, s.Call):
            made = decorator if is_method(decorator.func) else None
            if made is None:
                made = registration(decorator, outer, inference)
            if made is not None and _registers(made, outer, inference):
                yield made


def added_function(call: s.Call) -> s.Expr | None:
    """What `router.add_api_route(path, function)` adds, or a websocket's counterpart."""
    if not isinstance(call.func, s.Attribute) or call.func.attr not in fastapi.ROUTE_ADDERS:
        return None
    return call.args[1] if len(call.args) > 1 else keyword(call, "endpoint")


def called_registration(call: s.Call, scope: sc.Scope, inference: Inference) -> s.Call | None:
    """`router.get(path)` in `router.get(path)(function)`, which is no decorator there."""
    made = call.func
    if not isinstance(made, s.Call) or not is_method(made.func) or len(call.args) != 1:
        return None
    return made if _registers(made, scope, inference) else None


def _registers(call: s.Call, scope: sc.Scope, inference: Inference) -> bool:
    func = call.func
    return isinstance(func, s.Attribute) and _is_router(call, func.value, scope, inference)


def _is_router(call: s.Call, router: s.Expr, scope: sc.Scope, inference: Inference) -> bool:
    """By type; where nothing is known about the object, by what it is called with."""
    types = inference.infer(router, scope)
    for item in types:
        if isinstance(item, t.ExternalInstance):
            return item.dotted in fastapi.ROUTERS
        if isinstance(item, t.Instance):
            return inference.hierarchy.is_a(item.cls, fastapi.ROUTERS)
    if any(not isinstance(item, t.ExternalResult) for item in types):
        return False
    first = call.args[0] if call.args else keyword(call, "path")
    return isinstance(first, s.Constant) and str(first.value).startswith("/")
