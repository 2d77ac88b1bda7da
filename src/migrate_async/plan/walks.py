"""Code that walks over the relationships of an object, whatever class that is of.

    def to_dict(obj):
        return {rel.key: getattr(obj, rel.key) for rel in inspect(type(obj)).relationships}

No query can be told what it reads: each object of each class that it is given loads all. Such a
function runs SQL as it goes, as one that follows a tree does: it becomes a coroutine that awaits
each of them, or stays on the sync session.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple

from migrate_async.index.project import Model, Project
from migrate_async.index.scopes import Class, Function, RawCall, last_name
from migrate_async.index.types import Instance
from migrate_async.knowledge.sqlalchemy import EAGER, ON_ACCESS
from migrate_async.model import syntax as s
from migrate_async.plan.attribute_names import AttributeNames
from migrate_async.plan.loops_over_attributes import names_all, names_columns

_LOADED = ON_ACCESS | EAGER
"""What the mapping loads, too: new objects have nothing that queries bring."""

_ASKING = frozenset({"object_mapper", "type"})


class Walk(NamedTuple):
    """`call`, a `getattr()`, reads relationships of objects of `models` by their names."""

    call: RawCall
    models: tuple[Class, ...]


class Walks:
    """Answers for one project."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._names = AttributeNames(project)
        self._found: dict[Function, tuple[Walk, ...]] = {}

    def of(self, function: Function) -> tuple[Walk, ...]:
        """Those in the function's own code that nothing awaits yet."""
        if function not in self._found:
            self._found[function] = tuple(self._find(function))
        return self._found[function]

    def first(self, function: Function) -> s.Call | None:
        """The first of them by which `function` runs SQL on sync sessions."""
        walks = self.of(function)
        if not walks or function.module.is_test or self._is_of_async(function, set()):
            return None
        return walks[0].call.node

    def _is_of_async(self, function: Function, seen: set[Function]) -> bool:
        """Whether code on async sessions calls it as it is: all that it reads is loaded by then."""
        if function in seen:
            return False
        seen.add(function)
        if function.is_async:
            return self._project.takes_session(function, "async")
        return any(
            site.kind == "call" and self._is_of_async(site.function, seen)
            for site in self._project.callers(function)
        )

    def unknown(self, function: Function) -> Iterator[Walk]:
        """The reads of its own code by names of which nothing is known."""
        for call in filter(is_computed, function.calls):
            models = self._late(call)
            if models and not self._is_known(call):
                yield Walk(call, models)

    def _is_known(self, call: RawCall) -> bool:
        node, scope = call.node, call.scope
        if names_columns(self._project, node, scope) or names_all(self._project, node, scope):
            return True
        return self._names.of(node.args[1], scope).is_known

    def _find(self, function: Function) -> Iterator[Walk]:
        for call in filter(is_computed, function.calls):
            models = self._read(call)
            if models:
                yield Walk(call, models)

    def _read(self, call: RawCall) -> tuple[Class, ...]:
        """The classes of the objects of which `call` may load a relationship."""
        node, scope = call.node, call.scope
        if names_columns(self._project, node, scope) or names_all(self._project, node, scope):
            return ()  # known by their names
        names = self._names.of(node.args[1], scope)
        if not names.of_mapping and names.constants.isdisjoint(self._relationships):
            return ()
        models = self._models(node.args[0], call, is_mapped=names.of_mapping)
        return tuple(
            model.cls
            for model in models
            if any(names.of_mapping or name in names.constants for name in _loaded(model))
        )

    def _late(self, call: RawCall) -> tuple[Class, ...]:
        """The classes of the objects of which `call` may read anything that loads."""
        models = self._models(call.node.args[0], call, is_mapped=False)
        return tuple(model.cls for model in models if any(_loaded(model)))

    def _models(self, owner: s.Expr, call: RawCall, *, is_mapped: bool) -> list[Model]:
        """The models of `owner`.

        If it `is_mapped`, all of them where nobody knows; else none where it may be something else.
        """
        models = self._project.models
        found: dict[str, Model] = {}
        for item in self._project.infer(owner, call.scope):
            seen = (
                (item.cls, *self._project.subclasses(item.cls))
                if isinstance(item, Instance)
                else ()
            )
            mapped = [models[cls.qualname] for cls in seen if cls.qualname in models]
            if not mapped and not is_mapped:
                return []
            found.update((model.qualname, model) for model in mapped)
        if not found and is_mapped and _is_asked_its_class(owner, call):
            found = models
        return sorted(found.values(), key=lambda model: model.cls.order)

    @cached_property
    def _relationships(self) -> frozenset[str]:
        return frozenset(
            name for model in self._project.models.values() for name in model.relationships
        )


def _is_asked_its_class(owner: s.Expr, call: RawCall) -> bool:
    """Whether the function asks what `owner` is an object of: `type(owner)`, `owner.__class__`.

    What a mapper gives is read of classes, too: `selectinload(getattr(model, rel.key))`.
    """
    name, node = s.dotted_name(owner), call.scope.function.node
    if not name or node is None:
        return False
    return any(s.dotted_name(asked) == name for part in s.walk(node) for asked in _asked(part))


def _asked(node: s.AnyNode) -> Iterator[s.Expr]:
    """What is an object, as `node` asks it for its class or mapper."""
    if isinstance(node, s.Attribute) and node.attr == "__class__":
        yield node.value
    elif isinstance(node, s.Attribute) and node.attr == "mapper":
        if isinstance(node.value, s.Call) and last_name(node.value.func) == "inspect":
            yield from node.value.args[:1]
    elif isinstance(node, s.Call) and last_name(node.func) in _ASKING:
        yield from node.args[:1]


def _loaded(model: Model) -> Iterator[str]:
    """The relationships of which a read loads what no query brought."""
    for name, relationship in model.relationships.items():
        if (relationship.lazy or "") in _LOADED:
            yield name


def is_computed(call: RawCall) -> bool:
    """Whether `call` is `getattr(x, name)` that nothing awaits, and `name` does not stand there."""
    node = call.node
    if call.name != "getattr" or not isinstance(node.func, s.Name):
        return False  # `getattr(x, name)(y, z)`
    if len(node.args) < 2 or isinstance(node.args[1], s.Constant):
        return False
    owner = node.args[0]
    return not (isinstance(owner, s.Attribute) and owner.attr == "awaitable_attrs")
