"""The names in a function that hold a session."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from migrate_async.index import types as t
from migrate_async.index.project import Project
from migrate_async.index.scopes import Function, ParameterBinding, Scope, WithBinding
from migrate_async.index.sessions import is_heuristic
from migrate_async.knowledge import sqlalchemy
from migrate_async.knowledge import transactions as known
from migrate_async.lint.view import View
from migrate_async.model import syntax as s

_METHODS = (
    known.READS
    | known.STAGES
    | known.WRITES
    | known.FLUSHES
    | known.COMMITS
    | known.ROLLBACKS
    | known.CLOSES
)


class Holder(NamedTuple):
    """`name` is dotted (`db`, `self.db`); `by_name`: nothing but its name says it is a session.

    `is_registry`: a `scoped_session`, which holds another session after `remove()`.
    `is_parameter`: the caller opened it, and closes it.
    """

    name: str
    scope: Scope
    is_async: bool
    by_name: bool
    is_registry: bool
    is_parameter: bool


class Holders:
    """Answers `of(function)`; each function is looked at once."""

    def __init__(self, view: View) -> None:
        self._project = view.project
        self._held: dict[Function, tuple[Holder, ...]] = {}

    def of(self, function: Function) -> tuple[Holder, ...]:
        """The names in `function` that hold a session."""
        if function not in self._held:
            self._held[function] = tuple(_holders(function, self._project))
        return self._held[function]


def _holders(function: Function, project: Project) -> Iterator[Holder]:
    """Names that hold a session in the code of `function` itself, each once."""
    seen: set[str] = set()
    for name, types, scope in _candidates(function, project):
        kind = project.session_kind_of(types)
        if kind is None or name in seen:
            continue
        seen.add(name)
        yield Holder(
            name,
            scope,
            kind == "async",
            is_heuristic(types),
            any(_is_registry(item) for item in types),
            _is_parameter(name, function),
        )


def _candidates(function: Function, project: Project) -> Iterator[tuple[str, t.Types, Scope]]:
    """What has a method like a session's called on it, and what `with` gives a name."""
    for call in function.calls:
        func = call.node.func
        if isinstance(func, s.Attribute) and func.attr in _METHODS:
            name = s.dotted_name(func.value)
            if name:
                yield name, project.infer(func.value, call.scope), call.scope
    if isinstance(function.node, s.FunctionDef):
        for name, bindings in function.scope.names.items():
            if any(type(binding) is WithBinding for binding in bindings):
                mention = s.Name(*function.node.span, name)
                yield name, project.infer(mention, function.scope), function.scope


def _is_registry(item: t.Type) -> bool:
    return getattr(item, "dotted", "") in (
        sqlalchemy.SCOPED_SESSION,
        "sqlalchemy.ext.asyncio.async_scoped_session",
    )


def _is_parameter(name: str, function: Function) -> bool:
    bindings = function.scope.names.get(name, ())
    return any(isinstance(binding, ParameterBinding) for binding in bindings)


def entered_directly(holder: Holder, project: Project) -> bool:
    """Whether all `with ... as holder` are on a session itself, not on a context manager for one.

    What a project's context manager does at its end (commit, close, nothing) is its own affair.
    """
    values = [
        binding.value
        for binding in holder.scope.names.get(holder.name, ())
        if isinstance(binding, WithBinding)
    ]
    return all(
        project.session_kind_of(project.infer(value, holder.scope)) is not None for value in values
    )
