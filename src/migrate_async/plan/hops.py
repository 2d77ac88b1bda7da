"""The sessions of an application hop, `HopSession`, while they serve code that stays sync."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from migrate_async.index.scopes import Module
from migrate_async.index.sessions import Variable
from migrate_async.plan.both_worlds.surroundings import Surroundings
from migrate_async.plan.database import (
    ModuleEdits,
    factory_obstacle,
    hop_edits,
    hop_removal,
    hop_statement,
    own_hop_statement,
)


class Hops:
    """Adds that to the factories of requests, and takes it away again."""

    def __init__(
        self,
        around: Surroundings,
        becomes_async: Callable[[Variable], bool],
        lent: Iterable[Variable],
    ) -> None:
        self._lent = tuple(lent)
        self._project = around.project
        self._twins = around.twins
        self._provider = around.provider
        self._becomes_async = becomes_async

    def changes(self, *, needed: bool) -> Iterator[tuple[Module, ModuleEdits]]:
        """Sessions serve code that stays sync as long as there is some."""
        for factory in self._project.session_factories:
            if factory.scope.kind != "module" or factory in self._twins.variables:
                continue
            statement = hop_statement(factory)
            if statement is not None and not needed:
                yield factory.module, hop_removal(statement)
            elif statement is None and needed and self._serves_requests(factory):
                yield factory.module, hop_edits(self._project, factory)
        yield from self._own(needed=needed)

    def _own(self, *, needed: bool) -> Iterator[tuple[Module, ModuleEdits]]:
        """The factories that functions make for themselves and lend sessions of."""
        for factory in self._lent:
            statement = own_hop_statement(factory.name, factory.scope.function)
            if statement is not None and not needed:
                yield factory.module, hop_removal(statement)
            elif statement is None and needed:
                made = self._project.statement_of(factory.value)
                yield factory.module, hop_edits(self._project, factory, made)

    def _serves_requests(self, factory: Variable) -> bool:
        if factory.kind == "async_sessionmaker":
            return (factory.module.name, factory.name) == (
                self._provider.module,
                self._provider.factory,
            )
        return self._becomes_async(factory) and factory_obstacle(self._project, factory) is None
