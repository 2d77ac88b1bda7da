"""`next(get_db())` in code that stays sync: a session of its own, which it was all along."""

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


class FetchedSessions:
    """Takes them from the sync factory."""

    def __init__(self, worlds: BothWorlds, inner: InnerNames) -> None:
        self._project = worlds.project
        self._provider = worlds.around.provider
        self._twins = worlds.around.twins
        self._needs = worlds.needs
        self._inner = inner

    def repoint(self, found: ModuleEdits, function: Function, call: s.Call) -> None:
        """`next(get_db())` as a session of the function's own, which it was all along."""
        module = function.module
        for factory in self._project.session_factories:
            if factory in self._twins.variables or (factory.module.name, factory.name) != (
                self._provider.module,
                self._provider.factory,
            ):
                continue
            self._needs.variables[factory] = None
            code = f"{self._factory_name(found, module, call, factory)}()"
            found.edits.append(p.ReplaceExpression(span=call.span, codemod=NAME, code=code))
            found.unneeded += [node.id for node in s.walk(call) if isinstance(node, s.Name)]

    def _factory_name(
        self, found: ModuleEdits, module: Module, call: s.Call, factory: Variable
    ) -> str:
        """What the sync side of `factory` is called where `call` is, `next(get_db())`."""
        given = call.args[0].func if call.args and isinstance(call.args[0], s.Call) else call.func
        inner = self._inner.factory_name(given, factory)
        return inner or passing(found, module, factory.module, sync_name(factory), factory.name)
