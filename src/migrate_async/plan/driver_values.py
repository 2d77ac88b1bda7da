"""Dates and times that are given to columns as texts, which only the sync drivers accept."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function, Scope, ValueBinding, last_name
from migrate_async.index.types import ClassObject, Instance, TypeVariable
from migrate_async.model import plan as p
from migrate_async.model import syntax as s
from migrate_async.model.diagnostic import note
from migrate_async.plan.driver_types import TIMES, may_be_postgresql
from migrate_async.plan.module_edits import ModuleEdits, add_import

_CODEMOD = "async-colour"


def driver_value_edits(project: Project, function: Function) -> ModuleEdits:
    """What `jsonable_encoder` gives to a model of `function` goes through `as_column_values`.

    Where a model has a column for dates or times, and the database may be PostgreSQL.
    """
    found = ModuleEdits()
    if function.node is None or not project.shared(may_be_postgresql):
        return found
    for model, values in _given(project, function):
        convert = add_import(found, function.module, "migrate_async", "as_column_values", _CODEMOD)
        found.edits.append(
            p.ReplaceExpression(
                span=values.span, codemod=_CODEMOD, code=f"{convert}({model}, {{}})"
            )
        )
        found.diagnostics.append(
            note(
                function.module.path,
                values.span,
                "MA412",
                f"{model} has columns for dates or times and may be given texts, which "
                f"async PostgreSQL drivers refuse: {convert}() converts them",
                "add migrate-async to the application's dependencies, or give it the "
                "values themselves: model_dump() or dict() of the object",
            )
        )
    return found


def _given(project: Project, function: Function) -> Iterator[tuple[str, s.Expr]]:
    """The source of a model, and the JSON values that it or an object of it is given."""
    for call in (raw.node for raw in function.calls):
        scope = project.scope_of(call)
        for model, owner, values in _handed(call):
            if _is_json(values, function, scope) and _takes_times(project, owner, scope):
                yield model, values


def _handed(call: s.Call) -> Iterator[tuple[str, s.Expr, s.Expr]]:
    """`Model(**values)` and `setattr(x, name, values[name])`: model, its owner, and the values."""
    name = s.dotted_name(call.func)
    for keyword in call.keywords if name else ():
        if keyword.arg is None:
            yield name, call.func, keyword.value
    if name == "setattr" and len(call.args) == 3 and isinstance(call.args[2], s.Subscript):
        owner = s.dotted_name(call.args[0])
        if owner:
            yield f"type({owner})", call.args[0], call.args[2].value


def _is_json(values: s.Expr, function: Function, scope: Scope) -> bool:
    """Whether `values` are what `jsonable_encoder(...)` gave."""
    if isinstance(values, s.Call):
        return last_name(values.func) == "jsonable_encoder"
    if not isinstance(values, s.Name) or scope is not function.scope:
        return False
    bindings = scope.names.get(values.id, [])
    return any(
        isinstance(binding, ValueBinding)
        and isinstance(binding.value, s.Call)
        and last_name(binding.value.func) == "jsonable_encoder"
        for binding in bindings
    )


def _takes_times(project: Project, node: s.Expr, scope: Scope) -> bool:
    """Whether `node`, a model or an object of one, has a column for dates or times."""
    classes, is_any = set(), False
    for item in project.infer(node, scope):
        is_any = is_any or isinstance(item, TypeVariable)
        if isinstance(item, ClassObject | Instance):
            classes.add(item.cls)
    return any(
        column.type in TIMES
        for model in project.models.values()
        if is_any or model.cls in classes
        for column in model.columns.values()
    )
