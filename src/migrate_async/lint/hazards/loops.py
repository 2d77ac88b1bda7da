"""Event loops that code starts for itself, and the async engines that are used on them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from migrate_async.index.project import Project, Variable
from migrate_async.index.scopes import Function, Scope, bindings_of
from migrate_async.index.sites import CallSite
from migrate_async.index.types import External, ExternalInstance, FunctionObject, SessionFactory
from migrate_async.knowledge.sqlalchemy import ASYNC_ENGINE, ASYNC_SESSIONMAKER
from migrate_async.lint.view import View
from migrate_async.model import syntax as s

_RUNNERS = frozenset({"asyncio.run", "anyio.run", "asgiref.sync.async_to_sync"})
_LOOP_METHODS = frozenset({"run_until_complete"})
_ENGINE_TYPES = frozenset({ASYNC_ENGINE, ASYNC_SESSIONMAKER})
_UNPOOLED = frozenset({"NullPool", "StaticPool"})


@dataclass(frozen=True)
class LoopUse:
    """`call` runs a coroutine on a loop of its own, which uses a pooled engine at `use`."""

    call: s.Call
    use: CallSite


class OwnLoops:
    """Finds them; only where the project has async engines that outlive a loop."""

    def __init__(self, view: View) -> None:
        self._project = view.project
        self.engines: tuple[Variable, ...] = tuple(
            engine
            for engine in view.project.engines
            if engine.kind == "async-engine"
            and engine.scope.kind == "module"
            and _is_pooled(engine)
        )
        self._uses: dict[Function, CallSite | None] = {}

    def of(self, function: Function) -> Iterator[LoopUse]:
        """The loops that `function` starts."""
        if not self.engines:
            return
        for call in function.calls:
            for target in run_to_end(self._project, call.node, call.scope):
                use = self._reached(target)
                if use is not None:
                    yield LoopUse(call.node, use)
                    break

    def _reached(self, start: Function) -> CallSite | None:
        """The first use of an engine that `start` gets to; None also if it disposes of it."""
        seen: set[Function] = set()
        pending = [start]
        found: CallSite | None = None
        while pending:
            function = pending.pop()
            if function in seen:
                continue
            seen.add(function)
            for site in self._project.calls(function):
                if site.operation is not None and site.operation.name == "dispose":
                    return None
                found = found or (site if self._uses_engine(site) else None)
                pending += [target for target in site.targets if target not in seen]
        return found

    def _uses_engine(self, site: CallSite) -> bool:
        """`SessionLocal()`, `engine.begin()` of a name from outside of the function."""
        if not isinstance(site.node, s.Call):
            return False
        func = site.node.func
        name = func.value if isinstance(func, s.Attribute) else func
        if not isinstance(name, s.Name) or bindings_of(name.id, site.scope):
            return False
        return any(
            (isinstance(item, SessionFactory) and item.is_async)
            or (isinstance(item, ExternalInstance) and item.dotted in _ENGINE_TYPES)
            for item in self._project.infer(name, site.scope)
        )


def run_to_end(project: Project, call: s.Call, scope: Scope) -> Iterator[Function]:
    """The coroutine functions that `call` runs to their end on a new loop."""
    types = project.infer(call.func, scope)
    names = {item.dotted for item in types if isinstance(item, External)}
    is_method = isinstance(call.func, s.Attribute) and call.func.attr in _LOOP_METHODS
    if (names.isdisjoint(_RUNNERS) and not is_method) or not call.args:
        return
    first = call.args[0]
    callee = first.func if isinstance(first, s.Call) else first
    for item in project.infer(callee, scope):
        if isinstance(item, FunctionObject) and item.fn.is_async:
            yield item.fn


def _is_pooled(engine: Variable) -> bool:
    given = engine.value.keywords if isinstance(engine.value, s.Call) else ()
    pools = [keyword.value for keyword in given if keyword.arg == "poolclass"]
    is_open = any(keyword.arg is None for keyword in given)  # `**options` may name a pool
    return not is_open and not any(
        s.dotted_name(pool).rpartition(".")[2] in _UNPOOLED for pool in pools
    )
