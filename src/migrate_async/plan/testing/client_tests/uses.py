"""What a test suite does with its clients: calls to await, and what has no async form."""

from __future__ import annotations

from dataclasses import dataclass, field

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function
from migrate_async.model import syntax as s
from migrate_async.plan.testing.client_tests.clients import Clients, own_nodes
from migrate_async.plan.testing.pytest_support import is_fixture

AWAITED = frozenset(
    {"close", "delete", "get", "head", "options", "patch", "post", "put", "request", "send"}
)
_PLAIN = frozenset(
    {"app", "app_state", "auth", "base_url", "build_request", "cookies", "event_hooks"}
    | {"follow_redirects", "headers", "is_closed", "max_redirects", "params", "timeout"}
)
"""The same on both clients, without I/O."""


class Refused(Exception):
    """Why the suite is left as it is."""

    def __init__(self, function: Function, node: s.AnyNode | None, reason: str) -> None:
        super().__init__(reason)
        self.path = function.module.path
        found = node if isinstance(node, s.Node) else function.node
        self.span: s.Span = found.span if found is not None else (1, 0, 1, 0)
        self.reason = reason


@dataclass
class Uses:
    """Of one function: requests, closings, `with` statements that enter a client."""

    requests: list[s.Call] = field(default_factory=list)
    closings: list[s.Call] = field(default_factory=list)
    entered: list[s.With] = field(default_factory=list)
    made: list[s.Call] = field(default_factory=list)

    @property
    def waits(self) -> bool:
        """Whether the function has to become a coroutine for what it does itself."""
        return bool(self.requests or self.closings or self.entered)


def uses_of(project: Project, clients: Clients, function: Function) -> Uses:
    """What `function` does with clients.

    Raises `Refused` for a use that cannot be awaited, or not be followed.
    """
    found = Uses()
    for node in own_nodes(function):
        if isinstance(node, s.Call) and clients.is_class(node.func):
            found.made.append(node)
        if isinstance(node, s.Name | s.Call) and clients.is_client(node, function):
            _use(project, function, node, found)
    return found


_HARMLESS = (s.ExpressionStatement, s.Parameter, s.Simple, s.Delete)


def _use(project: Project, function: Function, node: s.Name | s.Call, found: Uses) -> None:
    parent = project.parent(node)
    if isinstance(parent, s.WithItem | s.Keyword):
        parent = project.parent(parent)
    if isinstance(parent, s.Attribute):
        _attribute(project, function, parent, found)
    elif isinstance(parent, s.With):
        if any(item.context is node for item in parent.items):
            found.entered.append(parent)
    elif isinstance(parent, s.Call):
        _argument(project, function, parent, node)
    elif isinstance(parent, s.Assign | s.AnnotatedAssign):
        targets = parent.targets if isinstance(parent, s.Assign) else (parent.target,)
        if any(not isinstance(target, s.Name) for target in targets):
            raise Refused(function, node, "a client is kept in an object")
    elif not isinstance(parent, _HARMLESS) and not _is_given(parent, function):
        raise Refused(function, node, "a client is used in a way that cannot be followed")


def _is_given(parent: s.AnyNode | s.ModuleSyntax, function: Function) -> bool:
    """What a fixture gives can be followed, what other functions give cannot."""
    return isinstance(parent, s.Return | s.Yield) and is_fixture(function)


def _attribute(project: Project, function: Function, attribute: s.Attribute, found: Uses) -> None:
    call = project.parent(attribute)
    if isinstance(call, s.Call) and call.func is attribute and attribute.attr in AWAITED:
        kind = found.closings if attribute.attr == "close" else found.requests
        kind.append(call)
    elif attribute.attr in AWAITED:
        raise Refused(function, attribute, f"client.{attribute.attr} is handed on as a value")
    elif attribute.attr not in _PLAIN:
        raise Refused(function, attribute, f"client.{attribute.attr} has no async form")


def _argument(project: Project, function: Function, call: s.Call, node: s.AnyNode) -> None:
    """A client that is handed on has to end up in functions of the suite."""
    for site in project.calls(function):
        if site.node is call:
            targets = site.targets
            if targets and all(target.module.is_test for target in targets):
                return
    raise Refused(function, node, "a client is handed to a function that cannot be followed")
