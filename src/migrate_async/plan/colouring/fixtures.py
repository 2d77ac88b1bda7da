"""Sessions and engines that pytest hands from fixtures to tests and other fixtures."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function
from migrate_async.index.types import DictOf, ExternalInstance, ListOf, TupleOf, Type, Types
from migrate_async.knowledge import sqlalchemy
from migrate_async.model import syntax as s
from migrate_async.plan.colouring.closures import bound_in
from migrate_async.plan.testing.pytest_support import fixtures_of, takes_fixtures

_ENGINES = frozenset({sqlalchemy.ENGINE, sqlalchemy.CONNECTION})


def is_source(project: Project, types: Types) -> bool:
    """Whether a value of `types` is a session, or a sync engine or connection, or holds one."""
    return project.session_kind_of(types) is not None or any(_holds(project, t) for t in types)


def _holds(project: Project, item: Type) -> bool:
    if isinstance(item, ExternalInstance):
        return item.dotted in _ENGINES
    if isinstance(item, ListOf):
        return is_source(project, item.items)
    if isinstance(item, DictOf):
        return is_source(project, item.values)
    return isinstance(item, TupleOf) and any(is_source(project, part) for part in item.items)


class FixtureSources:
    """Who gets a session or an engine from which fixture."""

    def __init__(self, project: Project) -> None:
        self._project = project

    def of(self, user: Function) -> tuple[Function, ...]:
        """The fixtures that `user` gets one from: a test or fixture, or a function inside one."""
        return tuple(self._given.get(user, ()))

    def takers(self, fixture: Function) -> tuple[Function, ...]:
        """The tests and fixtures that get one from `fixture`, and functions inside them."""
        return tuple(self._takers.get(fixture, ()))

    @cached_property
    def _given(self) -> dict[Function, list[Function]]:
        found: dict[Function, list[Function]] = {}
        for user in filter(takes_fixtures, self._project.functions):
            for param, fixture in fixtures_of(self._project, user):
                if self._gives(param, user):
                    for taker in (user, *self._inside(user, param.name)):
                        found.setdefault(taker, []).append(fixture)
        return found

    def _inside(self, user: Function, name: str) -> Iterator[Function]:
        """The functions inside `user` that use what it calls `name`."""
        for inner in self._inner.get(user, ()):
            if any(
                node.id == name and bound_in(name, self._project.scope_of(node)) is user
                for node in inner.nodes(s.Name)
            ):
                yield inner

    @cached_property
    def _inner(self) -> dict[Function, list[Function]]:
        """What is inside of each test and fixture."""
        found: dict[Function, list[Function]] = {}
        for function in self._project.functions:
            for outer in function.around if function.module.is_test else ():
                found.setdefault(outer, []).append(function)
        return found

    def _gives(self, param: s.Parameter, user: Function) -> bool:
        return is_source(
            self._project, self._project.infer(s.Name(*param.span, param.name), user.scope)
        )

    @cached_property
    def _takers(self) -> dict[Function, list[Function]]:
        found: dict[Function, list[Function]] = {}
        for user, fixtures in self._given.items():
            for fixture in fixtures:
                found.setdefault(fixture, []).append(user)
        return found
