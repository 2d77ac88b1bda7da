"""Whether an application may run on MySQL, by what it imports and by the texts it gives names."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index.project import Project
from migrate_async.index.scopes import AnnotatedBinding, Scope, ValueBinding
from migrate_async.model import syntax as s

_SCHEME = "mysql"
_DRIVERS = frozenset({"MySQLdb", "aiomysql", "asyncmy", "mysql", "pymysql"})


def names_mysql(project: Project) -> bool:
    """Whether a module imports a driver, or a URL of MySQL stands in the code.

    One that is known at run time only is not seen: nor are MariaDB's, which has `RETURNING`.
    """
    for module in project.modules.values():
        roots = {source.partition(".")[0] for source, _ in module.imported_as}
        if not roots.isdisjoint(_DRIVERS):
            return True
    engines = [value for engine in project.engines for value in s.walk(engine.value)]
    scopes = [module.scope for module in project.modules.values()]
    scopes += [cls.scope for cls in project.classes]
    given = [value for scope in scopes for value in _given(scope)]
    return any(map(_is_url, (*engines, *given)))


def _given(scope: Scope) -> Iterator[s.AnyNode]:
    """What names are given, the parts of f-strings included."""
    for bindings in scope.names.values():
        for binding in bindings:
            if not isinstance(binding, ValueBinding | AnnotatedBinding):
                continue
            value = binding.value
            if isinstance(value, s.Operation):
                yield from value.operands
            elif isinstance(value, s.Call):
                yield from s.walk(value)
            elif value is not None:
                yield value


def _is_url(node: s.AnyNode) -> bool:
    if not isinstance(node, s.Constant) or node.kind != "str":
        return False
    return str(node.value).startswith(_SCHEME)
