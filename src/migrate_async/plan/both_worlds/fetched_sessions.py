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
from migrate_async.plan.both_worlds.refusals import Refusals
from migrate_async.plan.both_worlds.worlds import BothWorlds
from migrate_async.plan.engines import NAME
from migrate_async.plan.fetched import Construction, construction, dependency_of, is_unmade
from migrate_async.plan.module_edits import ModuleEdits, add_change
from migrate_async.plan.names import local_name
from migrate_async.plan.sessions.acquisitions import Acquisition
from migrate_async.plan.sessions.classes import sync_home_of_dependency
from migrate_async.plan.sessions.made_sessions import replace_func
from migrate_async.plan.sessions.sources import factory_of
from migrate_async.plan.text import source


class FetchedSessions:
    """Takes them from the sync factory."""

    def __init__(self, worlds: BothWorlds, inner: InnerNames, refusals: Refusals) -> None:
        self._refusals = refusals
        self._worlds = worlds
        self._project = worlds.project
        self._provider = worlds.around.provider
        self._twins = worlds.around.twins
        self._needs = worlds.needs
        self._inner = inner

    def repoint(self, found: ModuleEdits, function: Function, given: Acquisition) -> None:
        """Make the session of `given` anew."""
        module, call = function.module, given.call
        made = construction(self._project, call) if given.kind == "next" else None
        if made is not None:
            self._construct(found, function, call, made)
            return
        if given.kind == "next" and is_unmade(self._project, call):
            self._refuse(found, function, given)
            return
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

    def _construct(
        self, found: ModuleEdits, function: Function, call: s.Call, made: Construction
    ) -> None:
        """`Session(sync_engine)`, where the dependency does `with Session(engine) as db:`."""
        if not self._worlds.becomes_async(made.engine):
            return
        module = function.module
        self._needs.variables[made.engine] = None
        home, name = made.engine.module, made.engine.name
        engine = passing(found, module, home, sync_name(made.engine), name)
        package = sync_home_of_dependency(self._project, made.dependency)
        session = local_name(module, package, "Session")
        if session is None:
            session = add_change(found, module, p.ImportChange(NAME, package, "Session"))
        code = source(replace_func(made.on(engine), session))
        found.edits.append(p.ReplaceExpression(span=call.span, codemod=NAME, code=code))
        for node in s.walk(call):
            found.unneeded += self._worlds.unneeded(function, node)

    def _refuse(self, found: ModuleEdits, function: Function, given: Acquisition) -> None:
        """`next(get_session())` of what nobody else can make, and what gives async ones now."""
        dependency = dependency_of(self._project, given.call)
        if dependency is None or not self._worlds.is_async(dependency):
            return
        if isinstance(given.giver, s.Name | s.Attribute):
            found.diagnostics.append(self._refusals.cannot_stay(function, given.giver))

    def _factory_name(
        self, found: ModuleEdits, module: Module, given: Acquisition, factory: Variable
    ) -> str:
        """What the sync side of `factory` is called where `next(get_db())` is."""
        inner = self._inner.factory_name(given.giver or given.call.func, factory)
        return inner or passing(found, module, factory.module, sync_name(factory), factory.name)
