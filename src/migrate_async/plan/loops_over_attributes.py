"""Reads of one attribute after the other, whose names a loop over a mapping gives.

    {column.name: getattr(user, column.name) for column in user.__table__.columns}

It names none of the deferred columns, and loads them all.
"""

from __future__ import annotations

from migrate_async.index.project import Project
from migrate_async.index.scopes import IterationBinding, Scope, bindings_of, last_name
from migrate_async.model import syntax as s

_KEYS = frozenset({"key", "name"})
_LISTS = frozenset({"keys", "values"})
COLUMNS = frozenset({"c", "column_attrs", "columns"})
_ALL = frozenset({"attrs", "fields"})
"""`inspect(User).attrs`, `dataclasses.fields(user)`."""


def names_columns(project: Project, call: s.Call, scope: Scope) -> bool:
    """Whether `call` is `getattr(x, name)`, and `name` is that of each column in turn."""
    return _looped(project, call, scope) in COLUMNS


def names_all(project: Project, call: s.Call, scope: Scope) -> bool:
    """The same of each attribute, if the loop is a comprehension that leaves none out."""
    return _looped(project, call, scope) in _ALL


def _looped(project: Project, call: s.Call, scope: Scope) -> str:
    """What the loop around the `getattr()` is over: the last name of it, or nothing."""
    if not isinstance(call.func, s.Name) or call.func.id != "getattr" or len(call.args) < 2:
        return ""
    name = call.args[1]
    if isinstance(name, s.Attribute) and name.attr in _KEYS:
        name = name.value
    if not isinstance(name, s.Name):
        return ""
    found = bindings_of(name.id, scope)
    if len(found) != 1 or not isinstance(found[0], IterationBinding):
        return ""
    iterated = over = found[0].value
    if isinstance(over, s.Call) and isinstance(over.func, s.Attribute) and over.func.attr in _LISTS:
        over = over.func.value
    last = last_name(over)
    return last if last in COLUMNS or _takes_all(project, iterated) else ""


def _takes_all(project: Project, iterated: s.Expr) -> bool:
    part = project.parent(iterated)
    around = project.parent(part) if isinstance(part, s.Generator) else None
    return isinstance(around, s.Comprehension) and not any(
        inner.conditions for inner in around.generators
    )
