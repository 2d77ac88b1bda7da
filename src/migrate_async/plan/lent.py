"""Sessions that a coroutine puts into an object, `request.state.db`, where kept code finds them.

A middleware does that. Kept code runs in a worker thread and takes the sync side of the session,
`request.state.db.sync_session`, as it does from a dependency.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function
from migrate_async.index.sessions import Variable
from migrate_async.model import syntax as s
from migrate_async.plan.names import local_name
from migrate_async.plan.paths import is_test_path

_SIDE = "sync_session"


class LentSessions:
    """What the functions that `is_async` holds of put into objects."""

    def __init__(
        self,
        project: Project,
        is_async: Callable[[Function], bool],
        becomes_async: Callable[[Variable], bool],
    ) -> None:
        self._project = project
        self._is_async = is_async
        self._becomes_async = becomes_async

    def read_by(self, function: Function) -> Iterator[s.Attribute]:
        """Where `function`, which stays sync, reads such a session."""
        if function.node is None or is_test_path(function.module.path):
            return
        if function.module.attributes.isdisjoint(self._put):
            return
        for node in s.walk(function.node):
            if not isinstance(node, s.Attribute) or node.attr not in self._put:
                continue
            root = s.dotted_name(node).partition(".")[0]
            if root == function.self_name or not isinstance(node.value, s.Attribute):
                continue
            if self._is_side(self._project.parent(node)):
                continue
            if self._project.session_kind(node, function.scope) is not None:
                yield node

    def has_sync_side(self, function: Function, node: s.Attribute) -> bool:
        """Whether `function` can take the sync side: it waits in a thread, and the session hops."""
        is_plain = isinstance(function.node, s.FunctionDef) and not function.node.is_async
        return is_plain and self._put[node.attr] and not self.hands_on(function)

    def hands_on(self, function: Function) -> bool:
        """Whether `function` returns such a session, so that others may await it."""
        return any(
            isinstance(self._project.parent(node), s.Return) for node in self.read_by(function)
        )

    def sharers(self, attr: str) -> Iterator[Function]:
        """The functions that put a sync session into objects as `attr`, or read one there."""
        for function in self._project.functions:
            if attr not in function.module.attributes or is_test_path(function.module.path):
                continue
            nodes = s.walk(function.node) if function.node is not None else ()
            if any(self._is_shared(node, attr, function) for node in nodes):
                yield function

    def _is_shared(self, node: s.AnyNode, attr: str, function: Function) -> bool:
        if not isinstance(node, s.Attribute) or node.attr != attr:
            return False
        if not isinstance(node.value, s.Attribute):
            return False
        parent = self._project.parent(node)
        value = parent.value if isinstance(parent, s.Assign) and parent.value is not node else node
        return self._project.session_kind(value, function.scope) == "sync"

    def taken(self, function: Function) -> Iterator[s.Attribute]:
        """`request.state.db.sync_session`, which an earlier run wrote."""
        if function.node is None or _SIDE not in function.module.attributes:
            return
        for node in s.walk(function.node):
            if self._is_side(node) and isinstance(node, s.Attribute):
                yield node

    def _is_side(self, node: s.AnyNode | s.ModuleSyntax) -> bool:
        if not isinstance(node, s.Attribute) or node.attr != _SIDE:
            return False
        lent = node.value
        return isinstance(lent, s.Attribute) and lent.attr in self._put

    @cached_property
    def _put(self) -> dict[str, bool]:
        """Attributes that get a session, and whether a factory of the project makes it always."""
        found: dict[str, bool] = {}
        for function in self._project.functions:
            for node in s.walk(function.node) if function.node and self._is_async(function) else ():
                if not isinstance(node, s.Assign):
                    continue
                if self._project.session_kind(node.value, function.scope) is None:
                    continue
                for target in node.targets:
                    if isinstance(target, s.Attribute) and isinstance(target.value, s.Attribute):
                        made = found.get(target.attr, True) and self._is_made(function, node.value)
                        found[target.attr] = made
        return found

    def _is_made(self, function: Function, value: s.Expr) -> bool:
        if not isinstance(value, s.Call) or not isinstance(value.func, s.Name):
            return False
        module, name = function.module, value.func.id
        return any(
            factory.kind == "async_sessionmaker" or self._becomes_async(factory)
            for factory in self._project.session_factories
            if factory.name == name
            and (factory.module is module or local_name(module, factory.module.name, name) == name)
        )
