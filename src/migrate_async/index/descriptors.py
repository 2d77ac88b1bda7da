"""Descriptors that the project writes itself: classes with `__get__`.

    class TeamName:
        def __get__(self, obj, owner=None):
            return obj.team.name

    class User(Base):
        team_name = TeamName()

        @Kept
        def titles(self): ...

Reading `user.team_name` runs `__get__`. What such a class is a decorator of is read as a property.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property

from migrate_async.index import scopes as sc
from migrate_async.index.walk import Symbols
from migrate_async.model import syntax as s

READ, SET = "__get__", "__set__"
_CALLED = "__call__"
_PROPERTY = "property"


class Descriptors:
    """Answers for one project; classes are known by their names."""

    def __init__(self, symbols: Symbols) -> None:
        self._symbols = symbols

    def mark(self) -> None:
        """Take functions for properties that such a class is the decorator of.

        What is called, too, gives methods: `partial(self.call, obj)`.
        """
        names = {
            name
            for name, classes in self._classes.items()
            if not any(_CALLED in cls.scope.names for cls in classes)
        }
        for fn in self._symbols.functions if names else ():
            if fn.cls is not None and not names.isdisjoint(fn.decorator_names):
                fn.decorator_names |= {_PROPERTY}

    def functions(self, owner: sc.Class, name: str, method: str = READ) -> list[sc.Function]:
        """What reading the attribute `name`, which the body of `owner` binds, runs."""
        classes = self._bound.get(owner, {}).get(name, ())
        return [fn for cls in classes for fn in _methods(self._order(cls), method)]

    def of(self, owner: sc.Class) -> Iterator[tuple[str, sc.Function]]:
        """The attributes of `owner` that are descriptors, with what reading them runs."""
        for name in self._bound.get(owner, ()):
            yield from ((name, fn) for fn in self.functions(owner, name))

    def owners(self, fn: sc.Function) -> list[sc.Class]:
        """The classes whose objects `fn`, a `__get__` or `__set__`, is given."""
        return [
            owner
            for owner, names in self._bound.items()
            if any(fn.cls in self._order(cls) for classes in names.values() for cls in classes)
        ]

    @cached_property
    def names(self) -> frozenset[str]:
        """The attributes that are descriptors, in any class."""
        return frozenset(name for names in self._bound.values() for name in names)

    # --- classes -------------------------------------------------------------------------------

    @cached_property
    def _classes(self) -> dict[str, list[sc.Class]]:
        """Those with `__get__`, or that inherit it, by name."""
        found: dict[str, list[sc.Class]] = {}
        for cls in self._symbols.classes:
            if any(READ in base.scope.names for base in self._order(cls)):
                found.setdefault(cls.name, []).append(cls)
        return found

    def _order(self, cls: sc.Class) -> list[sc.Class]:
        """`cls` and what it inherits from."""
        found, pending = [], [cls]
        while pending:
            current = pending.pop(0)
            if current in found:
                continue
            found.append(current)
            for base in current.node.bases:
                pending += self._named.get(_name(base), ()) if self._has_any else ()
        return found

    @cached_property
    def _has_any(self) -> bool:
        return any(READ in cls.scope.names for cls in self._symbols.classes)

    @cached_property
    def _named(self) -> dict[str, list[sc.Class]]:
        found: dict[str, list[sc.Class]] = {}
        for cls in self._symbols.classes:
            found.setdefault(cls.name, []).append(cls)
        return found

    @cached_property
    def _bound(self) -> dict[sc.Class, dict[str, list[sc.Class]]]:
        """By class: its attributes that are descriptors, with what they are objects of."""
        found: dict[sc.Class, dict[str, list[sc.Class]]] = {}
        for cls in self._symbols.classes if self._classes else ():
            for name, bindings in cls.scope.names.items():
                kinds = [kind for value in _values(bindings) for kind in self._made(value)]
                if kinds:
                    found.setdefault(cls, {})[name] = kinds
        return found

    def _made(self, value: s.Expr) -> list[sc.Class]:
        return self._classes.get(_name(value.func), []) if isinstance(value, s.Call) else []


def _name(expr: s.Expr) -> str:
    """The last name of a class: `Field` of `fields.Field[int]`."""
    return sc.last_name(expr.value if isinstance(expr, s.Subscript) else expr)


def _values(bindings: Iterable[sc.Binding]) -> Iterator[s.Expr]:
    for binding in bindings:
        if isinstance(binding, sc.ValueBinding | sc.AnnotatedBinding) and binding.value is not None:
            yield binding.value


def _methods(order: Iterable[sc.Class], name: str) -> Iterator[sc.Function]:
    """The nearest method of the name."""
    for cls in order:
        found = [b.function for b in cls.scope.names.get(name, ()) if type(b) is sc.FunctionBinding]
        if found:
            yield from found
            return
