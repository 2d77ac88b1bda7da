"""Sessions that a coroutine puts into an object, `request.state.db`, where kept code finds them.

A middleware does that. Kept code runs in a worker thread and takes the sync side of the session,
`request.state.db.sync_session`, as it does from a dependency.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import TypeGuard

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function, ValueBinding
from migrate_async.index.sessions import Variable
from migrate_async.index.types import SessionFactory
from migrate_async.knowledge.sqlalchemy import ASYNC_SCOPED_SESSION, SYNC_SESSION
from migrate_async.model import syntax as s
from migrate_async.plan.colouring.own_registries import own_registries
from migrate_async.plan.names import local_name


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
        if function.module.is_test or function.module.attributes.isdisjoint(self._put):
            return
        for node in function.nodes(s.Attribute):
            if node.attr not in self._put:
                continue
            root = s.dotted_name(node).partition(".")[0]
            is_own = bool(root) and root == function.self_name
            if is_own or not isinstance(node.value, s.Attribute):
                continue
            if self._is_side(self._project.parent(node)):
                continue
            if self._project.session_kind(node, function.scope) is not None:
                yield node

    def has_sync_side(self, function: Function, node: s.Attribute) -> bool:
        """Whether `function` can take the sync side: it waits in a thread, and the session hops.

        What a library runs, the resolvers of GraphQL, may well run on the event loop.
        """
        is_plain = isinstance(function.node, s.FunctionDef) and not function.node.is_async
        if not is_plain or _is_run_by_library(function) or not s.dotted_name(node):
            return False
        return self._put[node.attr] and not self.hands_on(function)

    def hands_on(self, function: Function) -> bool:
        """Whether `function` returns such a session, so that others may await it."""
        return any(
            isinstance(self._project.parent(node), s.Return) for node in self.read_by(function)
        )

    def sharers(self, attr: str) -> Iterator[Function]:
        """The functions that put a sync session into objects as `attr`, or read one there."""
        for function in self._project.functions:
            if attr not in function.module.attributes or function.module.is_test:
                continue
            nodes = function.nodes(s.Attribute)
            if any(self._is_shared(node, attr, function) for node in nodes):
                yield function

    def _is_shared(self, node: s.Attribute, attr: str, function: Function) -> bool:
        if node.attr != attr or not isinstance(node.value, s.Attribute):
            return False
        parent = self._project.parent(node)
        value = parent.value if isinstance(parent, s.Assign) and parent.value is not node else node
        return self._project.session_kind(value, function.scope) == "sync"

    def taken(self, function: Function) -> Iterator[s.Attribute]:
        """`request.state.db.sync_session`, which an earlier run wrote."""
        if SYNC_SESSION in function.module.attributes:
            yield from filter(self._is_side, function.nodes(s.Attribute))

    def _is_side(self, node: s.AnyNode | s.ModuleSyntax) -> bool:
        if not isinstance(node, s.Attribute) or node.attr != SYNC_SESSION:
            return False
        lent = node.value
        return isinstance(lent, s.Attribute) and lent.attr in self._put

    @cached_property
    def _put(self) -> dict[str, bool]:
        """Attributes that get a session, and whether a factory of the project makes it always."""
        found: dict[str, bool] = {}
        for function, value in self._values:
            statement = self._project.statement_of(value)
            for target in statement.targets if isinstance(statement, s.Assign) else ():
                if _is_of_object(target):
                    made = found.get(target.attr, True) and self._is_made(function, value)
                    found[target.attr] = made
        return found

    @cached_property
    def _values(self) -> tuple[tuple[Function, s.Expr], ...]:
        """The sessions that coroutines put into objects, `request.state.db = value`."""
        return tuple(
            (function, node.value)
            for function in self._project.functions
            for node in (function.nodes(s.Assign) if self._is_async(function) else ())
            if any(map(_is_of_object, node.targets))
            if self._project.session_kind(node.value, function.scope) is not None
        )

    def own_factories(self) -> Iterator[Variable]:
        """The factories and registries that functions make for themselves, and lend sessions of."""
        found: dict[s.Expr, Variable] = {}
        for function, value in self._values:
            own = self._own_factory(function, value)
            if own is not None and not _is_of_module_factory(own):
                found.setdefault(own.value, own)
        yield from found.values()

    def _is_made(self, function: Function, value: s.Expr) -> bool:
        if not isinstance(value, s.Call) or not isinstance(value.func, s.Name):
            return False
        module, name = function.module, value.func.id
        return self._own_factory(function, value) is not None or any(
            factory.kind == "async_sessionmaker" or self._becomes_async(factory)
            for factory in self._project.session_factories
            if factory.name == name and factory.scope.kind == "module"
            if factory.module is module or local_name(module, factory.module.name, name) == name
        )

    def _own_factory(self, function: Function, value: s.Expr) -> Variable | None:
        """The local variable that `value` calls, if that makes sessions that can hop."""
        name = value.func.id if isinstance(value, s.Call) and isinstance(value.func, s.Name) else ""
        made = [
            binding.value
            for binding in function.scope.names.get(name, ())
            if isinstance(binding, ValueBinding) and isinstance(binding.value, s.Call)
        ]
        if len(made) != 1:
            return None
        kind = self._kind(function, made[0])
        variable = Variable(name, "", kind, made[0], function.scope)
        is_async = kind.startswith("async")
        return variable if kind and (is_async or self._becomes_async(variable)) else None

    def _kind(self, function: Function, call: s.Call) -> str:
        for own in own_registries(self._project, function):
            if own.call is call:
                return "" if own.obstacle else "scoped_session"
        types = self._project.infer(call, function.scope)
        if any(getattr(item, "dotted", "") == ASYNC_SCOPED_SESSION for item in types):
            return "async_scoped_session"
        for item in types:
            if isinstance(item, SessionFactory):
                return "async_sessionmaker" if item.is_async else "sessionmaker"
        return ""


def _is_run_by_library(function: Function) -> bool:
    """Whether a decorator that nobody can follow has `function` for something."""
    return any(item.startswith("decorator:") for item in function.soft)


def _is_of_module_factory(registry: Variable) -> bool:
    """Whether it is a registry of a factory that is no local one: that is told itself."""
    call = registry.value
    if not registry.kind.endswith("scoped_session") or not isinstance(call, s.Call):
        return False
    keywords = [item.value for item in call.keywords if item.arg == "session_factory"]
    factory = [*call.args, *keywords][0]
    return isinstance(factory, s.Name | s.Attribute) and (
        not isinstance(factory, s.Name) or factory.id not in registry.scope.names
    )


def _is_of_object(target: s.Expr) -> TypeGuard[s.Attribute]:
    return isinstance(target, s.Attribute) and isinstance(target.value, s.Attribute)
