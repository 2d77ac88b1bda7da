"""What works on the engine of a session: `db.get_bind()`.

That of an AsyncSession is a sync engine on an async driver, which cannot connect outside of a
greenlet. What only asks for its dialect or URL can have it.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function
from migrate_async.model import syntax as s

_GET_BIND = "get_bind"
_HARMLESS = frozenset({"dialect", "driver", "echo", "name", "url"})


def engines_at_work(project: Project, function: Function) -> Iterator[s.Call]:
    """Where `function` takes the engine of a sync session, and does more than to look at it."""
    if _GET_BIND not in function.module.attributes:
        return
    for raw in function.calls:
        func = raw.node.func
        if not isinstance(func, s.Attribute) or func.attr != _GET_BIND:
            continue
        is_session = project.session_kind(func.value, raw.scope) == "sync"
        if is_session and not _is_only_read(project, function, raw.node):
            yield raw.node


def _is_only_read(project: Project, function: Function, call: s.Call) -> bool:
    around = project.parent(call)
    if not isinstance(around, s.Assign) or function.node is None:
        return _is_harmless(project, call)
    target = around.targets[0]
    if not isinstance(target, s.Name) or len(around.targets) > 1:
        return False
    return all(
        node is target or _is_harmless(project, node)
        for node in s.walk(function.node)
        if isinstance(node, s.Name) and node.id == target.id
    )


def _is_harmless(project: Project, engine: s.Expr) -> bool:
    around = project.parent(engine)
    return isinstance(around, s.Attribute) and around.attr in _HARMLESS
