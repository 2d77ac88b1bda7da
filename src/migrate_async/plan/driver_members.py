"""`column.in_(strings)` with an integer column, which the sync drivers accept.

    User.id.in_(ids.split(","))

As `plan.driver_types` for single values. A column that only the running code knows,
`getattr(model, name)`, may be an integer: the values are converted where it is one.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index.library import GETATTR
from migrate_async.index.project import Project
from migrate_async.index.scopes import Function, Scope, last_name
from migrate_async.index.types import ExternalInstance, ExternalResult, ListOf
from migrate_async.model import plan as p
from migrate_async.model import syntax as s
from migrate_async.model.diagnostic import note
from migrate_async.plan.driver_types import integer_column, is_string, may_be_postgresql
from migrate_async.plan.module_edits import ModuleEdits, add_import
from migrate_async.plan.text import source

_CODEMOD = "async-colour"
_MEMBERSHIPS = frozenset({"in_", "not_in", "notin_"})
_SPLITS = frozenset({"rsplit", "split", "splitlines"})
_TEXT_METHODS = frozenset({"casefold", "lower", "lstrip", "rstrip", "strip", "upper"})


def driver_member_edits(project: Project, function: Function) -> ModuleEdits:
    """The values go through `as_compared`, which leaves what is no integer as it is."""
    found = ModuleEdits()
    if function.node is None or not project.shared(may_be_postgresql):
        return found
    for name, column, values in _memberships(project, function):
        convert = add_import(found, function.module, "migrate_async", "as_compared", _CODEMOD)
        code = f"{convert}({source(column)}, {{}})"
        found.edits.append(p.ReplaceExpression(span=values.span, codemod=_CODEMOD, code=code))
        message = note(
            function.module.path,
            values.span,
            "MA411",
            f"{name} an integer and meets strings, which async PostgreSQL drivers refuse: "
            f"{convert}() converts them",
            "add migrate-async to the application's dependencies, or give it integers",
        )
        found.diagnostics.append(message)
    return found


def _memberships(project: Project, function: Function) -> Iterator[tuple[str, s.Expr, s.Expr]]:
    """What is said of each column, the column and the strings."""
    if _MEMBERSHIPS.isdisjoint(function.module.attributes):
        return
    for node in function.nodes(s.Call):
        func = node.func if len(node.args) == 1 else None
        if not isinstance(func, s.Attribute) or func.attr not in _MEMBERSHIPS:
            continue
        scope = project.scope_of(node)
        name = _name(project, func.value, scope)
        if name and _are_strings(project, node.args[0], scope):
            yield name, func.value, node.args[0]


def _name(project: Project, column: s.Expr, scope: Scope) -> str:
    known = integer_column(project, column, scope)
    if known and s.dotted_name(column):
        return f"{known} is"
    if not isinstance(column, s.Name):
        return ""
    types = project.infer(column, scope)
    is_read = any(isinstance(item, ExternalResult) and item.dotted == GETATTR for item in types)
    return f"{column.id} may be" if is_read else ""


def _are_strings(project: Project, values: s.Expr, scope: Scope) -> bool:
    if isinstance(values, s.Comprehension):
        element = values.elements[0]
        return values.kind != "dict" and _is_text(project, element, project.scope_of(element))
    if isinstance(values, s.Call) and last_name(values.func) in _SPLITS:
        return isinstance(values.func, s.Attribute)
    made = project.value_of(values, scope)
    if isinstance(made, s.Comprehension | s.Call):
        return _are_strings(project, made, project.scope_of(made))
    types = project.infer(values, scope)
    items = {inner for item in types if isinstance(item, ListOf) for inner in item.items}
    return items == {ExternalInstance("builtins.str")}


def _is_text(project: Project, element: s.Expr, scope: Scope) -> bool:
    if isinstance(element, s.Call) and isinstance(element.func, s.Attribute):
        return element.func.attr in _TEXT_METHODS or is_string(project, element, scope)
    return is_string(project, element, scope)
