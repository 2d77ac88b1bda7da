"""Lambdas that a builtin calls with each item of what it iterates over."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.model import syntax as s

_KEYED = frozenset({"sorted", "min", "max"})
_MAPPED = frozenset({"map", "filter"})


def keyed(call: s.Call) -> Iterator[tuple[s.Lambda, s.Expr]]:
    """The lambdas in `sorted(orders, key=lambda ...)` and the like, with what they get items of."""
    key = next((k.value for k in call.keywords if k.arg == "key"), None)
    name = call.func.id if isinstance(call.func, s.Name) else ""
    found: s.Expr | None = None
    if s.dotted_name(call.func).rpartition(".")[2] == "groupby" and call.args:
        found, items = key or (call.args[1] if len(call.args) > 1 else None), call.args[0]
    elif name in _KEYED and call.args:
        found, items = key, call.args[0]
    elif name in _MAPPED and len(call.args) > 1:
        found, items = call.args[0], call.args[1]
    elif isinstance(call.func, s.Attribute) and call.func.attr == "sort":
        found, items = key, call.func.value
    if isinstance(found, s.Lambda) and found.params:
        yield found, items
