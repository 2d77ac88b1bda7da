"""Reads of attributes whose names are computed: `getattr(order, field)`, which may load."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from migrate_async.index.project import Model, Project
from migrate_async.index.scopes import Class, Function, IterationBinding, Scope, bindings_of
from migrate_async.index.types import Instance
from migrate_async.model import plan as p
from migrate_async.model import syntax as s
from migrate_async.plan.loads.accesses import NAME, can_await
from migrate_async.plan.loads.paths import Step
from migrate_async.plan.loops_over_attributes import names_all, names_columns
from migrate_async.plan.walks import Walks, is_computed


class ComputedRead(NamedTuple):
    """`call` may load an attribute of an object of one of `models`."""

    call: s.Call
    models: tuple[Class, ...]

    @property
    def edits(self) -> tuple[p.AnyEdit, ...]:
        """`await getattr(order.awaitable_attrs, field)`."""
        owner = self.call.args[0].span
        return (
            p.ReplaceExpression(span=owner, codemod=NAME, code="{}.awaitable_attrs"),
            p.AwaitCall(span=self.call.span, codemod=NAME),
        )


def computed_reads(project: Project, function: Function) -> Iterator[ComputedRead]:
    """Those in the function's own code where an `await` can stand.

    With a default, `getattr()` asks the object first whether it has the attribute: no await does.
    Nor does one where a call gives the object, which may have to be awaited itself.
    """
    walks = [w for w in project.shared(Walks).of(function) if not _is_run(w.call.node.args[0])]
    for walk in walks:
        if can_await(project, walk.call.node, function):
            yield ComputedRead(walk.call.node, walk.models)
    walked = {walk.call for walk in walks}
    for call in filter(is_computed, function.calls):
        node = call.node
        if len(node.args) != 2 or call in walked or _is_called(project, node):
            continue
        if _is_run(node.args[0]):
            continue
        if names_columns(project, node, call.scope) or names_all(project, node, call.scope):
            continue  # known by their names
        models = _models(project, node.args[0], call.scope)
        names = _named(node.args[1], call.scope)
        if any(_may_load(model, names) for model in models) and can_await(project, node, function):
            yield ComputedRead(node, tuple(model.cls for model in models))


def _is_run(owner: s.Expr) -> bool:
    return isinstance(owner, s.Call)


def _is_called(project: Project, node: s.Call) -> bool:
    """Whether it is a method that is looked for: `getattr(order, f"as_{kind}")()`."""
    around = project.parent(node)
    return isinstance(around, s.Call) and around.func is node


def _models(project: Project, owner: s.Expr, scope: Scope) -> list[Model]:
    """The models of `owner`; none if it may be something else."""
    found = [
        project.models.get(item.cls.qualname) if isinstance(item, Instance) else None
        for item in project.infer(owner, scope)
    ]
    models = [model for model in found if model is not None]
    return models if len(models) == len(found) else []


def _named(name: s.Expr, scope: Scope) -> frozenset[str] | None:
    """The names in `for name in ("id", "title")`; None: not known."""
    bindings = bindings_of(name.id, scope) if isinstance(name, s.Name) else ()
    if len(bindings) != 1 or not isinstance(bindings[0], IterationBinding):
        return None
    given = bindings[0].value
    items = given.items if isinstance(given, s.Sequence) else ()
    names = frozenset(str(item.value) for item in items if isinstance(item, s.Constant))
    return names if items and len(names) == len(items) else None


def _may_load(model: Model, names: frozenset[str] | None) -> bool:
    lazy = {
        name
        for name, relationship in model.relationships.items()
        if Step(model.cls, name, relationship).loads
    }
    late = lazy | model.deferred
    return bool(late if names is None else late & names)
