"""Functions that `functools.singledispatch` chooses from by the type of an argument.

    @singledispatch
    def describe(what, db): ...

    @describe.register
    def _(what: Order, db): ...

A call of `describe` may run any of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from migrate_async.index import scopes as sc
from migrate_async.index.resolve import Names
from migrate_async.index.walk import Symbols
from migrate_async.model import syntax as s

_CHOOSING = frozenset({"singledispatch", "singledispatchmethod"})
_REGISTERING = "register"


class Dispatched:
    """Those of one project, by names alone: what something is has no part in it."""

    def __init__(self, names: Names, symbols: Symbols) -> None:
        self._names = names
        self._symbols = symbols

    def registered(self, chosen: sc.Function) -> tuple[sc.Function, ...]:
        """The functions that a call of `chosen` may run instead."""
        if chosen.decorator_names.isdisjoint(_CHOOSING):
            return ()
        return tuple(self._by_choosing.get(chosen, ()))

    def is_registering(self, decorator: s.Expr, fn: sc.Function) -> bool:
        """Whether `decorator`, of `fn`, is `describe.register` or the like."""
        return any(True for _ in self._choosing(decorator, fn))

    @cached_property
    def _by_choosing(self) -> dict[sc.Function, list[sc.Function]]:
        found: dict[sc.Function, list[sc.Function]] = {}
        for fn in self._symbols.functions:
            if _REGISTERING not in fn.decorator_names or not isinstance(fn.node, s.FunctionDef):
                continue
            for decorator in fn.node.decorators:
                for chosen in self._choosing(decorator, fn):
                    found.setdefault(chosen, []).append(fn)
        return found

    def _choosing(self, decorator: s.Expr, fn: sc.Function) -> Iterator[sc.Function]:
        head = decorator.func if isinstance(decorator, s.Call) else decorator
        if not isinstance(head, s.Attribute) or head.attr != _REGISTERING:
            return
        if not isinstance(head.value, s.Name) or fn.scope.parent is None:
            return
        for target in self._names.lookup(head.value.id, fn.scope.parent):
            chosen = target.function if isinstance(target, sc.FunctionBinding) else None
            if chosen is not None and not chosen.decorator_names.isdisjoint(_CHOOSING):
                yield chosen
