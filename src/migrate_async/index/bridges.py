"""Bridges: calls by which async code runs a function that stays sync.

`await db.run_sync(f, a)`, `await db.run_sync(lambda session: f(a, db=session))` and
`await run_in_threadpool(f, a)`. Such a call runs `f`, but its caller does not keep `f` sync: once
`f` is a coroutine function it is called directly.

The other way round, `call_async(f, db, a)` runs a coroutine function in code that stays sync. That
is a call of its caller: once that is a coroutine, `await f(db, a)`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from migrate_async.index import scopes as sc
from migrate_async.index import types as t
from migrate_async.index.types import UNKNOWN, Types
from migrate_async.knowledge import fastapi, sqlalchemy
from migrate_async.knowledge.shim import CALL_ASYNC, PACKAGE
from migrate_async.model import syntax as s

if TYPE_CHECKING:
    from migrate_async.index.infer import Inference

_NAMES = frozenset({"run_sync", *(name.rpartition(".")[2] for name in fastapi.THREADS)})


def may_be_bridge(node: s.Call) -> bool:
    """Whether `node` looks like a bridge; cheap."""
    return bool(node.args) and sc.last_name(node.func) in _NAMES


def is_bridge(node: s.Call, scope: sc.Scope, inference: Inference) -> bool:
    """Whether `node` runs its first argument on the sync side of a session, or in a thread."""
    if not may_be_bridge(node):
        return False
    for item in inference.infer(node.func, scope):
        if isinstance(item, t.External) and item.dotted in fastapi.THREADS:
            return True
        if isinstance(item, t.ExternalMethod) and item.name == "run_sync":
            return item.owner in sqlalchemy.ASYNC_SESSIONS
    return False


def is_call_async(node: s.Call, scope: sc.Scope, inference: Inference) -> bool:
    """Whether `node` has a coroutine function, its first argument, run for sync code."""
    if not node.args or sc.last_name(node.func) != CALL_ASYNC:
        return False
    return any(
        isinstance(item, t.External) and item.dotted == f"{PACKAGE}.{CALL_ASYNC}"
        for item in inference.infer(node.func, scope)
    )


def handed(fn: sc.Function, param: s.Parameter, inference: Inference) -> Types:
    """What the parameter of a lambda gets that a bridge runs: its session, or an argument."""
    node, outer = fn.node, fn.scope.parent
    around = inference.symbols.parents[node] if isinstance(node, s.Lambda) else None
    if outer is None or not isinstance(around, s.Call) or around.args[:1] != (node,):
        return UNKNOWN
    if not is_bridge(around, outer, inference):
        return UNKNOWN
    position = fn.params.index(param) + 1
    if sc.last_name(around.func) == "run_sync":
        position -= 1
        if not position:
            return t.of(t.ExternalInstance(sqlalchemy.SESSION))
    return inference.infer(around.args[position], outer) if position < len(around.args) else UNKNOWN


def direct(node: s.Call) -> s.Call:
    """The call that the bridge `node` makes: `f(db, a)` of `db.run_sync(f, a)`."""
    first, *rest = node.args
    if sc.last_name(node.func) == "run_sync" and isinstance(node.func, s.Attribute):
        rest = [node.func.value, *rest]
    return s.Call(*node.span, first, tuple(rest), node.keywords)


def result(node: s.Call, scope: sc.Scope, inference: Inference) -> Types:
    """What the bridge `node` gives: what its first argument returns, or makes."""
    call = direct(node) if node.args else node
    return t.union(
        inference.calls.called(item, call, scope)
        for item in t.ordered(inference.infer(call.func, scope) if node.args else UNKNOWN)
        if isinstance(item, t.FunctionObject | t.ClassObject | t.Instance)
    )


def targets(node: s.Call, scope: sc.Scope, inference: Inference) -> tuple[sc.Function, ...]:
    """The project functions that a bridge runs; those of a lambda are called by the lambda."""
    found: dict[sc.Function, None] = {}
    if isinstance(node.args[0], s.Lambda):
        return ()
    for item in t.ordered(inference.infer(node.args[0], scope)):
        found.update(dict.fromkeys(fn for fn, _ in inference.members.callables(item)))
    return tuple(found)
