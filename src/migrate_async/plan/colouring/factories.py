"""Objects that keep a session factory, or an engine: `self.factory()` in a unit of work, a job.

It is one thing, sync or async, so that the methods that use it convert together or not at all.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from migrate_async.index.project import Project
from migrate_async.index.scopes import Class, Function
from migrate_async.index.types import ExternalInstance, Instance, SessionFactory, Type
from migrate_async.knowledge.sqlalchemy import ENGINE, SCOPED_SESSION, SESSIONMAKER
from migrate_async.model import syntax as s


class KeptFactories:
    """Which functions of a project open sessions with one factory that an object keeps."""

    def __init__(self, project: Project) -> None:
        self._project = project

    def peers(self, function: Function) -> tuple[Function, ...]:
        """The functions that open sessions with the same factory."""
        keys = self._keys.get(function, ())
        found = dict.fromkeys(other for key in keys for other in self._users[key])
        return tuple(other for other in found if other is not function)

    def users(self, cls: Class) -> tuple[Function, ...]:
        """The functions that use what objects of `cls` keep."""
        return tuple(self._users.get(self._keepers.get(cls), ()))

    @cached_property
    def _users(self) -> dict[Class | None, list[Function]]:
        found: dict[Class | None, list[Function]] = {}
        for function, keys in self._keys.items():
            for key in keys:
                found.setdefault(key, []).append(function)
        return found

    @cached_property
    def _keys(self) -> dict[Function, tuple[Class, ...]]:
        """Each function that uses such factories, and the classes that all who share one inherit.

        Methods of the object, and whoever opens a session with its factory: `service.factory()`.
        """
        found: dict[Function, tuple[Class, ...]] = {}
        for function in self._project.functions if self._keepers else ():
            keys = dict.fromkeys((*self._own(function), *self._opened(function)))
            if keys:
                found[function] = tuple(keys)
        return found

    def _own(self, function: Function) -> Iterator[Class]:
        cls = function.cls
        if cls is None or cls not in self._keepers:
            return
        uses = self._makes if function.name == "__init__" else self._opens
        if uses(function, cls):
            yield self._keepers[cls]

    def _makes(self, init: Function, cls: Class) -> bool:
        """Whether it makes what objects keep: that stays sync where `init` works on it at once."""
        return any(
            binding.scope.function is init and isinstance(getattr(binding, "value", None), s.Call)
            for attr, bindings in cls.instance.items()
            for binding in bindings
            if self._is_kept(cls, attr)
        )

    def _opened(self, function: Function) -> Iterator[Class]:
        """The classes with whose objects' factories `function` opens sessions from outside."""
        for call in function.calls:
            func = call.node.func
            if not isinstance(func, s.Attribute) or func.attr not in self._factories:
                continue
            if isinstance(func.value, s.Name) and func.value.id == function.self_name:
                continue
            for item in self._project.infer(func.value, call.scope):
                if isinstance(item, Instance) and self._has_factory(item.cls, func.attr):
                    yield self._keepers[item.cls]

    @cached_property
    def _factories(self) -> frozenset[str]:
        """The names of the attributes in which objects keep session factories."""
        return frozenset(
            attr
            for keeper in dict.fromkeys(self._keepers.values())
            for attr in keeper.instance
            if self._has_factory(keeper, attr)
        )

    def _has_factory(self, cls: Class, attr: str) -> bool:
        types = self._project.attribute_types(cls, attr) if cls in self._keepers else ()
        return any(isinstance(item, SessionFactory) and not item.is_async for item in types)

    @cached_property
    def _keepers(self) -> dict[Class, Class]:
        found: dict[Class, Class] = {}
        for cls in self._project.classes:
            for base in reversed(self._project.mro(cls)):
                if any(self._is_kept(base, attr) for attr in base.instance):
                    found.setdefault(cls, base)
        return found

    def _opens(self, function: Function, cls: Class) -> bool:
        return any(
            isinstance(node.value, s.Name)
            and node.value.id == function.self_name
            and any(self._is_kept(base, node.attr) for base in self._project.mro(cls))
            for node in function.nodes(s.Attribute)
        )

    def _is_kept(self, cls: Class, attr: str) -> bool:
        return self._is_factory(cls, attr) or self._is_registry(cls, attr)

    def _is_registry(self, cls: Class, attr: str) -> bool:
        """Whether objects of `cls` make a `scoped_session`, which is no session of theirs."""
        values = (getattr(binding, "value", None) for binding in cls.instance.get(attr, ()))
        return any(isinstance(value, s.Call) for value in values) and any(
            isinstance(item, ExternalInstance) and item.dotted == SCOPED_SESSION
            for item in self._project.attribute_types(cls, attr)
        )

    def _is_factory(self, cls: Class, attr: str) -> bool:
        return any(map(_makes_sessions, self._project.attribute_types(cls, attr)))


def _makes_sessions(item: Type) -> bool:
    if isinstance(item, SessionFactory):
        return True
    return isinstance(item, ExternalInstance) and item.dotted in (SESSIONMAKER, ENGINE)
