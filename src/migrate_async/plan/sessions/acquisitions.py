"""Places where a function makes or fetches a session of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from migrate_async.config import Settings
from migrate_async.index.project import Project
from migrate_async.index.scopes import Function
from migrate_async.index.types import SessionFactory
from migrate_async.model import syntax as s
from migrate_async.plan.text import source


@dataclass(frozen=True)
class Acquisition:
    """`kind`: `factory`, `constructor`, `resolver` or `next`.

    `name` is the local that holds the session (empty: none, or an attribute); `statement` is the
    assignment or the `with` that binds it, None where the call stands in a larger expression.
    """

    kind: str
    call: s.Call
    name: str = ""
    statement: s.Stmt | None = None


def find_acquisitions(
    project: Project, settings: Settings, function: Function
) -> tuple[Acquisition, ...]:
    """All acquisitions in `function`, in source order."""
    resolvers = frozenset(_normalised(text) for text in settings.session_resolvers)
    return tuple(_find(project, resolvers, function))


def _find(project: Project, resolvers: frozenset[str], function: Function) -> Iterator[Acquisition]:
    for site in project.calls(function):
        if site.kind != "call" or not isinstance(site.node, s.Call):
            continue
        kind = _kind(project, resolvers, site.node)
        if kind:
            name, statement = _binding(project, site.node)
            yield Acquisition(kind, site.node, name, statement)


def _kind(project: Project, resolvers: frozenset[str], call: s.Call) -> str:
    if _text(call) in resolvers:
        return "resolver"
    scope = project.scope_of(call)
    if project.session_kind(call, scope) != "sync":
        return ""
    if isinstance(call.func, s.Name) and call.func.id == "next":
        return "next"
    types = project.infer(call.func, scope)
    if any(isinstance(found, SessionFactory) for found in types):
        return "factory"
    if any(getattr(found, "dotted", "").endswith(".Session") for found in types):
        return "constructor"
    return ""


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


def _text(call: s.Call) -> str:
    try:
        return source(call)
    except ValueError:
        return ""


def _normalised(text: str) -> str:
    return text.replace("'", '"').replace(" ", "")
