"""Places where a function makes or fetches a session of its own."""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from migrate_async.config import Settings
from migrate_async.index.extract import extract
from migrate_async.index.plain_givers import entered_at, is_entered
from migrate_async.index.project import Project
from migrate_async.index.scopes import Function, Scope, ValueBinding, last_name
from migrate_async.index.statements import is_method_call
from migrate_async.index.types import ContextFunction, SessionFactory
from migrate_async.model import syntax as s
from migrate_async.plan.text import source_if_simple


@dataclass(frozen=True)
class Acquisition:
    """`kind`: `factory`, `constructor`, `resolver`, `next` or `scope`: `contextmanager(get_db)()`.

    `name` is the local that holds the session (empty: none, or an attribute); `statement` is the
    assignment or the `with` that binds it, None where the call stands in a larger expression.
    """

    kind: str
    call: s.Call
    name: str = ""
    statement: s.Stmt | None = None
    generator: s.Assign | None = None
    """`generator = get_db()` of `db = next(generator)`, used for nothing but to close it again."""

    def is_closed_by(self, statement: s.Stmt) -> bool:
        """`db.close()`, `generator.close()` and `next(generator, None)`."""
        if is_method_call(statement, self.name, "close"):
            return True
        return self.generator is not None and ends(statement, s.dotted_name(self.call.args[0]))

    @property
    def is_of_dependency(self) -> bool:
        """Whether FastAPI's dependency gives it, to code that FastAPI does not run."""
        return self.kind in ("next", "scope")

    @property
    def giver(self) -> s.Expr | None:
        """`get_db` of `next(get_db())` and `contextmanager(get_db)()`."""
        if self.kind == "scope":
            return entered_at(self.call)
        first = self.call.args[0] if self.kind == "next" and self.call.args else None
        return first.func if isinstance(first, s.Call) else None


def find_acquisitions(
    project: Project, settings: Settings, function: Function
) -> tuple[Acquisition, ...]:
    """All acquisitions in `function`, in source order."""
    return tuple(_find(project, _resolvers(settings.session_resolvers), function))


def has_resolver(project: Project, settings: Settings, function: Function) -> bool:
    """Whether one of the acquisitions in `function` is a `resolver`."""
    resolvers = _resolvers(settings.session_resolvers)
    return any(
        site.kind == "call" and isinstance(site.node, s.Call) and _is_resolver(resolvers, site.node)
        for site in project.calls(function)
    )


Resolvers = Mapping[str, Collection[str]]
"""Normalised texts of calls by the last name of what is called."""


def _find(project: Project, resolvers: Resolvers, function: Function) -> Iterator[Acquisition]:
    for site in project.calls(function):
        if site.kind != "call" or not isinstance(site.node, s.Call):
            continue
        kind = _kind(project, resolvers, site.node, site.scope)
        if kind:
            name, statement = _binding(project, site.node)
            made = _generator(project, function, site.node) if kind == "next" else None
            yield Acquisition(kind, site.node, name, statement, made)


def _generator(project: Project, function: Function, call: s.Call) -> s.Assign | None:
    """What makes the generator of `next(generator)`, if all else only closes that."""
    name = call.args[0] if call.args else None
    bindings = function.scope.names.get(name.id, []) if isinstance(name, s.Name) else []
    values = [b.value for b in bindings if isinstance(b, ValueBinding)]
    value = values[0] if len(bindings) == len(values) == 1 else None
    if not isinstance(name, s.Name) or not isinstance(value, s.Call):
        return None
    made = project.statement_of(value)
    uses = [project.statement_of(node) for node in function.nodes(s.Name) if node.id == name.id]
    own = (made, project.statement_of(call))
    is_only_closed = all(use in own or ends(use, name.id) for use in uses)
    return made if isinstance(made, s.Assign) and is_only_closed else None


def ends(statement: s.Stmt, generator: str) -> bool:
    """Whether `statement` is `generator.close()`, `next(generator)` or `next(generator, None)`."""
    if is_method_call(statement, generator, "close"):
        return True
    call = statement.value if isinstance(statement, s.ExpressionStatement) else None
    return (
        isinstance(call, s.Call)
        and s.dotted_name(call.func) == "next"
        and [s.dotted_name(value) for value in call.args[:1]] == [generator]
    )


def _kind(project: Project, resolvers: Resolvers, call: s.Call, scope: Scope) -> str:
    if _is_resolver(resolvers, call):
        return "resolver"
    if project.session_kind(call, scope) != "sync":
        return "scope" if _enters_session(project, call, scope) else ""
    if isinstance(call.func, s.Name) and call.func.id == "next":
        return "next"
    types = project.infer(call.func, scope)
    if any(isinstance(found, SessionFactory) for found in types):
        return "factory"
    is_session = any(getattr(found, "dotted", "").endswith(".Session") for found in types)
    return "constructor" if is_session else ""


def _enters_session(project: Project, call: s.Call, scope: Scope) -> bool:
    types = project.infer(call.func, scope)
    return is_entered(call, types) and any(
        project.opening_of(found.fn) is not None
        for found in types
        if isinstance(found, ContextFunction)
    )


def _is_resolver(resolvers: Resolvers, call: s.Call) -> bool:
    texts = resolvers.get(last_name(call.func))
    return texts is not None and source_if_simple(call) in texts


def _binding(project: Project, call: s.Call) -> tuple[str, s.Stmt | None]:
    statement = project.statement_of(call)
    if isinstance(statement, s.Assign) and statement.value is call:
        target = statement.targets[0]
        if len(statement.targets) == 1 and isinstance(target, s.Name):
            return target.id, statement
        return "", None
    if isinstance(statement, s.AnnotatedAssign) and statement.value is call:
        return (
            (statement.target.id, statement) if isinstance(statement.target, s.Name) else ("", None)
        )
    if isinstance(statement, s.With):
        for item in statement.items:
            if item.context is call and isinstance(item.target, s.Name):
                return item.target.id, statement
    return "", None


@functools.cache
def _resolvers(texts: tuple[str, ...]) -> Resolvers:
    found: dict[str, set[str]] = {}
    for text in texts:
        for statement in extract(text).body:
            if isinstance(statement, s.ExpressionStatement):
                found.setdefault(last_name(statement.value), set()).add(_normalised(text))
    return found


def _normalised(text: str) -> str:
    return text.replace("'", '"').replace(" ", "")
