"""The sessions of an application hop, `HopSession`, while they serve code that stays sync."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import msgspec

from migrate_async.index.scopes import Function, Module, ValueBinding, last_name
from migrate_async.index.sessions import Variable
from migrate_async.knowledge.sqlalchemy import ASYNC_SCOPED_SESSION, TASK_SCOPED_SESSION
from migrate_async.model import syntax as s
from migrate_async.plan.both_worlds.surroundings import Surroundings
from migrate_async.plan.colouring.module_registries import is_of_module, makes_own_factory
from migrate_async.plan.factory_statements import (
    hop_edits,
    hop_removal,
    hop_statement,
    own_hop_statement,
)
from migrate_async.plan.fetched import factory_behind
from migrate_async.plan.module_edits import ModuleEdits
from migrate_async.plan.session_factories import factory_obstacle

_ASYNC_REGISTRIES = frozenset(
    name.rpartition(".")[2] for name in (ASYNC_SCOPED_SESSION, TASK_SCOPED_SESSION)
)


def _inside(registry: Variable) -> Variable:
    """The factory of a registry, which cannot be told by itself when it is imported: no task."""
    return msgspec.structs.replace(registry, name=f"{registry.name}.session_factory")


class Hops:
    """Adds that to the factories of requests, and takes it away again."""

    def __init__(
        self,
        around: Surroundings,
        becomes_async: Callable[[Variable], bool],
        lent: Iterable[Variable],
        asked: Iterable[Function],
    ) -> None:
        """`lent` are factories of functions; `asked` are dependencies of which a sync side is."""
        self._behind = {factory_behind(around.project, dependency) for dependency in asked}
        self._lent = tuple(lent)
        self._project = around.project
        self._twins = around.twins
        self._provider = around.provider
        self._becomes_async = becomes_async

    def changes(self, *, needed: bool) -> Iterator[tuple[Module, ModuleEdits]]:
        """Sessions serve code that stays sync as long as there is some."""
        for source in self._project.session_factories:
            if source.scope.kind != "module" or source in self._twins.variables:
                continue
            factory = _inside(source) if is_of_module(source) else source
            statement = hop_statement(factory)
            if statement is not None and not needed:
                yield factory.module, hop_removal(statement)
            elif statement is None and needed and self._serves_requests(source):
                yield factory.module, hop_edits(self._project, factory, self._twin_of(source))
        for registry in () if needed else self._registries():
            statement = hop_statement(_inside(registry))
            if statement is not None:
                yield registry.module, hop_removal(statement)
        yield from self._own(needed=needed)

    def _twin_of(self, factory: Variable) -> s.Stmt | None:
        """What makes the sync factory that an earlier run has put below `factory`."""
        place = factory.module, factory.name
        twins = self._twins.variables.values()
        return next((t.statement for t in twins if (t.module, t.name) == place), None)

    def _registries(self) -> Iterator[Variable]:
        """What an earlier run made of a `scoped_session` in a variable of a module."""
        for module in self._project.modules.values():
            for name, bindings in module.scope.names.items():
                for binding in bindings:
                    value = binding.value if isinstance(binding, ValueBinding) else None
                    if isinstance(value, s.Call) and last_name(value.func) in _ASYNC_REGISTRIES:
                        yield Variable(name, "", "async_scoped_session", value, module.scope)

    def _own(self, *, needed: bool) -> Iterator[tuple[Module, ModuleEdits]]:
        """The factories that functions make, for themselves or for requests."""
        for factory in dict.fromkeys((*self._lent, *self._made)):
            statement = own_hop_statement(factory.name, factory.scope.function)
            if statement is not None and not needed:
                yield factory.module, hop_removal(statement)
            elif statement is None and needed:
                made = self._project.statement_of(factory.value)
                yield factory.module, hop_edits(self._project, factory, made)

    @property
    def _made(self) -> Iterator[Variable]:
        """Those that functions make and hand out, and what an earlier run made of some."""
        for factory in self._project.session_factories:
            if factory.scope.kind != "function" or not self._has_name(factory):
                continue
            is_configured = own_hop_statement(factory.name, factory.scope.function) is not None
            if is_configured or self._becomes_async(factory):
                yield factory

    def _has_name(self, factory: Variable) -> bool:
        """Whether it is assigned to a name, and no registry."""
        if factory.kind not in ("sessionmaker", "async_sessionmaker") or factory.module.is_test:
            return False
        statement = self._project.statement_of(factory.value)
        if isinstance(statement, s.AnnotatedAssign):
            targets: tuple[s.Expr, ...] = (statement.target,)
        else:
            targets = statement.targets if isinstance(statement, s.Assign) else ()
        return [s.dotted_name(target) for target in targets] == [factory.name]

    def _serves_requests(self, factory: Variable) -> bool:
        if factory.kind == "async_sessionmaker":
            is_main = (factory.module.name, factory.name) == self._provider.home
            return is_main or factory in self._behind
        if is_of_module(factory):
            return self._becomes_async(factory) and makes_own_factory(factory)
        return self._becomes_async(factory) and factory_obstacle(self._project, factory) is None
