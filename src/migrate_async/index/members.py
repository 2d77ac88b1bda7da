"""Attributes: what `value.name` is, for each type of value."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from migrate_async.index import providers
from migrate_async.index import scopes as sc
from migrate_async.index import types as t
from migrate_async.index.resolve import external
from migrate_async.index.types import UNKNOWN, Type, Types
from migrate_async.knowledge import boundaries, pagination, sqlalchemy

if TYPE_CHECKING:
    from migrate_async.index.infer import Inference

_MAX_SUBCLASSES = 40
_METHOD_OWNERS = (
    t.QueryOf | t.SelectOf | t.ResultOf | t.ListOf | t.DictOf | t.TupleOf | t.SessionFactory
)
_TRIVIAL_BASES = frozenset({"builtins.object", "abc.ABC", "typing.Generic", "typing.Protocol"})
_CONSTRUCTORS = ("__init__", "__post_init__")


class Members:
    def __init__(self, inference: Inference) -> None:
        self._inference = inference

    def attribute(self, item: Type, name: str) -> Types:
        """What `name` of `item` is; properties give what they return."""
        if isinstance(item, t.Instance | t.ClassObject):
            return self._of_class(item, name)
        if isinstance(item, t.ModuleObject):
            return self._inference.targets(self._inference.names.member(item.name, name))
        if isinstance(item, t.External):
            return t.of(_external_member(item, name))
        if isinstance(item, t.ExternalInstance):
            return t.of(external_attribute(item, name))
        if isinstance(item, _METHOD_OWNERS) and not isinstance(item, t.PageOf):
            return t.of(_member(item, name))
        return self._of_other(item, name)

    def _of_other(self, item: Type, name: str) -> Types:
        if isinstance(item, t.PageOf | t.RowOf):
            return _of_parts(item, name)
        if isinstance(item, t.AliasedClass):
            return self._of_class(t.ClassObject(item.cls), name)
        if isinstance(item, t.Super):
            return self._of_super(item, name)
        if isinstance(item, t.ProviderOf | t.ProvidedOf):
            return providers.attribute(item, name, self._inference)
        if isinstance(item, t.TypeVariable):
            return t.union(
                self.attribute(t.as_class(bound) if item.is_class else bound, name)
                for bound in t.ordered(item.bound)
            )
        return UNKNOWN

    def _of_class(self, item: t.Instance | t.ClassObject, name: str) -> Types:
        if name == "awaitable_attrs":
            return t.of(item)  # its attributes are those of the object, to be awaited
        hierarchy = self._inference.hierarchy
        instance = isinstance(item, t.Instance)
        found = hierarchy.member(item.cls, item.args, name, instance)
        if not found:
            found = self._in_subclasses(item.cls, name, instance)
        if not found or self._overrides_session(item, name, found):
            return self._inherited(item, name)
        result: set[Type] = set()
        for member in t.ordered(found):
            if instance and name in self._inference.descriptors.names:
                result |= self._described(member, item, name)
            elif isinstance(member, t.FunctionObject) and member.fn.cls is not None:
                result |= self._method(member.fn, item, name)
            else:
                result.add(member)
        return frozenset(result)

    def _described(self, member: Type, item: t.Instance | t.ClassObject, name: str) -> Types:
        """What reading `name` gives, where it may be a descriptor of the project's own."""
        getters = self.properties(item, name)
        if not isinstance(member, t.Instance) or not getters:
            return t.of(member)
        return t.union(self._inference.calls.returns(fn, member) for fn in getters)

    def _overrides_session(self, item: t.Instance | t.ClassObject, name: str, found: Types) -> bool:
        """Whether `name` is an operation of sessions that a session class of the project overrides.

        `AsyncSession` runs it through its own method of that name, which is awaited.
        """
        return (
            isinstance(item, t.Instance)
            and name in sqlalchemy.OPERATIONS["session"]
            and any(isinstance(member, t.FunctionObject) for member in found)
            and self._inference.hierarchy.is_a(item.cls, sqlalchemy.SESSIONS)
        )

    def _method(self, fn: sc.Function, item: t.Instance | t.ClassObject, name: str) -> Types:
        if is_property(fn):
            return self._inference.calls.returns(fn, item)
        found: set[Type] = {
            t.FunctionObject(one, item) for one in (fn, *self._inference.dispatched.registered(fn))
        }
        if not name.startswith("__"):
            for other in self._inference.hierarchy.overriding(item.cls, name):
                assert other.cls is not None  # noqa: S101  `overriding` gives methods
                found.add(t.FunctionObject(other, type(item)(other.cls)))
        return frozenset(found)

    def _in_subclasses(self, cls: sc.Class, name: str, instance: bool) -> Types:
        """A mixin or abstract class may rely on what its subclasses define."""
        hierarchy = self._inference.hierarchy
        found: set[Type] = set()
        for sub in hierarchy.subclasses(cls)[:_MAX_SUBCLASSES]:
            if name in sub.scope.names or (instance and name in sub.instance):
                found |= hierarchy.member(sub, (), name, instance)
        return frozenset(found)

    def _inherited(self, item: t.Instance | t.ClassObject, name: str) -> Types:
        """A member that only an external base can define."""
        bases = self._inference.hierarchy.externals(item.cls)
        for owner in sqlalchemy.OWNERS:
            if owner in bases:
                return t.of(t.ExternalMethod(owner, name))
        return t.of(t.Method(item, name)) if bases - _TRIVIAL_BASES else UNKNOWN

    def _of_super(self, item: t.Super, name: str) -> Types:
        hierarchy = self._inference.hierarchy
        receiver = t.Instance(item.cls, (), True)
        found = hierarchy.member(item.cls, (), name, False, skip=1)
        if not found:
            for base in sorted(hierarchy.externals(item.cls)):
                if base in sqlalchemy.OWNERS:
                    return t.of(t.ExternalMethod(base, name))
            return t.of(t.External(f"builtins.object.{name}"))
        return frozenset(
            t.FunctionObject(member.fn, receiver)
            if isinstance(member, t.FunctionObject)
            else member
            for member in found
        )

    def properties(self, item: Type, name: str) -> list[sc.Function]:
        """The property functions that reading `item.name` runs."""
        if not isinstance(item, t.Instance | t.ClassObject):
            return []
        hierarchy = self._inference.hierarchy
        for ancestor in hierarchy.order(item.cls):
            bindings = ancestor.cls.scope.names.get(name, ()) if ancestor.cls else ()
            if bindings:
                assert ancestor.cls is not None  # noqa: S101  it has the bindings
                if isinstance(item, t.Instance):
                    found = self._inference.descriptors.functions(ancestor.cls, name)
                    if found:
                        return found
                own = [b.function for b in bindings if isinstance(b, sc.FunctionBinding)]
                overriding = hierarchy.overriding(item.cls, name)
                return [fn for fn in dict.fromkeys([*own, *overriding]) if is_property(fn)]
        return [fn for fn in hierarchy.overriding(item.cls, name) if is_property(fn)]

    def functions(self, item: Type, prefix: str = "", suffix: str = "") -> Types:
        """The functions whose names begin and end so; no special methods and no properties."""
        names: dict[str, None] = {}
        if isinstance(item, t.Instance | t.ClassObject):
            for ancestor in self._inference.hierarchy.order(item.cls):
                names.update(dict.fromkeys(ancestor.cls.scope.names if ancestor.cls else ()))
        elif isinstance(item, t.ModuleObject):
            module = self._inference.names.modules.get(item.name)
            names.update(dict.fromkeys(module.scope.names if module is not None else ()))
        found = t.union(
            self.attribute(item, name)
            for name in names
            if name.startswith(prefix) and name.endswith(suffix) and not name.startswith("__")
        )
        return frozenset(kind for kind in found if isinstance(kind, t.FunctionObject))

    def methods(self, item: Type, name: str) -> list[sc.Function]:
        """The project methods that `item.name` is."""
        types = t.ordered(self.attribute(item, name))
        return [method.fn for method in types if isinstance(method, t.FunctionObject)]

    def callables(self, item: Type) -> Iterator[tuple[sc.Function, Type | None]]:
        """Project functions that calling `item` runs, with their receivers."""
        if isinstance(item, t.FunctionObject | t.ContextFunction):
            yield item.fn, item.receiver
        elif isinstance(item, t.ClassObject):
            for fn in self.constructors(item):
                yield fn, item
        elif isinstance(item, t.TypeVariable) and item.is_class:
            yield from self._any_constructors(item)
        elif isinstance(item, t.Instance):
            for method in t.ordered(self.attribute(item, "__call__")):
                if isinstance(method, t.FunctionObject):
                    yield method.fn, method.receiver

    def _any_constructors(self, item: t.TypeVariable) -> Iterator[tuple[sc.Function, Type]]:
        """Those of all classes that `self.model` of a generic repository can be."""
        found: dict[sc.Function, Type] = {}
        for bound in t.ordered(item.bound):
            if isinstance(bound, t.Instance):
                for cls in (bound.cls, *self._inference.hierarchy.subclasses(bound.cls)):
                    made = t.ClassObject(cls)
                    found.update(dict.fromkeys(self.constructors(made), made))
        yield from found.items()

    def constructors(self, item: t.ClassObject) -> list[sc.Function]:
        """The project functions that instantiating `item` runs."""
        found: dict[sc.Function, None] = {}
        for name in _CONSTRUCTORS:
            types = self._inference.hierarchy.member(item.cls, item.args, name, False)
            for member in t.ordered(types):
                if isinstance(member, t.FunctionObject):
                    found[member.fn] = None
        return list(found)


def is_property(fn: sc.Function) -> bool:
    """Whether reading an attribute, not calling it, runs `fn`."""
    return not fn.decorator_names.isdisjoint(boundaries.PROPERTY_DECORATORS)


def _member(item: Type, name: str) -> Type:
    if isinstance(item, t.QueryOf) and name == "statement":
        return t.SelectOf(item.entities)
    return t.Method(item, name)


def _of_parts(item: t.PageOf | t.RowOf, name: str) -> Types:
    """What a page of results or a row of one has of this name."""
    if isinstance(item, t.PageOf):
        return UNKNOWN if name in pagination.FIGURES else t.of(t.ListOf(item.items))
    named = [entity.value for entity in item.entities if entity.name == name]
    return t.union(named) if named else t.of(t.Method(item, name))


def _external_member(item: t.External, name: str) -> Type:
    found = external(f"{item.dotted}.{name}")
    if found.dotted in sqlalchemy.SESSION_PROXIES:
        return t.ExternalInstance(sqlalchemy.SESSION)
    return found


def external_attribute(item: t.ExternalInstance, name: str) -> Type:
    """An attribute of a library object: itself a session or engine, or a method."""
    attribute = sqlalchemy.SESSION_ATTRIBUTES.get((item.dotted, name))
    if attribute is not None:
        return t.ExternalInstance(attribute)
    return t.ExternalMethod(item.dotted, name, item.heuristic)
