"""Functions that give out sessions which a package makes: those are sync ones.

    def get_db() -> Iterator[Session]:
        yield from FastAPISessionMaker(url).get_db()

Nothing of the project could make async ones in their place.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

from migrate_async.index import types as t
from migrate_async.index.project import Project
from migrate_async.index.scopes import Function, WithBinding
from migrate_async.model import syntax as s

_OF_THE_LANGUAGE = sys.stdlib_module_names | {"builtins"}
"""Nothing of it makes sessions; a `ContextVar` gives what was put there."""
_KNOWN = frozenset({"fastapi", "migrate_async", "sqlalchemy", "sqlmodel", "starlette"})
"""Packages whose sessions, and ways to get at one, are understood."""


def foreign_source(project: Project, function: Function) -> s.Call | None:
    """The call of a package by which `function` gets the session that it gives out, if any."""
    for part in function.yields:
        value = part.value
        if isinstance(value, s.Call) and part.is_from and not _is_ours(project, value):
            return value
    origins = (call for value in function.given for call in _origins(project, function, value))
    return next((call for call in origins if _is_foreign(project, call)), None)


def _origins(project: Project, function: Function, value: s.Expr | None) -> Iterator[s.Call]:
    """The calls whose value `value` is, or that it enters."""
    values: list[s.Expr | None] = [value]
    if isinstance(value, s.Name):
        bindings = function.scope.names.get(value.id, ())
        values += [binding.value for binding in bindings if isinstance(binding, WithBinding)]
        values.append(project.value_of(value, function.scope))
    yield from (item for item in values if isinstance(item, s.Call))


def _is_ours(project: Project, call: s.Call) -> bool:
    """Whether `call` runs code of the project, or of what is understood."""
    found = project.infer(call.func, project.scope_of(call))
    return bool(found) and not any(_is_of_package(project, item) for item in found)


def _is_foreign(project: Project, call: s.Call) -> bool:
    found = project.infer(call.func, project.scope_of(call))
    return any(_is_of_package(project, item) for item in found)


def _is_of_package(project: Project, item: t.Type) -> bool:
    if isinstance(item, t.ExternalMethod):
        return _is_unknown(item.owner)
    if isinstance(item, t.Method) and isinstance(item.owner, t.Instance):
        return any(map(_is_unknown, project.bases(item.owner.cls)))  # it inherits the method
    if isinstance(item, t.External | t.ExternalInstance | t.ExternalResult):
        return _is_unknown(item.dotted)
    return False


def _is_unknown(dotted: str) -> bool:
    return dotted.partition(".")[0] not in _OF_THE_LANGUAGE | _KNOWN
