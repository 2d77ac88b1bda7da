"""Dependencies that are methods of an object: `Depends(database.get_session)`.

Nothing in the class can name them for `Depends`, but the variable that holds the object can.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import takewhile

from migrate_async.index.project import Project
from migrate_async.index.scopes import AnnotatedBinding, Class, Function, Module, ValueBinding
from migrate_async.index.types import Instance
from migrate_async.model import syntax as s


@dataclass(frozen=True)
class Holder:
    """The variable `name` of `module` that `statement` makes an object for."""

    module: Module
    name: str
    statement: s.Stmt

    @property
    def above_definitions(self) -> s.Stmt:
        """The last statement below it, or itself, before the next function or class."""
        body = self.module.syntax.body
        below = body[body.index(self.statement) + 1 :] if self.statement in body else ()
        plain = takewhile(lambda item: not isinstance(item, s.FunctionDef | s.ClassDef), below)
        return [self.statement, *plain][-1]


class ObjectDependencies:
    """Finds the objects of a project that give sessions."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._known: dict[Function, Holder | None] = {}

    def holder(self, method: Function) -> Holder | None:
        """The one variable of a module through which FastAPI can call `method`."""
        if method not in self._known:
            found = self._holders.get(method.cls, ()) if method.cls is not None else ()
            self._known[method] = found[0] if len(found) == 1 else None
        return self._known[method]

    @cached_property
    def _holders(self) -> dict[Class, list[Holder]]:
        """Variables that hold an object of a class, by that class."""
        found: dict[Class, list[Holder]] = {}
        for module in self._project.modules.values():
            for name, value in _calls(module):
                holder = Holder(module, name, self._project.statement_of(value))
                for cls in self._classes(value, module):
                    found.setdefault(cls, []).append(holder)
        return found

    def _classes(self, value: s.Call, module: Module) -> dict[Class, None]:
        """The classes of the object that `value` makes, with those that they inherit from."""
        return {
            cls: None
            for item in self._project.infer(value, module.scope)
            if isinstance(item, Instance)
            for cls in self._project.mro(item.cls)
        }


def _calls(module: Module) -> Iterator[tuple[str, s.Call]]:
    """The calls whose values variables of `module` get."""
    for name, bindings in module.scope.names.items():
        for binding in bindings:
            if not isinstance(binding, ValueBinding | AnnotatedBinding):
                continue
            if isinstance(binding.value, s.Call):
                yield name, binding.value
