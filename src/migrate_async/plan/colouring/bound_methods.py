"""Methods of a sync session that are used as values: `query = db.query`, `submit(db.execute)`.

Whoever calls them does not await, and `AsyncSession` has no `query`.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function
from migrate_async.knowledge.async_api import SESSION_AWAITED, SESSION_WITHOUT_COUNTERPART
from migrate_async.model import syntax as s

_METHODS = SESSION_AWAITED | SESSION_WITHOUT_COUNTERPART | {"query"}


def bound_methods(project: Project, function: Function) -> Iterator[s.Attribute]:
    """Where `function` uses such a method and nobody sees it called."""
    for reference in function.references:
        node = reference.node
        if type(node) is not s.Attribute or node.attr not in _METHODS:
            continue
        if _is_followed(project, node):
            continue
        if project.session_kind(node.value, reference.scope) == "sync":
            yield node


def _is_followed(project: Project, node: s.Attribute) -> bool:
    """Whether a variable gets it, whose calls are known: `run = db.execute`."""
    parent = project.parent(node)
    return isinstance(parent, s.Assign) and parent.value is node and node.attr != "query"
