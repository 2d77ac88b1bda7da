"""Calls that nobody can resolve and that seem to work on a session."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function
from migrate_async.index.sites import CallSite
from migrate_async.model import syntax as s
from migrate_async.model.diagnostic import Diagnostic, note
from migrate_async.plan.colouring.passed import passes_sync

OPEN_END = "MA203"

_ENDS = frozenset({"commit", "flush", "rollback"})
"""Methods of sessions that few other objects have."""


def open_ends(project: Project, functions: Iterable[Function]) -> Iterator[Diagnostic]:
    """A message for each call in `functions` that gets a sync session and is not resolved."""
    for function in functions:
        for site in project.calls(function) if not function.module.is_test else ():
            if site.kind == "call" and not site.resolved and passes_sync(project, site):
                yield note(
                    function.module.path,
                    site.node.span,
                    OPEN_END,
                    f"{function.qualname} passes a session to a call that is not resolved",
                    "annotate what is called; see that it takes the session which it gets now",
                )


def end_in_wrapper(project: Project, function: Function) -> CallSite | None:
    """The first `x.commit()` of a decorator's wrapper where nobody can say what `x` is.

    It found its session among the arguments of what it decorates: `kwargs.get("db") or args[0]`.
    """
    if not project.wrapped_by(function):
        return None
    for site in project.calls(function):
        func = site.node.func if isinstance(site.node, s.Call) else None
        if site.kind != "call" or site.resolved or not isinstance(func, s.Attribute):
            continue
        if func.attr in _ENDS:
            return site
    return None
