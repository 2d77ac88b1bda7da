"""Classes: type parameters, method resolution order, subclasses, members."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from migrate_async.index import generics, structural
from migrate_async.index import scopes as sc
from migrate_async.index import types as t
from migrate_async.index.types import Type, Types
from migrate_async.model import syntax as s

if TYPE_CHECKING:
    from migrate_async.index.infer import Inference


class Ancestor(msgspec.Struct, frozen=True, gc=False):
    """One class of a method resolution order.

    `cls` is a project class, or None for the external class `dotted`. `values` are what the
    class's type parameters stand for, seen from the class that the order is of.
    """

    cls: sc.Class | None
    dotted: str = ""
    values: dict[str, Types] = {}


class Hierarchy:
    """Answers about classes; everything is remembered."""

    def __init__(self, inference: Inference) -> None:
        self._inference = inference
        self._parameters: dict[sc.Class, tuple[str, ...]] = {}
        self._orders: dict[tuple[sc.Class, tuple[Types, ...]], tuple[Ancestor, ...]] = {}
        self._busy: set[sc.Class] = set()
        self._subclasses: dict[sc.Class, tuple[sc.Class, ...]] = {}
        self._externals: dict[sc.Class, frozenset[str]] = {}

    def forget(self) -> None:
        """Drop what was derived from types (used between rounds of inference)."""
        self._orders.clear()
        self._externals.clear()

    def link(self, classes: list[sc.Class]) -> None:
        """Fill in each class's direct subclasses, and the protocols that it fulfils."""
        for cls in classes:
            for base in cls.node.bases:
                for item in t.ordered(self._head(base, cls)):
                    # `class Model(Model)`: the base is what was imported under that name.
                    if not isinstance(item, t.ClassObject) or item.cls is cls:
                        continue
                    if cls not in item.cls.subs:
                        item.cls.subs.append(cls)
        self.forget()
        structural.link(classes, self)
        self._subclasses.clear()
        self.forget()

    def _head(self, base: s.Expr, cls: sc.Class) -> Types:
        """The class that a base expression names, without its generic arguments."""
        expr = base.value if isinstance(base, s.Subscript) else base
        return self._inference.infer(expr, cls.outer)

    def parameters(self, cls: sc.Class) -> tuple[str, ...]:
        """Names of the class's type parameters, in order."""
        if cls not in self._parameters:
            self._parameters[cls] = ()
            self._parameters[cls] = self._find_parameters(cls)
        return self._parameters[cls]

    def _find_parameters(self, cls: sc.Class) -> tuple[str, ...]:
        order = list(cls.node.type_params)
        for base in cls.node.bases:
            if not isinstance(base, s.Subscript):
                continue
            names = [
                item.id
                for item in subscript_items(base)
                if isinstance(item, s.Name) and self._is_variable(item, cls)
            ]
            if sc.last_name(base.value) in ("Generic", "Protocol"):
                return tuple(names)
            order += [name for name in names if name not in order]
        return tuple(order)

    def _is_variable(self, item: s.Name, cls: sc.Class) -> bool:
        types = self._inference.annotations.types(item, cls.outer)
        return any(isinstance(found, t.TypeVariable) for found in types)

    def order(self, cls: sc.Class, args: tuple[Types, ...] = ()) -> tuple[Ancestor, ...]:
        """The method resolution order (depth first, the last duplicate stays)."""
        key = (cls, args)
        found = self._orders.get(key)
        if found is not None:
            return found
        if cls in self._busy:
            return (Ancestor(cls),)
        self._busy.add(cls)
        try:
            found = self._find_order(cls, args)
        finally:
            self._busy.discard(cls)
        self._orders[key] = found
        return found

    def _find_order(self, cls: sc.Class, args: tuple[Types, ...]) -> tuple[Ancestor, ...]:
        values = generics.pair(self.parameters(cls), args)
        chain = [Ancestor(cls, "", values)]
        for base in cls.node.bases:
            chain += self._base_order(base, cls, values)
        chain += [Ancestor(None, dotted) for dotted in cls.extra_bases]
        chain += [Ancestor(protocol) for protocol in cls.protocols]
        unique: dict[object, Ancestor] = {}
        for ancestor in reversed(chain):
            unique.setdefault(ancestor.cls or ancestor.dotted, ancestor)
        return tuple(reversed(unique.values()))

    def _base_order(self, base: s.Expr, cls: sc.Class, values: dict[str, Types]) -> list[Ancestor]:
        args: tuple[Types, ...] = ()
        if isinstance(base, s.Subscript):
            annotations = self._inference.annotations
            args = tuple(
                generics.substitute(annotations.types(item, cls.outer), values)
                for item in subscript_items(base)
            )
        found: list[Ancestor] = []
        for head in t.ordered(self._head(base, cls)):
            if isinstance(head, t.ClassObject):
                found += self.order(head.cls, args or head.args)
            elif isinstance(head, t.External):
                found.append(Ancestor(None, head.dotted))
            elif isinstance(head, t.ExternalMethod):  # a class that an object of a library has
                found.append(Ancestor(None, f"{head.owner}.{head.name}"))
        return found

    def subclasses(self, cls: sc.Class) -> tuple[sc.Class, ...]:
        """All direct and indirect subclasses in the project."""
        if cls not in self._subclasses:
            found: dict[sc.Class, None] = {}
            pending = list(cls.subs)
            while pending:
                current = pending.pop(0)
                if current not in found and current is not cls:
                    found[current] = None
                    pending += current.subs
            self._subclasses[cls] = tuple(found)
        return self._subclasses[cls]

    def externals(self, cls: sc.Class) -> frozenset[str]:
        """Dotted names of the external classes that `cls` inherits from."""
        if cls not in self._externals:
            names = (ancestor.dotted for ancestor in self.order(cls) if ancestor.cls is None)
            self._externals[cls] = frozenset(names)
        return self._externals[cls]

    def is_a(self, cls: sc.Class, names: frozenset[str]) -> bool:
        """Whether `cls` inherits from one of the external classes `names`."""
        return not names.isdisjoint(self.externals(cls))

    def member(
        self, cls: sc.Class, args: tuple[Types, ...], name: str, instance: bool, skip: int = 0
    ) -> Types:
        """Types of the member `name`, from the first class in the order that binds it.

        `instance` includes what methods assign to `self.<name>`; `skip` leaves out that many
        classes of the order (1 for `super()`).
        """
        for ancestor in self.order(cls, args)[skip:]:
            bindings = member_bindings(ancestor.cls, name, instance)
            if bindings:
                types = self._inference.targets(bindings)
                if types:
                    return generics.substitute(types, ancestor.values)
        return t.UNKNOWN

    def overriding(self, cls: sc.Class, name: str) -> list[sc.Function]:
        """Methods `name` that subclasses of `cls` define, or have from a class beside it."""
        own = {ancestor.cls for ancestor in self.order(cls)}
        found: dict[sc.Function, None] = {}
        for sub in self.subclasses(cls):
            home = self.home(sub, name)
            if home is not None and home not in own:
                found.update(dict.fromkeys(_functions(home, name)))
        return list(found)

    def home(self, cls: sc.Class, name: str) -> sc.Class | None:
        """The class of the project from which `cls` has `name`."""
        if name in cls.scope.names:
            return cls
        order = (ancestor.cls for ancestor in self.order(cls))
        return next((home for home in order if home and name in home.scope.names), None)

    def family(self, fn: sc.Function) -> tuple[sc.Function, ...]:
        """`fn` with every method that overrides it, or that it overrides."""
        if fn.cls is None:
            return (fn,)
        found: dict[sc.Function, None] = {fn: None}
        for ancestor in self.order(fn.cls):
            if ancestor.cls is None:
                continue
            own = _functions(ancestor.cls, fn.name)
            if own:
                overriding = self.overriding(ancestor.cls, fn.name)
                found.update(dict.fromkeys([*own, *overriding]))
        return tuple(found)


def _functions(cls: sc.Class, name: str) -> list[sc.Function]:
    bindings = cls.scope.names.get(name, ())
    return [item.function for item in bindings if isinstance(item, sc.FunctionBinding)]


def member_bindings(cls: sc.Class | None, name: str, instance: bool) -> list[sc.Binding]:
    """What binds the member `name` in `cls` itself."""
    if cls is None:
        return []
    found = cls.scope.names.get(name, [])
    if instance and name in cls.instance:
        found = [*found, *cls.instance[name]]
    return found


def subscript_items(node: s.Subscript) -> tuple[s.Expr, ...]:
    """`(A, B)` of `x[A, B]`, `(A,)` of `x[A]`."""
    if isinstance(node.index, s.Sequence) and node.index.kind == "tuple":
        return node.index.items
    return (node.index,)


def receiver_class(receiver: Type | None) -> sc.Class | None:
    """The project class that a method is called on."""
    return receiver.cls if isinstance(receiver, t.Instance | t.ClassObject) else None
