"""Functions that a builtin calls with each item of what it iterates over."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from migrate_async.model import syntax as s

_KEYED = frozenset({"sorted", "min", "max"})
_MAPPED = frozenset({"map", "filter"})
_OF_POOLS = "map"
_DUMPED = frozenset({"dump", "dumps"})
_GROUPED = "groupby"
_SORT = "sort"
_COMPARED = "cmp_to_key"

_WITH_KEYS = {
    **dict.fromkeys(("nlargest", "nsmallest"), 1),
    **dict.fromkeys(("bisect", "bisect_left", "bisect_right"), 0),
    **dict.fromkeys(("insort", "insort_left", "insort_right"), 0),
}
"""Functions that take a `key=`, and which of their arguments they iterate over."""

_FED = {
    "reduce": (0, 1, 1),
    "accumulate": (1, 0, 1),
    **dict.fromkeys(("takewhile", "dropwhile", "filterfalse"), (0, 1, 0)),
}
"""Which arguments are the function and the items, and which parameter gets one of these."""

NAMES = frozenset({*_KEYED, *_MAPPED, *_DUMPED, *_WITH_KEYS, *_FED, _GROUPED, _SORT})
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
        if isinstance(function, s.Call) and function.args and _is_comparing(function):
            yield found._replace(function=function.args[0], position=1)
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
    elif last in _DUMPED and args and default is not None:
        yield Keyed(default, args[0], deep=True)
    elif is_name and name in _KEYED and args and key is not None:
        yield Keyed(key, args[0])
    elif last in _MAPPED and (is_name or last == _OF_POOLS) and len(args) > 1:
        yield from (Keyed(args[0], items, number) for number, items in enumerate(args[1:]))
    elif isinstance(call.func, s.Attribute) and call.func.attr == _SORT and key is not None:
        yield Keyed(key, call.func.value)
    else:
        yield from _by_table(last, args, key)


def _by_table(name: str, args: tuple[s.Expr, ...], key: s.Expr | None) -> Iterator[Keyed]:
    if name in _FED and len(args) > 1:
        function, items, position = _FED[name]
        yield Keyed(args[function], args[items], position)
    elif name in _WITH_KEYS and key is not None and len(args) > _WITH_KEYS[name]:
        yield Keyed(key, args[_WITH_KEYS[name]])


def _is_partial(call: s.Call) -> bool:
    return s.dotted_name(call.func).rpartition(".")[2] == "partial"


def _is_comparing(call: s.Call) -> bool:
    return s.dotted_name(call.func).rpartition(".")[2] == _COMPARED
