"""Comparisons that the sync drivers accept and the async ones refuse.

psycopg2 writes values into the SQL text and leaves their type to the server; asyncpg and async
psycopg send typed parameters, and the server has no operator for `integer = varchar`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function, Scope, last_name
from migrate_async.knowledge.fastapi import REQUEST_TEXTS, REQUESTS
from migrate_async.model import plan as p
from migrate_async.model import syntax as s
from migrate_async.model.diagnostic import at, note
from migrate_async.plan.column_values import Pair, column_of_type, pairs, type_names
from migrate_async.plan.module_edits import ModuleEdits, add_import

_CODEMOD = "async-colour"
_INTEGERS = frozenset({"BigInteger", "Integer", "SmallInteger", "int"})
_TEXTS = frozenset({"isoformat", "str", "strftime"})
TIMES = frozenset({"Date", "DateTime", "Time", "TIMESTAMP", "date", "datetime", "time"})
"""Types of columns for dates and times."""


def driver_type_edits(project: Project, function: Function) -> ModuleEdits:
    """Strings that integer columns are compared with, or given, go through `as_integer`.

    It keeps what is no integer, and so the answers of the database. SQLite and MySQL compare as
    before: a project that has nothing else is left alone.
    """
    found = ModuleEdits()
    if function.node is None or not project.shared(may_be_postgresql):
        return found
    met = list(pairs(project, function))
    for name, value in _strings(project, met, TIMES):
        found.diagnostics.append(
            at(
                function.module.path,
                value.span,
                "MA414",
                f"{name} is a date or a time and meets a string, which async PostgreSQL drivers "
                "refuse",
                "give it a date, datetime or time",
            )
        )
    for name, value in _strings(project, met, _INTEGERS):
        convert = add_import(found, function.module, "migrate_async", "as_integer", _CODEMOD)
        found.edits.append(
            p.ReplaceExpression(span=value.span, codemod=_CODEMOD, code=f"{convert}({{}})")
        )
        found.diagnostics.append(
            note(
                function.module.path,
                value.span,
                "MA411",
                f"{name} is an integer and meets a string, which async PostgreSQL "
                f"drivers refuse: {convert}() converts it",
                "add migrate-async to the application's dependencies, or annotate it as an int",
            )
        )
    return found


def _strings(
    project: Project, met: Iterable[Pair], types: frozenset[str]
) -> Iterator[tuple[str, s.Expr]]:
    """The names of those columns that are of one of the `types`, and the strings beside them."""
    for column, value, scope in met:
        name = column_of_type(project, column, scope, types)
        if name and is_string(project, value, scope):
            yield name, value


def may_be_postgresql(project: Project) -> bool:
    """Whether any engine's URL is one, or is not known. To be asked by `project.shared`."""
    calls = [engine.call for engine in project.engines]
    urls = [call.args[0] if call.args else None for call in calls]
    known = [str(url.value) for url in urls if isinstance(url, s.Constant)]
    return len(known) < len(urls) or not known or any(map(_is_postgresql, known))


def _is_postgresql(url: str) -> bool:
    return not url.startswith(("sqlite", "mysql", "mariadb"))


def integer_column(project: Project, node: s.Expr, scope: Scope) -> str:
    """The name of the integer column that `node` is; empty if it is none."""
    return column_of_type(project, node, scope, _INTEGERS)


def is_string(project: Project, node: s.Expr, scope: Scope) -> bool:
    """Whether `node` is surely a string, whatever its annotation says."""
    names = type_names(project, node, scope)
    if ("builtins.str" in names and "builtins.int" not in names) or _is_text(project, node, scope):
        return True
    if _is_of_request(project, node, scope):
        return True
    # What callers pass counts for more than an annotation that nothing checks.
    return isinstance(node, s.Name) and _gets_string(project, scope.function, node.id)


def _is_text(project: Project, node: s.Expr, scope: Scope) -> bool:
    """Whether `node` is made by `str(...)` or the like, or names what is."""
    made = project.value_of(node, scope)
    if made is not None:
        # One that names another name may lead back to itself.
        is_name = isinstance(made, s.Name | s.Attribute)
        return not is_name and _is_text(project, made, project.scope_of(made))
    if isinstance(node, s.Operation):
        return node.operator == "f-string"
    return isinstance(node, s.Call) and last_name(node.func) in _TEXTS


def _gets_string(project: Project, function: Function, parameter: str) -> bool:
    """Whether some call passes a string for a parameter, be it that it says `int`.

    Of functions that `singledispatch` chooses from, what is said is checked.
    """
    if "register" in function.decorator_names:
        return False
    for site in project.callers(function):
        passed = project.passes(site.node, site.scope) if isinstance(site.node, s.Call) else ()
        for receiver, param, value in passed:
            is_it = receiver is function and param.name == parameter
            if is_it and (
                "builtins.str" in type_names(project, value, site.scope)
                or _is_of_request(project, value, site.scope)
            ):
                return True
    return False


def _is_of_request(project: Project, node: s.Expr, scope: Scope) -> bool:
    """Whether `node` is a part of a request, all texts: `request.path_params["user_id"]`.

    It may have a name in between, which is assigned once.
    """
    if isinstance(node, s.Name):
        assigned = project.value_of(node, scope)
        return not isinstance(assigned, s.Name | None) and _is_of_request(
            project, assigned, project.scope_of(assigned)
        )
    parts: s.Expr | None = None
    if isinstance(node, s.Subscript):
        parts = node.value
    elif isinstance(node, s.Call) and len(node.args) == 1 and not node.keywords:
        is_get = isinstance(node.func, s.Attribute) and node.func.attr == "get"
        parts = node.func.value if is_get and isinstance(node.func, s.Attribute) else None
    if not isinstance(parts, s.Attribute) or parts.attr not in REQUEST_TEXTS:
        return False
    return not REQUESTS.isdisjoint(type_names(project, parts.value, scope))
