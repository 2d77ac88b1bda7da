"""The engines and factories of modules that become async and get a sync side."""

from __future__ import annotations

from functools import cached_property

from migrate_async.index.scopes import Function, Module
from migrate_async.index.sessions import Variable
from migrate_async.plan.both_worlds.needs import sync_name
from migrate_async.plan.both_worlds.worlds import BothWorlds
from migrate_async.plan.leftovers.twins import sync_maker_name
from migrate_async.plan.makers import Makers, can_be_copied
from migrate_async.plan.names import is_variable


class SyncSources:
    """Those of a project; what is asked for is needed from then on."""

    def __init__(self, worlds: BothWorlds) -> None:
        self._worlds = worlds
        self._project = worlds.project
        self._needs = worlds.needs
        self._makers = worlds.project.shared(Makers)
        self._names: dict[tuple[Module, str], Variable | Function | None] = {}

    def needed(self, home: Module, name: str) -> tuple[Variable | Function, str] | None:
        """What `name`, read in `home`, stands for that is needed from now on, and its sync name."""
        found = self.meant(home, name)
        if isinstance(found, Function):
            self._needs.makers[found] = None
            return found, sync_maker_name(found.name)
        if found is None:
            return None
        self._needs.variables[found] = None
        return found, sync_name(found)

    def meant(self, home: Module, name: str) -> Variable | Function | None:
        """Which of the sources and makers `name`, read in `home`, is."""
        if (home, name) not in self._names:
            sources: tuple[Variable | Function, ...] = (*self.variables, *self._copied)
            self._names[home, name] = next(
                (item for item in sources if is_variable(home, item.module, item.name, name)), None
            )
        return self._names[home, name]

    @cached_property
    def variables(self) -> tuple[Variable, ...]:
        """The factories and engines of modules that become async and can have a sync side."""
        return tuple(
            source
            for source in (*self._project.session_factories, *self._project.engines)
            if source.kind in ("sessionmaker", "engine") and source.scope.kind == "module"
            if self._worlds.becomes_async(source) and self._worlds.offers.can_have(source)
        )

    @cached_property
    def _copied(self) -> tuple[Function, ...]:
        """The functions that make such, and of which there can be a copy."""
        return tuple(
            maker
            for maker, variables in self._makers.variables.items()
            if can_be_copied(self._project, maker)
            and any(map(self._worlds.becomes_async, variables))
        )
