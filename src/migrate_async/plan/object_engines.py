"""The engines that an attribute of an object may be: `database.engine`.

A method has put it there, or a property gives it, which may make it, too.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index.members import is_property
from migrate_async.index.project import Project
from migrate_async.index.scopes import Class, Function
from migrate_async.index.sessions import Variable
from migrate_async.model import syntax as s
from migrate_async.plan.colouring.handovers import owner_of
from migrate_async.plan.makers import Makers


class ObjectEngines:
    """Those of a project."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._makers = project.shared(Makers)

    def of(self, node: s.Attribute) -> Iterator[Variable]:
        """The engines that `node` may be, as far as their making is known."""
        cls = owner_of(self._project, node)
        if cls is not None:
            yield from self._named(cls, node.attr)
            for function in self._project.functions:
                if function.name == node.attr and function.cls in self._project.mro(cls):
                    yield from self._given(cls, function) if is_property(function) else ()

    def _named(self, cls: Class, attr: str) -> Iterator[Variable]:
        """Those that methods of `cls` put into the attribute."""
        names = {f"{owner.qualname}.{attr}" for owner in self._project.mro(cls)}
        return (engine for engine in self._project.engines if engine.qualname in names)

    def _given(self, cls: Class, getter: Function) -> Iterator[Variable]:
        """Those that a property gives."""
        for value in getter.returns:
            if isinstance(value, s.Attribute):
                yield from self._named(cls, value.attr)
        made = (*self._makers.for_functions.get(getter, ()), *self._makers.inside(getter))
        yield from (variable for variable in made if variable.kind == "engine")
