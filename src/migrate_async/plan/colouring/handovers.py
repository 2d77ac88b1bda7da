"""Sessions that a function hands to code which nobody can read: plugins, other packages.

Such code was written for a sync session. Whoever calls it keeps one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from migrate_async.index import types as t
from migrate_async.index.project import Project
from migrate_async.index.scopes import Function
from migrate_async.index.sessions import is_heuristic
from migrate_async.index.sites import CallSite
from migrate_async.index.types import Type
from migrate_async.knowledge.dispatch import CALLABLES
from migrate_async.knowledge.external import HARMLESS_ROOTS
from migrate_async.model import syntax as s
from migrate_async.model.diagnostic import Diagnostic, Severity, at
from migrate_async.plan.paths import is_test_path

OPEN_END = "MA203"

_NEVER_HARMLESS = frozenset({"builtins.getattr", "contextlib.ExitStack"})
"""What calls a method of a session by a name, or enters one without `async with`."""
_ENDS = frozenset({"commit", "flush", "rollback"})
"""Methods of sessions that few other objects have."""


def unfollowed(project: Project, function: Function) -> CallSite | None:
    """The first call of `function` that passes its sync session to unknown code.

    What is a session by its name only does not count, nor do tests.
    """
    if is_test_path(function.module.path):
        return None
    for site in project.calls(function):
        if site.kind != "call" or site.targets or site.operation is not None:
            continue
        if not project.passes_session(site) or not _passes_sync(project, site, surely=True):
            continue
        assert isinstance(site.node, s.Call)  # noqa: S101  sites of this kind are
        types = project.infer(site.node.func, site.scope)
        if not site.resolved or any(map(_is_unknown, types)):
            return site
    return None


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


def open_ends(project: Project, functions: Iterable[Function]) -> Iterator[Diagnostic]:
    """A message for each call in `functions` that gets a sync session and is not resolved."""
    for function in functions:
        for site in project.calls(function) if not is_test_path(function.module.path) else ():
            if site.kind == "call" and not site.resolved and _passes_sync(project, site):
                found = at(
                    function.module.path,
                    site.node.span,
                    OPEN_END,
                    f"{function.qualname} passes a session to a call that is not resolved",
                    "annotate what is called; see that it takes the session which it gets now",
                )
                yield msgspec.structs.replace(found, severity=Severity.NOTE.value)


def _passes_sync(project: Project, site: CallSite, *, surely: bool = False) -> bool:
    """Whether an argument is a sync session, not only by its name if it is to be so `surely`."""
    call = site.node
    assert isinstance(call, s.Call)  # noqa: S101  sites of this kind are
    values = (*call.args, *(keyword.value for keyword in call.keywords))
    types = (project.infer(value, site.scope) for value in values)
    return any(
        project.session_kind_of(found) == "sync" and not (surely and is_heuristic(found))
        for found in types
    )


def _is_unknown(item: Type) -> bool:
    """Whether nobody has read the code of `item`: it is neither ours nor one of our tables'."""
    if isinstance(item, t.Method):
        return isinstance(item.owner, t.Instance)
    if isinstance(item, t.ExternalInstance):
        return item.dotted in CALLABLES  # nobody knows which function it is
    if isinstance(item, t.ExternalMethod):
        return _is_foreign(item.owner)
    return isinstance(item, t.External | t.ExternalResult) and _is_foreign(item.dotted)


def _is_foreign(dotted: str) -> bool:
    return dotted in _NEVER_HARMLESS or dotted.partition(".")[0] not in HARMLESS_ROOTS
