"""Sessions and engines that pytest hands from fixtures to tests and other fixtures."""

from __future__ import annotations

from functools import cached_property

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function
from migrate_async.index.types import DictOf, ExternalInstance, ListOf, TupleOf, Type, Types
from migrate_async.knowledge import sqlalchemy
from migrate_async.model import syntax as s
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
        """The fixtures that `user`, a test or fixture, gets one from."""
        return tuple(self._given.get(user, ()))

    def takers(self, fixture: Function) -> tuple[Function, ...]:
        """The tests and fixtures that get one from `fixture`."""
        return tuple(self._takers.get(fixture, ()))

    @cached_property
    def _given(self) -> dict[Function, list[Function]]:
        found: dict[Function, list[Function]] = {}
        for user in filter(takes_fixtures, self._project.functions):
            for param, fixture in fixtures_of(self._project, user):
                if self._gives(param, user):
                    found.setdefault(user, []).append(fixture)
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
