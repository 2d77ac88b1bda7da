"""Methods that one abstract method stands for: they share its colour.

A call may reach them through that method, also one that nobody sees: from another package, or
through an annotation that is not true.
"""

from __future__ import annotations

from functools import cached_property

from migrate_async.index.members import is_property
from migrate_async.index.project import Project
from migrate_async.index.scopes import Function, FunctionBinding
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
        for function in self._project.functions:
            if not _is_bound(function):
                continue
            for base in self._abstract(function):
                found.setdefault(function, {})[base] = None
                found.setdefault(base, {})[function] = None
        return {function: tuple(others) for function, others in found.items()}

    def _abstract(self, function: Function) -> list[Function]:
        """The abstract methods that `function` overrides."""
        assert function.cls is not None  # noqa: S101  it is a method
        return [
            binding.function
            for cls in self._project.mro(function.cls)[1:]
            for binding in cls.scope.names.get(function.name, ())
            if isinstance(binding, FunctionBinding)
            and _is_bound(binding.function)
            and is_abstract(binding.function)
        ]


def _is_bound(function: Function) -> bool:
    """Whether a plain method is called by name and gives one value."""
    return (
        function.cls is not None
        and not function.is_async
        and not function.name.startswith("__")
        and not function.is_generator
        and not is_property(function)
    )
