"""Dependencies that are methods of an object: `Depends(database.get_session)`.

Nothing in the class can name them for `Depends`, but the variable that holds the object can.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile

from migrate_async.index.project import Project
from migrate_async.index.scopes import AnnotatedBinding, Function, Module, ValueBinding
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
            found = list(self._holders(method)) if method.cls is not None else []
            self._known[method] = found[0] if len(found) == 1 else None
        return self._known[method]

    def _holders(self, method: Function) -> Iterator[Holder]:
        for module in self._project.modules.values():
            for name, bindings in module.scope.names.items():
                for binding in bindings:
                    if not isinstance(binding, ValueBinding | AnnotatedBinding):
                        continue
                    value = binding.value
                    if isinstance(value, s.Call) and self._has(value, module, method):
                        yield Holder(module, name, self._project.statement_of(value))

    def _has(self, value: s.Call, module: Module, method: Function) -> bool:
        return any(
            isinstance(item, Instance) and method.cls in self._project.mro(item.cls)
            for item in self._project.infer(value, module.scope)
        )
