"""Locks of threads that a function holds while it waits for the database.

`with lock:` around a query keeps other threads waiting. In a coroutine it would stop the event
loop: the coroutine that holds the lock waits for the database, the next one waits for the lock, and
the loop, which could end the first wait, stands still.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function
from migrate_async.index.types import ExternalInstance, ExternalResult
from migrate_async.knowledge.blocking import LOCKS
from migrate_async.model import syntax as s


def locked_blocks(project: Project, function: Function) -> Iterator[s.With]:
    """The `with` statements in `function` that hold a lock of threads or processes."""
    if not isinstance(function.node, s.FunctionDef):
        return
    for node in function.nodes(s.With):
        if not node.is_async:
            contexts = [item.context for item in node.items]
            if any(is_lock(project, context) for context in contexts):
                yield node


def is_lock(project: Project, node: s.Expr) -> bool:
    """Whether the value of `node` is a lock that makes a thread wait."""
    return any(
        isinstance(found, (ExternalInstance, ExternalResult)) and found.dotted in LOCKS
        for found in project.infer(node, project.scope_of(node))
    )
