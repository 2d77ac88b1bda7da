"""The columns of models, by what their definitions say of their types."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from migrate_async.index.project import Project
from migrate_async.index.scopes import AnnotatedBinding, Class, ValueBinding, last_name
from migrate_async.model import syntax as s

_SQLMODEL = "sqlmodel.SQLModel"
_COLUMNS = frozenset({"Column", "Field", "mapped_column"})


def columns(project: Project, cls: Class) -> Iterator[tuple[s.Call, list[s.AnyNode]]]:
    """The calls that make columns of `cls`, each with what may say its type."""
    for bindings in cls.scope.names.values():
        for binding in bindings:
            if not isinstance(binding, AnnotatedBinding | ValueBinding):
                continue
            call = binding.value
            if not isinstance(call, s.Call) or last_name(call.func) not in _COLUMNS:
                continue
            if last_name(call.func) == "Field" and _SQLMODEL not in project.bases(cls):
                continue
            typed: list[s.Expr] = [*call.args]
            if isinstance(binding, AnnotatedBinding) and not call.args:
                typed.append(binding.annotation)
            yield call, [part for value in typed for part in s.walk(value)]


def names_type(part: s.AnyNode, names: Collection[str]) -> bool:
    """Whether `part`, of what says the type of a column, names one of the types `names`."""
    return isinstance(part, s.Name | s.Attribute) and last_name(part) in names


def has_columns_of(project: Project, names: Collection[str]) -> bool:
    """Whether a model of `project` has a column of one of the types `names`."""
    return any(
        names_type(part, names)
        for cls in project.classes
        for _, typed in columns(project, cls)
        for part in typed
    )
