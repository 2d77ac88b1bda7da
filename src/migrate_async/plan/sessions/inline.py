"""Sessions that a query begins with: `SessionLocal().query(User)`, `next(get_db()).query(User)`.

The query is written anew as a whole, and has to begin with what its session becomes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from migrate_async.config import Settings
from migrate_async.index.project import Project
from migrate_async.index.scopes import Function
from migrate_async.model import plan as p
from migrate_async.model import syntax as s
from migrate_async.plan.sessions.acquisitions import find_acquisitions
from migrate_async.plan.text import source


def inline_sessions(
    project: Project, settings: Settings, function: Function, edits: Iterable[p.AnyEdit]
) -> Iterator[tuple[s.Span, str, str]]:
    """Where such sessions are in `function`, how they read, and how with the `edits` made."""
    codes = {edit.span: edit.code for edit in edits if isinstance(edit, p.ReplaceExpression)}
    if not codes:
        return
    for found in find_acquisitions(project, settings, function):
        if isinstance(project.parent(found.call), s.Attribute):
            new = _edited(found.call, codes)
            if new is not found.call:
                yield found.call.span, source(found.call), source(new)


def _edited(node: s.Expr, codes: dict[s.Span, str]) -> s.Expr:
    """`node` with the codes in the place of what is at their spans."""
    if node.span in codes:
        return s.Name(*node.span, codes[node.span])
    if isinstance(node, s.Attribute):
        value = _edited(node.value, codes)
        return node if value is node.value else s.Attribute(*node.span, value, node.attr)
    if not isinstance(node, s.Call):
        return node
    func = _edited(node.func, codes)
    args = tuple(_edited(arg, codes) for arg in node.args)
    keywords = tuple(s.Keyword(*k.span, k.arg, _edited(k.value, codes)) for k in node.keywords)
    is_same = all(value in node.values for value in (*args, *(k.value for k in keywords)))
    return node if func is node.func and is_same else s.Call(*node.span, func, args, keywords)
