"""Sessions that an earlier run put on a sync engine, `Session(sync_engine)`, for a while."""

from __future__ import annotations

from migrate_async.index.scopes import Module, last_name
from migrate_async.knowledge.shim import BLOCKING_ENGINE
from migrate_async.model import plan as p
from migrate_async.model import syntax as s
from migrate_async.plan.leftovers.twins import Twins
from migrate_async.plan.names import import_path, local_name
from migrate_async.plan.sessions.changes import NAME


def on_async_engines(
    call: s.Call, importer: Module, twins: Twins
) -> tuple[s.Call, list[p.ImportChange]]:
    """`call` with the engines that it had before, and the imports that it needs for them."""
    imports: list[p.ImportChange] = []

    def engine(value: s.Expr) -> s.Expr:
        if isinstance(value, s.Call) and last_name(value.func) == BLOCKING_ENGINE:
            return value.args[0]
        twin = twins.named(importer, value) if isinstance(value, s.Name | s.Attribute) else None
        if twin is None:
            return value
        if isinstance(value, s.Attribute):
            return s.Attribute(*value.span, value.value, twin.name)
        home = twin.module
        name = twin.name if importer is home else local_name(importer, home.name, twin.name)
        if name is None:
            path = import_path(importer, home.name)
            imports.append(p.ImportChange(NAME, path, twin.name, beside=twin.sync_name))
        return s.Name(*value.span, name or twin.name)

    args = tuple(map(engine, call.args))
    keywords = tuple(s.Keyword(*k.span, k.arg, engine(k.value)) for k in call.keywords)
    return s.Call(*call.span, call.func, args, keywords), imports
