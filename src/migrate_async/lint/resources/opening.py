"""Which calls of a function open something that has to be closed."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from migrate_async.index import types as t
from migrate_async.index.project import Project
from migrate_async.index.scopes import Function, Scope, ValueBinding, WithBinding
from migrate_async.knowledge import resources, sqlalchemy
from migrate_async.lint.resources.fate import Resource
from migrate_async.model import syntax as s

FreshReturn = Callable[[Function], "Resource | None"]
"""The resource that a function opens and hands to its caller; None if it does not."""

_SESSION_NOUNS = {"sync": "session", "async": "async session"}


class Openings:
    """Finds what functions open. `fresh` follows helpers that open for their callers."""

    def __init__(self, project: Project, fresh: FreshReturn) -> None:
        self._project = project
        self._fresh = fresh

    def of(self, function: Function) -> Iterator[Resource]:
        """The resources that calls in `function` open, in source order of the calls."""
        for call in function.calls:
            resource = self._opened(call.node, call.scope, function)
            if resource is not None:
                yield resource

    def _opened(self, node: s.Call, scope: Scope, function: Function) -> Resource | None:
        if self._project.is_session_resolver(node):
            return _session(node, scope, function, "session", "resolver")
        for item in t.ordered(self._project.infer(node.func, scope)):
            found = self._of_callee(item, node, scope, function)
            if found is not None:
                return found
        return self._cursor(node, scope, function)

    def _of_callee(
        self, item: t.Type, node: s.Call, scope: Scope, function: Function
    ) -> Resource | None:
        if isinstance(item, t.SessionFactory):
            if self._is_on_a_connection(node, scope):
                return None
            noun = "async session" if item.is_async else "session"
            return _session(node, scope, function, noun, "factory")
        if isinstance(item, t.ExternalMethod):
            return _connection(item, node, scope, function) or _transaction(
                item, node, scope, function
            )
        if isinstance(item, t.FunctionObject):
            return self._from_helper(item.fn, node, scope, function)
        if isinstance(item, t.External | t.ClassObject):
            return self._of_name(item, node, scope, function)
        return None

    def _of_name(
        self, item: t.External | t.ClassObject, node: s.Call, scope: Scope, function: Function
    ) -> Resource | None:
        dotted = item.dotted if isinstance(item, t.External) else ""
        if dotted in resources.DRIVER_CONNECTS:
            return _driver_connection(node, scope, function)
        if dotted in sqlalchemy.ENGINE_FACTORIES:
            closers = resources.ENGINE_CLOSERS
            return Resource(node, function, scope, "engine", "engine", "create", closers)
        if dotted in ("builtins.next", "builtins.anext"):
            return self._from_generator(node, scope, function)
        kind = self._project.session_kind_of(t.of(t.as_instance(item)))
        if kind is None or "scoped_session" in dotted or self._is_on_a_connection(node, scope):
            return None
        if dotted and not node.args and not node.keywords:
            return None  # without an engine it never has a connection
        return _session(node, scope, function, _SESSION_NOUNS[kind], "class")

    def _from_helper(
        self, helper: Function, node: s.Call, scope: Scope, function: Function
    ) -> Resource | None:
        origin = None if helper.is_generator else self._fresh(helper)
        if origin is None:
            return None
        return Resource(
            node, function, scope, origin.noun, origin.family, "helper", origin.closers, origin
        )

    def _from_generator(self, node: s.Call, scope: Scope, function: Function) -> Resource | None:
        """`next(get_db())`."""
        made = node.args[0] if node.args else None
        if not isinstance(made, s.Call):
            return None
        for item in t.ordered(self._project.infer(made.func, scope)):
            if isinstance(item, t.FunctionObject) and item.fn.is_generator:
                kind = self._project.session_kind(node, scope)
                if kind is not None:
                    return _session(node, scope, function, _SESSION_NOUNS[kind], "next")
        return None

    def _cursor(self, node: s.Call, scope: Scope, function: Function) -> Resource | None:
        """`connection.cursor()` of a driver's connection that a local name holds."""
        func = node.func
        if not isinstance(func, s.Attribute) or func.attr != "cursor":
            return None
        bindings = scope.names.get(func.value.id, ()) if isinstance(func.value, s.Name) else ()
        for binding in bindings:
            if not isinstance(binding, ValueBinding | WithBinding):
                continue
            made = _inside_closing(binding.value)
            held = self._opened(made, scope, function) if isinstance(made, s.Call) else None
            if held is not None and held.noun in _RAW_NOUNS:
                closers = resources.CURSOR_CLOSERS
                return Resource(node, function, scope, "cursor", "cursor", "cursor", closers, held)
        return None

    # --- sessions that own no connection -------------------------------------------------------

    def _is_on_a_connection(self, node: s.Call, scope: Scope) -> bool:
        """Whether the session works on a connection that somebody else opened and closes."""
        bind = next((keyword.value for keyword in node.keywords if keyword.arg == "bind"), None)
        if bind is None and node.args:
            bind = node.args[0]
        if bind is not None:
            return self._is_connection(bind, scope)
        made = self._maker(node.func, scope)
        return made is not None and self._is_on_a_connection(*made)

    def _maker(self, func: s.Expr, scope: Scope) -> tuple[s.Call, Scope] | None:
        """The `sessionmaker(...)` that made `func`, if it is written here or in this function."""
        if isinstance(func, s.Call):
            return func, scope
        bindings = scope.names.get(func.id, ()) if isinstance(func, s.Name) else ()
        for binding in bindings:
            if isinstance(binding, ValueBinding) and isinstance(binding.value, s.Call):
                return binding.value, binding.scope
        return None

    def _is_connection(self, expr: s.Expr, scope: Scope) -> bool:
        if s.dotted_name(expr) in _CONNECTION_NAMES:
            return True
        if self._project.engine_or_connection(expr, scope) in ("connection", "async-connection"):
            return True
        # By its name: projects have a folder `alembic` of their own, which hides the package.
        made = expr if isinstance(expr, s.Call) else (self._maker(expr, scope) or (None, scope))[0]
        return made is not None and s.dotted_name(made.func) == "op.get_bind"


_RAW_NOUNS = frozenset({"raw connection", "driver connection"})
_CONNECTION_NAMES = frozenset({"conn", "connection"})


def _session(node: s.Call, scope: Scope, function: Function, noun: str, via: str) -> Resource:
    closers = resources.SESSION_CLOSERS
    return Resource(node, function, scope, noun, "session", via, closers)


def _connection(
    item: t.ExternalMethod, node: s.Call, scope: Scope, function: Function
) -> Resource | None:
    if item.owner not in (sqlalchemy.ENGINE, sqlalchemy.ASYNC_ENGINE):
        return None
    nouns = {"connect": "connection", "raw_connection": "raw connection"}
    noun = nouns.get(item.name)
    if noun is None:
        return None
    closers = resources.CONNECTION_CLOSERS
    via = "connect" if item.name == "connect" else "raw"
    return Resource(node, function, scope, noun, "connection", via, closers)


def _transaction(
    item: t.ExternalMethod, node: s.Call, scope: Scope, function: Function
) -> Resource | None:
    owner, _ = sqlalchemy.OWNERS.get(item.owner, ("", False))
    noun = resources.TRANSACTION_OPENERS.get(item.name)
    if noun is None or owner not in ("session", "connection"):
        return None
    closers = resources.TRANSACTION_CLOSERS
    return Resource(node, function, scope, noun, "transaction", "begin", closers)


def _inside_closing(expr: s.Expr) -> s.Expr:
    """`c` of `closing(c)` and of `await c`; other expressions come back as they are."""
    if isinstance(expr, s.Await):
        return expr.value
    if isinstance(expr, s.Call) and expr.args and s.dotted_name(expr.func).endswith("closing"):
        return expr.args[0]
    return expr


def _driver_connection(node: s.Call, scope: Scope, function: Function) -> Resource:
    closers = resources.CONNECTION_CLOSERS
    return Resource(node, function, scope, "driver connection", "connection", "driver", closers)
