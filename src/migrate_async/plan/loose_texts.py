"""Columns of text that meet numbers or UUIDs, of which asyncpg takes none.

    template_id = Column(String)
    ...
    db.add(Job(template_id=template_id))  # a uuid.UUID

In a comparison no driver takes them. See `migrate_async.runtime.texts`.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index.project import Project
from migrate_async.index.scopes import Class, Function, Scope
from migrate_async.index.types import External
from migrate_async.model import syntax as s
from migrate_async.plan.column_values import Pair, assigned, column_of_type, given, type_names
from migrate_async.plan.typed_columns import columns, names_type

_TEXTS = frozenset({"String", "TEXT", "Text", "Unicode", "UnicodeText", "VARCHAR", "str"})
_OTHERS = frozenset({"builtins.float", "builtins.int", "decimal.Decimal", "uuid.UUID"})
_DEFAULTS = frozenset({"default", "default_factory", "insert_default", "onupdate"})
_MADE = frozenset({"uuid.uuid1", "uuid.uuid3", "uuid.uuid4", "uuid.uuid5"})


def has_loose_texts(project: Project) -> bool:
    """Whether a column of text is seen to meet such a value."""
    if any(_has_loose_default(project, cls) for cls in project.classes):
        return True
    return any(_is_loose(project, function) for function in project.functions)


def _is_loose(project: Project, function: Function) -> bool:
    return any(
        column_of_type(project, column, scope, _TEXTS, of_objects=True)
        and _is_other(project, value, scope)
        for column, value, scope in _stored(project, function)
    )


def _stored(project: Project, function: Function) -> Iterator[Pair]:
    """What `function` gives to new objects, and to attributes."""
    for call in function.nodes(s.Call):
        yield from given(project, call)
    yield from assigned(project, function)


def _has_loose_default(project: Project, cls: Class) -> bool:
    """Whether a column of `cls` is one of text with a UUID for its default."""
    for call, typed in columns(project, cls):
        if not any(names_type(part, _TEXTS) for part in typed):
            continue
        for keyword in call.keywords:
            is_default = keyword.arg in _DEFAULTS
            if is_default and _makes_uuids(project, keyword.value, cls.scope):
                return True
    return False


def _is_other(project: Project, value: s.Expr, scope: Scope) -> bool:
    if isinstance(value, s.Call) and _makes_uuids(project, value.func, scope):
        return True
    return not _OTHERS.isdisjoint(type_names(project, value, scope))


def _makes_uuids(project: Project, function: s.Expr, scope: Scope) -> bool:
    made = project.infer(function, scope)
    return any(isinstance(item, External) and item.dotted in _MADE for item in made)
