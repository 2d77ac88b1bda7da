"""`next(get_db())` in code that stays sync: a session of its own, which it was all along.

So is `contextmanager(get_db)()`, of a dependency that does no more than open a session.
"""

from __future__ import annotations

from migrate_async.index.scopes import Function, Module
from migrate_async.index.sessions import Variable
from migrate_async.model import plan as p
from migrate_async.model import syntax as s
from migrate_async.plan.both_worlds.inner_names import InnerNames
from migrate_async.plan.both_worlds.needs import passing, sync_name
from migrate_async.plan.both_worlds.worlds import BothWorlds
from migrate_async.plan.engines import NAME
from migrate_async.plan.module_edits import ModuleEdits
from migrate_async.plan.sessions.acquisitions import Acquisition, factory_of


class FetchedSessions:
    """Takes them from the sync factory."""

    def __init__(self, worlds: BothWorlds, inner: InnerNames) -> None:
        self._worlds = worlds
        self._project = worlds.project
        self._provider = worlds.around.provider
        self._twins = worlds.around.twins
        self._needs = worlds.needs
        self._inner = inner

    def repoint(self, found: ModuleEdits, function: Function, given: Acquisition) -> None:
        """Make the session of `given` anew."""
        module, call = function.module, given.call
        own = factory_of(self._project, given)
        home = (own.module.name, own.name) if own is not None else self._provider.home
        for factory in self._project.session_factories:
            if factory in self._twins.variables or (factory.module.name, factory.name) != home:
                continue
            self._needs.variables[factory] = None
            code = f"{self._factory_name(found, module, given, factory)}()"
            found.edits.append(p.ReplaceExpression(span=call.span, codemod=NAME, code=code))
            for node in s.walk(call):
                found.unneeded += self._worlds.unneeded(function, node)

    def _factory_name(
        self, found: ModuleEdits, module: Module, given: Acquisition, factory: Variable
    ) -> str:
        """What the sync side of `factory` is called where `next(get_db())` is."""
        inner = self._inner.factory_name(given.giver or given.call.func, factory)
        return inner or passing(found, module, factory.module, sync_name(factory), factory.name)
