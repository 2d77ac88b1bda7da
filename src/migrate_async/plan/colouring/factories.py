"""Objects that keep a session factory, or an engine: `self.factory()` in a unit of work, a job.

It is one thing, sync or async, so that the methods that use it convert together or not at all.
"""

from __future__ import annotations

from functools import cached_property

from migrate_async.index.project import Project
from migrate_async.index.scopes import Class, Function
from migrate_async.index.types import ExternalInstance, SessionFactory, Type
from migrate_async.knowledge.sqlalchemy import ENGINE, SCOPED_SESSION, SESSIONMAKER
from migrate_async.model import syntax as s


class KeptFactories:
    """Which functions of a project open sessions with one factory that an object keeps."""

    def __init__(self, project: Project) -> None:
        self._project = project

    def peers(self, function: Function) -> tuple[Function, ...]:
        """The functions that open sessions with the same factory."""
        key = self._keys.get(function)
        return tuple(other for other in self._users.get(key, ()) if other is not function)

    def users(self, cls: Class) -> tuple[Function, ...]:
        """The functions that use what objects of `cls` keep."""
        return tuple(self._users.get(self._keepers.get(cls), ()))

    @cached_property
    def _users(self) -> dict[Class | None, list[Function]]:
        found: dict[Class | None, list[Function]] = {}
        for function, key in self._keys.items():
            found.setdefault(key, []).append(function)
        return found

    @cached_property
    def _keys(self) -> dict[Function, Class]:
        """Each function that uses such a factory, and the class that all who share it inherit."""
        return {
            function: self._keepers[cls]
            for function in self._project.functions
            for cls in (function.cls,)
            if cls is not None and cls in self._keepers
            if function.name != "__init__" and self._opens(function, cls)
        }

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
