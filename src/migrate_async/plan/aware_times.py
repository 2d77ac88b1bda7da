"""Columns without a time zone that get times with one.

    created_at = Column(DateTime, default=lambda: datetime.now(timezone.utc))
    ...
    note.seen_at = datetime.now(timezone.utc)

psycopg2 leaves it to the server to make one of the other; asyncpg refuses it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from migrate_async.index.project import Project
from migrate_async.index.scopes import (
    Class,
    Function,
)
from migrate_async.index.types import FunctionObject
from migrate_async.model import syntax as s
from migrate_async.plan.column_values import assigned, column_of_type, pairs
from migrate_async.plan.typed_columns import columns, names_type

_DEFAULTS = frozenset({"default", "default_factory", "insert_default", "onupdate"})
_NAIVE = frozenset({"DateTime", "TIMESTAMP", "datetime"})


def has_aware_times(project: Project) -> bool:
    """Whether `project` has such a column, as far as its defaults and its functions show."""
    naive = [(cls, call) for cls in project.classes for call in _naive(project, cls)]
    if any(_is_aware(project, cls, call) for cls, call in naive):
        return True
    calls = {call for _, call in naive}
    names = {name for cls, _ in naive for name in cls.scope.names if _is_one(cls, name, calls)}
    return bool(names) and any(_gives_aware(project, fn, names) for fn in project.functions)


def _naive(project: Project, cls: Class) -> Iterator[s.Call]:
    """The calls that make columns of `cls` for times without a zone."""
    for call, typed in columns(project, cls):
        if not _has_zone(call) and any(names_type(part, _NAIVE) for part in typed):
            yield call


def _is_one(cls: Class, name: str, calls: Collection[s.Call]) -> bool:
    """Whether one of `calls` makes the column `name` of `cls`."""
    return any(getattr(binding, "value", None) in calls for binding in cls.scope.names[name])


def _gives_aware(project: Project, function: Function, names: Collection[str]) -> bool:
    """Whether a column of these `names` gets, or is compared with, such a time in `function`."""
    for column, value, scope in (*pairs(project, function), *assigned(project, function)):
        if not isinstance(column, s.Attribute) or column.attr not in names:
            continue
        made = [value, *project.assigned(value, scope)]
        if not any(_makes_aware(part) for node in made for part in s.walk(node)):
            continue
        if column_of_type(project, column, scope, _NAIVE, of_objects=True):
            return True
    return False


def _has_zone(call: s.Call) -> bool:
    """Whether it says `DateTime(timezone=True)`."""
    return any(isinstance(part, s.Keyword) and part.arg == "timezone" for part in s.walk(call))


def _is_aware(project: Project, cls: Class, call: s.Call) -> bool:
    values = [keyword.value for keyword in call.keywords if keyword.arg in _DEFAULTS]
    for value in values:
        made: list[s.AnyNode] = [value]
        made += [
            item.fn.node
            for item in project.infer(value, cls.scope)
            if isinstance(item, FunctionObject) and item.fn.node is not None
        ]
        if any(_makes_aware(part) for node in made for part in s.walk(node)):
            return True
    return False


def _makes_aware(part: s.AnyNode) -> bool:
    """Whether it is `datetime.now(timezone.utc)`."""
    if not isinstance(part, s.Call) or not (part.args or part.keywords):
        return False
    return s.dotted_name(part.func).endswith("datetime.now")
