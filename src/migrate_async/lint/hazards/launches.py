"""Calls that start several coroutines or threads at once, and the sessions that these work on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from migrate_async.index.scopes import Function, Scope, ValueBinding, bindings_of
from migrate_async.index.sites import CallSite
from migrate_async.index.types import External, ExternalInstance, FunctionObject
from migrate_async.lint.view import View
from migrate_async.model import syntax as s
from migrate_async.model.finding import Confidence
from migrate_async.plan.text import text

_TOGETHER = frozenset({"asyncio.gather", "asyncio.wait", "asyncio.as_completed"})
_ONE = frozenset({"asyncio.create_task", "asyncio.ensure_future"})
_GROUP_METHODS = frozenset({"create_task", "start_soon"})
_THREADS = frozenset(
    {
        "asyncio.to_thread",
        "anyio.to_thread.run_sync",
        "fastapi.concurrency.run_in_threadpool",
        "starlette.concurrency.run_in_threadpool",
    }
)
_POOL = "ThreadPoolExecutor"
_LOOPS = (s.For, s.While, s.Comprehension)
_DEPTH = 3


@dataclass(frozen=True)
class Load:
    """A coroutine or thread works on the session `session`; `many`: made again and again."""

    node: s.Expr
    session: str
    many: bool
    confidence: Confidence


@dataclass(frozen=True)
class Launch:
    """`call` starts `loads` that run at the same time."""

    call: s.Call
    loads: tuple[Load, ...]


class Launches:
    """The launches of a function."""

    def __init__(self, view: View) -> None:
        self._project = view.project

    def of(self, function: Function) -> Iterator[Launch]:
        """What `function` starts, in source order; tasks made one by one are one launch each."""
        for call in function.calls:
            kind = self._kind(call.node, call.scope)
            if kind == "together":
                loads = [
                    load
                    for arg in call.node.args
                    for load in self._given(arg, call.scope, function)
                ]
                yield Launch(call.node, tuple(loads))
            elif kind:
                many = self._in_loop(call.node, function)
                yield Launch(call.node, tuple(self._started(call.node, call.scope, kind, many)))

    def _kind(self, call: s.Call, scope: Scope) -> str:
        types = self._project.infer(call.func, scope)
        names = {item.dotted for item in types if isinstance(item, External)}
        if names & _TOGETHER:
            return "together"
        if names & _ONE:
            return "one"
        if not isinstance(call.func, s.Attribute):
            return ""
        if call.func.attr == "submit":
            owners = self._project.infer(call.func.value, scope)
            is_pool = any(
                isinstance(item, ExternalInstance) and item.dotted.endswith(_POOL)
                for item in owners
            )
            return "function" if is_pool else ""
        if call.func.attr in _GROUP_METHODS and not any(
            isinstance(item, FunctionObject) for item in types
        ):
            return "function" if call.func.attr == "start_soon" else "one"
        return ""

    def _started(self, call: s.Call, scope: Scope, kind: str, many: bool) -> Iterator[Load]:
        if kind == "one":
            for arg in call.args[:1]:
                if isinstance(arg, s.Call):
                    yield from self._loads(arg, scope, many)
        elif call.args:
            types = self._project.infer(call.args[0], scope)
            functions = [item.fn for item in types if isinstance(item, FunctionObject)]
            for session in self._sessions(call.args[1:], scope):
                confidence = self._certainty(functions)
                if confidence is not None:
                    yield Load(call, session, many, confidence)

    # --- arguments of `gather` -----------------------------------------------------------------

    def _given(self, arg: s.Expr, scope: Scope, function: Function) -> Iterator[Load]:
        if isinstance(arg, s.Call):
            yield from self._of_item(arg, scope, many=False)
        elif isinstance(arg, s.Starred):
            yield from self._given_all(arg.value, scope, function)
        elif isinstance(arg, s.Name):
            yield from self._given_all(arg, scope, function)

    def _given_all(self, value: s.Expr, scope: Scope, function: Function) -> Iterator[Load]:
        """The coroutines in a display, in a comprehension, or in the local list of that name."""
        if isinstance(value, s.Sequence):
            for item in value.items:
                yield from self._given(item, scope, function)
        elif isinstance(value, s.Comprehension):
            yield from self._comprehended(value)
        elif isinstance(value, s.Call) and text(value.func) == "map":
            return
        elif isinstance(value, s.Name):
            for binding in bindings_of(value.id, scope):
                if isinstance(binding, ValueBinding) and not isinstance(binding.value, s.Name):
                    yield from self._given(binding.value, binding.scope, function)
                    yield from self._given_all(binding.value, binding.scope, function)
            yield from self._appended(value.id, function)

    def _comprehended(self, value: s.Comprehension) -> Iterator[Load]:
        element = value.elements[-1]
        yield from self._of_item(element, self._project.scope_of(element), many=True)

    def _appended(self, name: str, function: Function) -> Iterator[Load]:
        """`tasks.append(load(db))`."""
        for call in function.calls:
            func = call.node.func
            is_append = isinstance(func, s.Attribute) and func.attr == "append"
            if is_append and text(func) == f"{name}.append" and call.node.args:
                many = self._in_loop(call.node, function)
                yield from self._of_item(call.node.args[0], call.scope, many)

    def _of_item(self, item: s.Expr, scope: Scope, many: bool) -> Iterator[Load]:
        """One coroutine, or the task that was made of it."""
        if isinstance(item, s.Call) and item.args and self._kind(item, scope) == "one":
            item = item.args[0]
        if isinstance(item, s.Call):
            yield from self._loads(item, scope, many)

    # --- sessions ------------------------------------------------------------------------------

    def _loads(self, call: s.Call, scope: Scope, many: bool) -> Iterator[Load]:
        """The sessions that the coroutine `call` works on."""
        func = call.func
        if isinstance(func, s.Attribute) and self._session(func.value, scope):
            if self._is_outer(func.value, scope, many):
                yield Load(call, text(func.value), many, Confidence.HIGH)
            return
        types = self._project.infer(func, scope)
        functions = [item.fn for item in types if isinstance(item, FunctionObject)]
        values = call.values
        is_thread = any(isinstance(i, External) and i.dotted in _THREADS for i in types)
        confidence = Confidence.HIGH if is_thread else self._certainty(functions)
        if confidence is None:
            return
        for session in self._sessions(values, scope, many):
            yield Load(call, session, many, confidence)

    def _sessions(
        self, values: tuple[s.Expr, ...] | list[s.Expr], scope: Scope, many: bool = True
    ) -> Iterator[str]:
        for value in values:
            if self._session(value, scope) and self._is_outer(value, scope, many):
                yield text(value)

    def _session(self, value: s.Expr, scope: Scope) -> bool:
        return bool(s.dotted_name(value)) and self._project.session_kind(value, scope) is not None

    def _is_outer(self, value: s.Expr, scope: Scope, many: bool) -> bool:
        """Whether all rounds of a loop work on the same session."""
        root = s.dotted_name(value).partition(".")[0]
        if not many:
            return True
        current: Scope | None = scope
        while current is not None and current.kind == "comprehension":
            if root in current.names:
                return False
            current = current.parent
        return True

    def _certainty(self, functions: list[Function]) -> Confidence | None:
        """How sure it is that one of `functions` works on the session it is given."""
        if not functions:
            return Confidence.MEDIUM
        if not any(self._works(function, _DEPTH) for function in functions):
            return None
        is_guarded = any(_takes_lock(function) for function in functions)
        return Confidence.MEDIUM if is_guarded or len(functions) > 1 else Confidence.HIGH

    def _works(self, function: Function, depth: int) -> bool:
        for site in self._project.calls(function):
            if _is_session_work(site):
                return True
            is_followed = depth > 0 and self._project.passes_session(site)
            if is_followed and any(self._works(target, depth - 1) for target in site.targets):
                return True
        return False

    def _in_loop(self, node: s.AnyNode, function: Function) -> bool:
        """Whether `node` runs again with the session that an earlier round has used."""
        current = self._project.parent(node)
        while not isinstance(current, s.ModuleSyntax) and current is not function.node:
            if isinstance(current, _LOOPS):
                return True
            if isinstance(current, s.With):
                return False  # the session may be opened in each round
            current = self._project.parent(current)
        return False


def _is_session_work(site: CallSite) -> bool:
    operation = site.operation
    return operation is not None and operation.owner in ("session", "query")


def _takes_lock(function: Function) -> bool:
    if not isinstance(function.node, s.FunctionDef):
        return False
    return any(
        "lock" in text(part.context).lower() or "semaphore" in text(part.context).lower()
        for statement in function.node.body
        for part in s.walk(statement)
        if isinstance(part, s.WithItem)
    )
