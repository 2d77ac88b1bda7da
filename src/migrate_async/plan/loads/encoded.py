"""What answers show of an object's `__dict__`, where more is loaded with the object than before.

    return jsonable_encoder(user)

The encoder, and a route without a response model, show what is loaded by then. A relationship that
the mapping loads from now on is in the answer, too.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index.project import Project
from migrate_async.index.scopes import Class, Function, last_name
from migrate_async.index.types import held
from migrate_async.model import syntax as s
from migrate_async.model.diagnostic import Diagnostic, at
from migrate_async.plan.loads.decide import Decisions
from migrate_async.plan.loads.dynamic import DEPENDS_ON_LOADS

_ENCODERS = frozenset({"jsonable_encoder", "vars"})


def encoded_objects(project: Project, decisions: Decisions) -> Iterator[Diagnostic]:
    """Answers with objects of the models for which `decisions` loads something always."""
    loaded = _always_loaded(decisions)
    answering = {route.function for route in project.routes if route.response_model is None}
    for function in project.functions if loaded else ():
        if function.is_module or function.module.is_test:
            continue
        for value in (*_encoded(function), *(function.returns if function in answering else ())):
            for model in _shown(project, value, loaded):
                yield _told(function, value, model, loaded[model])


def _always_loaded(decisions: Decisions) -> dict[Class, list[str]]:
    """The relationships that the mappings load from now on."""
    found: dict[Class, list[str]] = {}
    for step in decisions.newly_mapped:
        names = found.setdefault(step.model, [])
        if step.name not in names:
            names.append(step.name)
    return found


def _encoded(function: Function) -> Iterator[s.Expr]:
    for call in function.calls:
        if last_name(call.node.func) in _ENCODERS and call.node.args:
            yield call.node.args[0]


def _shown(project: Project, value: s.Expr, models: dict[Class, list[str]]) -> list[Class]:
    """The models of the objects that `value` is, or has in it."""
    if isinstance(value, s.Mapping | s.Sequence):
        parts = value.values if isinstance(value, s.Mapping) else value.items
        return [model for part in parts for model in _shown(project, part, models)]
    return held(project.infer(value, project.scope_of(value)), models)


def _told(function: Function, value: s.Expr, model: Class, names: list[str]) -> Diagnostic:
    shown = ", ".join(f"`{name}`" for name in sorted(names))
    return at(
        function.module.path,
        value.span,
        DEPENDS_ON_LOADS,
        f"the answer shows what is loaded of a {model.name}, and {shown} is now loaded with it",
        "give the route a response model, or name what it shows; without what reads "
        "the relationship where nothing can await, it would not be loaded",
    )
