"""Coroutines that nobody awaits, and awaits of what is no coroutine."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index import types as t
from migrate_async.index.project import CallSite, Function, Operation, Project, ValueUse
from migrate_async.index.stubs import is_stub
from migrate_async.knowledge import async_api, sqlalchemy
from migrate_async.knowledge import coroutines as known
from migrate_async.model import syntax as s
from migrate_async.model.diagnostic import Diagnostic
from migrate_async.verify import findings as f
from migrate_async.verify.coroutines import Coroutines
from migrate_async.verify.usage import Usage, Usages

_NEVER_AWAITED = async_api.SESSION_CONTEXT | {"partitions"}
_HEURISTIC = async_api.SESSION_AWAITED - {"close", "connection", "get", "delete"}
"""Operations that say by their name that `db`, whatever it is, is a session."""


class Awaits:
    """The checks of one function after the other."""

    def __init__(self, project: Project, usages: Usages, coroutines: Coroutines) -> None:
        self._project = project
        self._usages = usages
        self._coroutines = coroutines

    def check(self, fn: Function) -> Iterator[Diagnostic]:
        """What is wrong with the calls in `fn`, and with how `fn` is used as a value."""
        for site in self._project.calls(fn):
            yield from self._site(fn, site)
        if fn in self._coroutines:
            for use in self._project.value_uses(fn):
                yield from self._value(fn, use)

    def _site(self, fn: Function, site: CallSite) -> Iterator[Diagnostic]:
        if site.kind in ("implicit", "dependency"):
            return
        if site.operation is not None and not _exists(site.operation):
            message = f"{_text(site.node)}: AsyncSession has no such method"
            yield f.LEGACY_API.at(fn.module.path, site.node.span, message)
        elif self._is_awaited(site):
            yield from self._await_of_sync(fn, site)
        elif site.operation is not None:
            yield from self._operation(fn, site, site.operation)
        else:
            target = self._coroutines.of(site)
            if target is not None:
                yield from self._coroutine(fn, site, target)

    def _is_awaited(self, site: CallSite) -> bool:
        return isinstance(self._project.parent(site.node), s.Await)

    # --- operations ----------------------------------------------------------------------------

    def _operation(
        self, fn: Function, site: CallSite, operation: Operation
    ) -> Iterator[Diagnostic]:
        text = _text(site.node)
        if not operation.is_async:
            yield from self._sync_operation(fn, site, operation)
        elif operation.name not in _NEVER_AWAITED and not self._is_entered(site.node):
            yield from self._unawaited(fn, site, f"{text} is not awaited", f.OPERATION_NOT_AWAITED)

    def _sync_operation(
        self, fn: Function, site: CallSite, operation: Operation
    ) -> Iterator[Diagnostic]:
        if not fn.is_async or fn.awaits_implicitly or fn.module.is_test:
            return
        text, span, path = _text(site.node), site.node.span, fn.module.path
        if site.heuristic and operation.owner == "session" and operation.name in _HEURISTIC:
            message = f"{text} is not awaited, nor known to be a call on a sync session"
            yield f.OPERATION_NOT_AWAITED.at(path, span, message)
        elif not site.heuristic and operation.owner != "factory":
            message = f"{text} blocks the event loop: its session is sync, {fn.qualname} is not"
            yield f.SYNC_SESSION.at(path, span, message)

    def _is_entered(self, node: s.Expr) -> bool:
        """`async with engine.begin()`; a plain `with` is another check's affair."""
        return isinstance(self._project.parent(node), s.WithItem)

    # --- coroutines ----------------------------------------------------------------------------

    def _coroutine(self, fn: Function, site: CallSite, target: Function) -> Iterator[Diagnostic]:
        text = _text(site.node)
        yield from self._unawaited(
            fn, site, f"{text} gives a coroutine of {target.qualname}", f.NOT_AWAITED
        )

    def _unawaited(
        self, fn: Function, site: CallSite, message: str, check: f.Check
    ) -> Iterator[Diagnostic]:
        usage = self._usages.of(site.node, fn)
        if usage in (Usage.AWAITED, Usage.HANDED_ON):
            return
        if usage is Usage.RETURNED and not self._returns_to_nobody(fn):
            return
        if not fn.is_async:
            check = f.COROUTINE_IN_SYNC
        yield check.at(fn.module.path, site.node.span, message)

    def _returns_to_nobody(self, fn: Function) -> bool:
        """Whether who calls `fn` is known not to await what it returns once more."""
        if fn.is_lambda:
            return self._is_sort_key(fn)
        return fn.is_async or fn.is_route or self._is_injected(fn)

    def _is_injected(self, fn: Function) -> bool:
        return any(site.kind == "dependency" for site in self._project.callers(fn))

    def _is_sort_key(self, fn: Function) -> bool:
        if fn.node is None:
            return False
        parent = self._project.parent(fn.node)
        if isinstance(parent, s.Keyword):
            parent = self._project.parent(parent)
        callee = parent.func if isinstance(parent, s.Call) else None
        name = callee.attr if isinstance(callee, s.Attribute) else getattr(callee, "id", "")
        return name in known.THREADED | known.SORTED_BY

    def _value(self, fn: Function, use: ValueUse) -> Iterator[Diagnostic]:
        callee = use.kind.removeprefix("arg:") if use.kind.startswith("arg:") else ""
        is_run = callee in known.SORTED_BY or (
            callee in known.THREADED and self._is_run_by(use.node, callee)
        )
        if is_run and fn.is_async:
            message = f"{callee}(...) does not await {fn.qualname}, which is a coroutine function"
            yield f.COROUTINE_IN_SYNC.at(use.function.module.path, use.node.span, message)

    def _is_run_by(self, node: s.Expr, callee: str) -> bool:
        """Whether `node` is what the thread runs; other arguments are handed on to that."""
        call = self._project.parent(node)
        if not isinstance(call, s.Call) or node not in call.args:
            return True
        return call.args.index(node) == (1 if callee == "run_in_executor" else 0)

    # --- awaits --------------------------------------------------------------------------------

    def _await_of_sync(self, fn: Function, site: CallSite) -> Iterator[Diagnostic]:
        reason = self._not_awaitable(site)
        if reason:
            message = f"{_text(site.node)} is awaited, but {reason}"
            yield f.AWAIT_OF_SYNC.at(fn.module.path, site.node.span, message)

    def _not_awaitable(self, site: CallSite) -> str:
        operation = site.operation
        if operation is not None:
            is_plain = not operation.is_async and not site.heuristic
            return f"its {operation.owner} is sync" if is_plain else ""
        if self._coroutines.is_async_generator(site):
            return "it gives an async generator"
        if site.targets:
            is_plain = all(self._gives_nothing_awaitable(target) for target in site.targets)
            return f"{site.targets[0].qualname} is no coroutine function" if is_plain else ""
        if not isinstance(site.node, s.Call):
            return ""
        types = self._project.infer(site.node.func, site.scope)
        return "it gives its result at once" if types and all(map(_is_plain, types)) else ""

    def _gives_nothing_awaitable(self, fn: Function) -> bool:
        """A plain function without decorators that returns nothing, or values of known types."""
        if fn.is_async or fn in self._coroutines or fn.is_generator or fn.decorator_names:
            return False
        if not isinstance(fn.node, s.FunctionDef) or is_stub(fn.node):
            return False
        types = [self._project.infer(value, fn.scope) for value in fn.returns]
        return all(found and all(map(_is_value, found)) for found in types)


def _exists(operation: Operation) -> bool:
    """Whether the object of the operation has it: AsyncSession knows no queries."""
    if not operation.is_async:
        return True
    without = async_api.SESSION_WITHOUT_COUNTERPART
    is_missing = operation.owner == "session" and operation.name in without
    return operation.owner != "query" and not is_missing


def _is_plain(item: t.Type) -> bool:
    """Whether calling `item` gives no coroutine: results, statements, `AsyncSession.add`."""
    if isinstance(item, t.Method):
        return isinstance(item.owner, t.ResultOf | t.SelectOf)
    return (
        isinstance(item, t.ExternalMethod)
        and item.owner in sqlalchemy.ASYNC_SESSIONS
        and item.name in async_api.SESSION_SYNC
    )


def _is_value(item: t.Type) -> bool:
    """Whether `item` cannot be awaited."""
    if isinstance(item, t.Instance):
        return "__await__" not in item.cls.scope.names
    if isinstance(item, t.ExternalInstance):
        return item.dotted.startswith("builtins.")
    return isinstance(item, t.ListOf | t.DictOf | t.TupleOf)


def _text(node: s.Expr) -> str:
    """The callee as written, as far as it is a dotted name."""
    func = node.func if isinstance(node, s.Call) else node
    name = s.dotted_name(func)
    if name:
        return f"`{name}()`" if isinstance(node, s.Call) else f"`{name}`"
    attribute = func.attr if isinstance(func, s.Attribute) else "..."
    return f"`.{attribute}()`"
