"""Functions that a builtin calls with each item of what it iterates over."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from migrate_async.model import syntax as s

_KEYED = frozenset({"sorted", "min", "max"})
_MAPPED = frozenset({"map", "filter"})
_REDUCED = "reduce"
_DUMPED = frozenset({"dump", "dumps"})
_GROUPED = "groupby"
_SORT = "sort"

NAMES = frozenset({*_KEYED, *_MAPPED, *_DUMPED, _REDUCED, _GROUPED, _SORT})
"""The last names of such calls."""


class Keyed(NamedTuple):
    """`function` gets the items of `items`, one after the other, as its parameter at `position`.

    With `deep` it may also get what these hold, and `items` itself.
    """

    function: s.Expr
    items: s.Expr
    position: int = 0
    deep: bool = False


def keyed(call: s.Call) -> Iterator[Keyed]:
    """The functions in `sorted(orders, key=lambda ...)`, `map(show, orders)` and the like."""
    for found in _handed(call):
        function, position = found.function, found.position
        while isinstance(function, s.Call) and function.args and _is_partial(function):
            position += len(function.args) - 1
            function = function.args[0]
        yield found._replace(function=function, position=position)


def _handed(call: s.Call) -> Iterator[Keyed]:
    given = {keyword.arg: keyword.value for keyword in call.keywords}
    args = call.args
    key, default = given.get("key"), given.get("default")
    is_name = isinstance(call.func, s.Name)
    name = call.func.id if isinstance(call.func, s.Name) else s.dotted_name(call.func)
    last = name.rpartition(".")[2]
    if last == _GROUPED and args:
        if (function := key or (args[1] if len(args) > 1 else None)) is not None:
            yield Keyed(function, args[0])
    elif last == _REDUCED and len(args) > 1:
        yield Keyed(args[0], args[1], position=1)
    elif last in _DUMPED and args and default is not None:
        yield Keyed(default, args[0], deep=True)
    elif is_name and name in _KEYED and args and key is not None:
        yield Keyed(key, args[0])
    elif is_name and name in _MAPPED and len(args) > 1:
        yield from (Keyed(args[0], items, number) for number, items in enumerate(args[1:]))
    elif isinstance(call.func, s.Attribute) and call.func.attr == _SORT and key is not None:
        yield Keyed(key, call.func.value)


def _is_partial(call: s.Call) -> bool:
    return s.dotted_name(call.func).rpartition(".")[2] == "partial"
