"""Methods that one abstract method stands for: they share its colour.

A call may reach them through that method, also one that nobody sees: from another package, or
through an annotation that is not true. So do a function and the wrapper of its decorator, which is
called in its place.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from migrate_async.index.members import is_property
from migrate_async.index.project import Project
from migrate_async.index.scopes import Function
from migrate_async.index.stubs import is_abstract


class Contracts:
    """Answers for one project."""

    def __init__(self, project: Project) -> None:
        self._project = project

    def of(self, function: Function) -> tuple[Function, ...]:
        """The other methods that have to be awaited where `function` is."""
        return self._contracts.get(function, ())

    @cached_property
    def _contracts(self) -> dict[Function, tuple[Function, ...]]:
        found: dict[Function, dict[Function, None]] = {}
        for base, function in (*self._overriding(), *self._wrapping()):
            found.setdefault(function, {})[base] = None
            found.setdefault(base, {})[function] = None
        return {function: tuple(others) for function, others in found.items()}

    def _overriding(self) -> Iterator[tuple[Function, Function]]:
        """Abstract methods with what runs in their place."""
        for base in self._project.functions:
            if not _is_bound(base) or not is_abstract(base):
                continue
            for function in filter(_is_bound, self._project.overriding(base)):
                yield base, function

    def _wrapping(self) -> Iterator[tuple[Function, Function]]:
        """What decorators are on, with the wrapper in its place, if that can be a coroutine."""
        for wrapper in self._project.functions:
            for function in self._project.wrapped_by(wrapper) if wrapper.boundary is None else ():
                if not (wrapper.is_async or wrapper.is_generator):
                    yield function, wrapper


def _is_bound(function: Function) -> bool:
    """Whether a plain method is called by name and gives one value."""
    return (
        function.cls is not None
        and not function.is_async
        and not function.name.startswith("__")
        and not function.is_generator
        and not is_property(function)
    )
