"""Libraries that listen to an engine: `SQLAlchemyInstrumentor().instrument(engine=engine)`.

What happens on an async engine happens on its sync side.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from migrate_async.index.project import Project, Variable
from migrate_async.index.scopes import Function, Module
from migrate_async.index.types import ExternalMethod
from migrate_async.knowledge.external import WATCHES_ENGINES
from migrate_async.model import plan as p
from migrate_async.model import syntax as s
from migrate_async.plan.engines import NAME
from migrate_async.plan.module_edits import ModuleEdits
from migrate_async.plan.names import is_variable, read_from

_METHODS = frozenset(name for _, name in WATCHES_ENGINES)


def watched(project: Project, function: Function) -> Iterator[s.Name | s.Attribute]:
    """The sync engines that `function` has a library listen to."""
    if _METHODS.isdisjoint(function.module.attributes):
        return
    for call in function.calls:
        if not any(map(_is_watching, project.infer(call.node.func, call.scope))):
            continue
        for value in call.node.values:
            parts = value.items if isinstance(value, s.Sequence) else (value,)
            for part in parts:
                kind = project.engine_or_connection(part, call.scope)
                if isinstance(part, s.Name | s.Attribute) and kind == "engine":
                    yield part


def _is_watching(item: object) -> bool:
    return isinstance(item, ExternalMethod) and (item.owner, item.name) in WATCHES_ENGINES


def watcher_edits(
    project: Project, becomes_async: Callable[[Variable], bool]
) -> Iterator[tuple[Module, ModuleEdits]]:
    """`engine.sync_engine` where that is one that becomes async."""
    engines = [item for item in project.engines if item.kind == "engine" and becomes_async(item)]
    for function in project.functions if engines else ():
        for node in watched(project, function):
            place = read_from(project, node)
            if place is None:
                continue
            home, name = place
            if any(is_variable(home, item.module, item.name, name) for item in engines):
                edit = p.ReplaceExpression(span=node.span, codemod=NAME, code="{}.sync_engine")
                yield function.module, ModuleEdits([edit])
