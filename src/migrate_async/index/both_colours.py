"""Decorators of the project that look at the colour of what they are on, and serve either.

    def guarded(function):
        if iscoroutinefunction(function):
            @wraps(function)
            async def async_wrapper(*args, **kwargs):
                return await function(*args, **kwargs)

            return async_wrapper

        @wraps(function)
        def wrapper(*args, **kwargs):
            return function(*args, **kwargs)

        return wrapper

So do those that only hand the function on to one of them, or to the method of a router. Nothing in
them has to change, and no call in them says which colour the function has.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index import scopes as sc
from migrate_async.index import types as t
from migrate_async.index.infer import Inference
from migrate_async.index.route_makers import method_parameters
from migrate_async.model import syntax as s

_CHECKS = frozenset({"iscoroutinefunction", "is_async_callable", "is_coroutine_callable"})
_LOOKS = _CHECKS | {"wraps", "update_wrapper", "signature", "get_type_hints"}
"""What may get the function and does not run it."""


class BothColours:
    """Answers for one project."""

    def __init__(self, inference: Inference) -> None:
        self.inference = inference
        self.parents = inference.symbols.parents
        self._known: dict[tuple[sc.Function, frozenset[str]], bool] = {}

    def serves(self, decorator: s.Expr, scope: sc.Scope) -> bool:
        """Whether all that `decorator` may be is of this kind."""
        makers = t.ordered(self.inference.infer(decorator, scope))
        methods = method_parameters(decorator, scope, self.inference)
        return bool(makers) and all(
            isinstance(item, t.FunctionObject) and self._is_known(item.fn, methods)
            for item in makers
        )

    def _is_known(self, decorator: sc.Function, methods: frozenset[str] = frozenset()) -> bool:
        """Whether `decorator` is of this kind, where `methods` around it are those of routers."""
        key = decorator, methods
        if key not in self._known:
            self._known[key] = False  # for those that hand on in a circle
            self._known[key] = _Decorator(self, decorator, methods).serves()
        return self._known[key]

    def runs(self, call: s.Call, wrapper: sc.Function) -> bool:
        """Whether `call`, in `wrapper`, runs what such a decorator is on."""
        func = call.func
        return isinstance(func, s.Name) and any(
            _parameter(outer) == func.id and self._is_known(outer) for outer in wrapper.around
        )


class _Decorator:
    """One that may be of this kind."""

    def __init__(self, kind: BothColours, decorator: sc.Function, methods: frozenset[str]) -> None:
        self._kind = kind
        self._parents = kind.parents
        self._scope = decorator.scope
        self._function = decorator
        self._methods = methods

    def serves(self) -> bool:
        """Whether it serves functions of both colours."""
        function, name = self._function, _parameter(self._function)
        if not name or function.is_async or function.is_generator:
            return False
        if not isinstance(function.node, s.FunctionDef) or _binds_again(function.node, name):
            return False
        uses = [use for use in _named(function.node, name) if not self._is_looked_at(use)]
        if uses and all(map(self._is_run_rightly, uses)):
            return all(self._gives_coroutine(value, name) for value in function.returns)
        return bool(uses) and all(map(self._is_handed, uses))

    def _is_looked_at(self, use: s.Name) -> bool:
        around = self._parents[use]
        if isinstance(around, s.Attribute):
            call = self._parents[around]
            return not (isinstance(call, s.Call) and call.func is around)
        if isinstance(around, s.Call):
            return use in around.args and sc.last_name(around.func) in _LOOKS
        return isinstance(around, s.Operation) and around.operator in ("f-string", "format")

    def _is_run_rightly(self, use: s.Name) -> bool:
        """Whether it is awaited where it is known to be a coroutine, and not where it is not."""
        call = self._parents[use]
        if not isinstance(call, s.Call) or call.func is not use:
            return False
        is_awaited = isinstance(self._parents[call], s.Await)
        return self._is_coroutine(call, use.id) is is_awaited

    def _gives_coroutine(self, value: s.Expr, name: str) -> bool:
        """Whether the wrapper `value` can be awaited, if it may be that of a coroutine function."""
        if self._is_coroutine(value, name) is False:
            return True
        types = t.ordered(self._kind.inference.infer(value, self._scope))
        return bool(types) and all(
            isinstance(item, t.FunctionObject) and item.fn.is_async for item in types
        )

    def _is_coroutine(self, place: s.Expr, name: str) -> bool | None:
        """What the checks around and before `place` say of the function; None: nothing."""
        node: s.AnyNode | s.ModuleSyntax = place
        while not isinstance(node, s.ModuleSyntax):
            around = self._parents[node]
            if isinstance(around, s.If) and _is_check(around.test, name):
                return node in around.body
            if any(_leaves(statement, name) for statement in _before(around, node)):
                return False
            node = around
        return None

    def _is_handed(self, use: s.Name) -> bool:
        """Whether it goes to another decorator of this kind, and what comes back is given."""
        call = self._parents[use]
        if not isinstance(call, s.Call) or not self._takes(call, use):
            return False
        around = self._parents[call]
        if not isinstance(around, s.Assign):
            return self._is_given(call)
        target, node = around.targets[0], self._function.node
        if len(around.targets) > 1 or not isinstance(target, s.Name):
            return False
        assert isinstance(node, s.FunctionDef)  # noqa: S101  see `serves`
        later = [name for name in _named(node, target.id) if name is not target]
        return bool(later) and all(map(self._is_given, later))

    def _is_given(self, value: s.Expr) -> bool:
        """Whether `value` is returned, maybe by way of more such decorators."""
        around = self._parents[value]
        if isinstance(around, s.Call):
            return self._takes(around, value) and self._is_given(around)
        return isinstance(around, s.Return)

    def _takes(self, call: s.Call, value: s.Expr) -> bool:
        """Whether `call` hands `value` to a decorator of this kind, or to a router."""
        if call.args != (value,) or call.keywords:
            return False
        made = call.func.func if isinstance(call.func, s.Call) else None
        is_router = isinstance(made, s.Name) and made.id in self._methods
        return is_router or self._kind.serves(call.func, self._scope)


def _parameter(decorator: sc.Function) -> str:
    return decorator.params[0].name if decorator.params else ""


def _binds_again(node: s.FunctionDef, name: str) -> bool:
    """Whether something in `node` has another value for `name`."""
    return any(name in _bound(part) for part in s.walk(node) if part is not node)


def _bound(part: s.AnyNode) -> list[str]:
    if isinstance(part, s.FunctionDef | s.Lambda):
        return [param.name for param in part.params]
    if isinstance(part, s.AnnotatedAssign | s.AugmentedAssign | s.NamedExpression | s.For):
        return [sc.last_name(part.target)]
    return [sc.last_name(target) for target in part.targets] if isinstance(part, s.Assign) else []


def _named(node: s.FunctionDef, name: str) -> Iterator[s.Name]:
    for statement in node.body:
        for part in s.walk(statement):
            if isinstance(part, s.Name) and part.id == name:
                yield part


def _is_check(test: s.Expr, name: str) -> bool:
    """`iscoroutinefunction(function)`"""
    if not isinstance(test, s.Call) or sc.last_name(test.func) not in _CHECKS:
        return False
    return [arg.id for arg in test.args if isinstance(arg, s.Name)] == [name]


def _leaves(statement: s.Stmt, name: str) -> bool:
    """Whether nothing below `statement` is reached with a coroutine function."""
    if not isinstance(statement, s.If) or not _is_check(statement.test, name):
        return False
    return isinstance(statement.body[-1], s.Return | s.Raise)


def _before(around: s.AnyNode | s.ModuleSyntax, node: s.AnyNode) -> tuple[s.Stmt, ...]:
    """The statements that stand before `node` in the body of a function."""
    body: tuple[s.Stmt, ...] = around.body if isinstance(around, s.FunctionDef) else ()
    place = next((number for number, part in enumerate(body) if part is node), 0)
    return body[:place]
