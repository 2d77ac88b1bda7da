"""`with closing(SessionLocal()) as db:`: its `close()` would be a coroutine nobody awaits."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function, RawCall
from migrate_async.index.types import External
from migrate_async.model import plan as p
from migrate_async.model import syntax as s

NAME = "async-colour"

_CLOSING = "contextlib.closing"
_ASYNC = "aclosing"


def closings(project: Project, function: Function) -> Iterator[tuple[RawCall, str]]:
    """The calls in `with` statements of `function`, and what they close.

    That is `session` or `connection`.
    """
    for call in function.calls:
        item = project.parent(call.node)
        is_context = isinstance(item, s.WithItem) and item.context is call.node
        if call.name != "closing" or not is_context or len(call.node.args) != 1:
            continue
        if not any(map(_is_closing, project.infer(call.node.func, call.scope))):
            continue
        closed = call.node.args[0]
        if project.session_kind(closed, call.scope) == "sync":
            yield call, "session"
        elif project.engine_or_connection(closed, call.scope) == "connection":
            yield call, "connection"


def closing_edits(call: s.Call, what: str) -> tuple[list[p.AnyEdit], list[p.ImportChange]]:
    """A session closes itself at the end of an `async with`; a connection began before it."""
    if what == "session":
        return [p.UnwrapCall(span=call.span, codemod=NAME)], []
    if isinstance(call.func, s.Attribute):
        return [p.RenameAttribute(span=call.func.span, codemod=NAME, name=_ASYNC)], []
    change = p.ImportChange(NAME, "contextlib", _ASYNC)
    return [p.ReplaceExpression(span=call.func.span, codemod=NAME, code=_ASYNC)], [change]


def _is_closing(item: object) -> bool:
    return isinstance(item, External) and item.dotted == _CLOSING
