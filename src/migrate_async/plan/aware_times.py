"""Columns without a time zone whose own default is a time with one.

    created_at = Column(DateTime, default=lambda: datetime.now(timezone.utc))

psycopg2 leaves it to the server to make one of the other; asyncpg refuses it.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index.project import Project
from migrate_async.index.scopes import AnnotatedBinding, Class, ValueBinding, last_name
from migrate_async.index.types import FunctionObject
from migrate_async.model import syntax as s

SQLMODEL = "sqlmodel.SQLModel"
_COLUMNS = frozenset({"Column", "Field", "mapped_column"})
_DEFAULTS = frozenset({"default", "default_factory", "insert_default", "onupdate"})
_NAIVE = frozenset({"DateTime", "TIMESTAMP", "datetime"})


def has_aware_defaults(project: Project) -> bool:
    """Whether `project` has such a column."""
    return any(
        _is_aware(project, cls, call) for cls in project.classes for call in _naive(project, cls)
    )


def _naive(project: Project, cls: Class) -> Iterator[s.Call]:
    """The calls that make columns of `cls` for times without a zone."""
    for call, typed in columns(project, cls):
        if not _has_zone(call) and any(map(_names_time, typed)):
            yield call


def columns(project: Project, cls: Class) -> Iterator[tuple[s.Call, list[s.AnyNode]]]:
    """The calls that make columns of `cls`, each with what may say its type."""
    for bindings in cls.scope.names.values():
        for binding in bindings:
            if not isinstance(binding, AnnotatedBinding | ValueBinding):
                continue
            call = binding.value
            if not isinstance(call, s.Call) or last_name(call.func) not in _COLUMNS:
                continue
            if last_name(call.func) == "Field" and SQLMODEL not in project.bases(cls):
                continue
            typed: list[s.Expr] = [*call.args]
            if isinstance(binding, AnnotatedBinding) and not call.args:
                typed.append(binding.annotation)
            yield call, [part for value in typed for part in s.walk(value)]


def _has_zone(call: s.Call) -> bool:
    """Whether it says `DateTime(timezone=True)`."""
    return any(isinstance(part, s.Keyword) and part.arg == "timezone" for part in s.walk(call))


def _names_time(part: s.AnyNode) -> bool:
    return isinstance(part, s.Name | s.Attribute) and last_name(part) in _NAIVE


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
