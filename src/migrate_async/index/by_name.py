"""Functions that are called by a name which only the running code knows."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index import scopes as sc
from migrate_async.index import types as t
from migrate_async.index.infer import Inference
from migrate_async.index.library import GETATTR, ends_of
from migrate_async.index.sites import ValueUse
from migrate_async.model import syntax as s


def uses_by_name(fn: sc.Function, inference: Inference) -> Iterator[tuple[sc.Function, ValueUse]]:
    """`getattr(self, name)(...)` in `fn`: any function of the object may be called there.

    So may any method of the name, by `methodcaller("name")`.
    """
    for call in fn.calls:
        if call.name == "methodcaller":
            for method in _methods(call.node, inference):
                yield method, ValueUse(call.node, fn, call.scope, "value")
        read = _read_by_name(call, inference)
        if read is None or ends_of(read.args[1]) is not None:
            continue
        for owner in t.ordered(inference.infer(read.args[0], call.scope)):
            for item in t.ordered(inference.members.functions(owner)):
                if isinstance(item, t.FunctionObject):
                    yield item.fn, ValueUse(read, fn, call.scope, "value")


def _methods(call: s.Call, inference: Inference) -> Iterator[sc.Function]:
    """The methods of the name that `call`, a `methodcaller("name")`, says."""
    name = call.args[0] if call.args else None
    if isinstance(name, s.Constant):
        for function in inference.symbols.functions:
            if function.cls is not None and function.name == name.value:
                yield function


def _read_by_name(call: sc.RawCall, inference: Inference) -> s.Call | None:
    """The `getattr(x, name)` whose value is called."""
    func: s.Expr | None = call.node.func
    if isinstance(func, s.Name):
        values = [
            binding.value
            for binding in call.scope.names.get(func.id, ())
            if isinstance(binding, sc.ValueBinding)
        ]
        func = values[0] if len(values) == 1 else None
    if not isinstance(func, s.Call) or len(func.args) < 2:
        return None
    types = inference.infer(func, call.scope)
    is_read = any(isinstance(item, t.ExternalResult) and item.dotted == GETATTR for item in types)
    return func if is_read else None
