"""Coroutines that await nothing: as `def` they work on the sync side of a session.

FastAPI runs a `def` in a worker thread, where the sync side of the request's session can wait. On
the event loop it cannot. So a coroutine that has to stay sync loses its `async`, which it has no
use for, unless something in it needs the loop, or somebody needs it to be a coroutine. One that
only waits for its turn keeps it: the run that converts it could not know that it had been there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property

from migrate_async.index.members import is_property
from migrate_async.index.project import Project
from migrate_async.index.scopes import Function, Module
from migrate_async.model import plan as p
from migrate_async.model import syntax as s
from migrate_async.model.diagnostic import note
from migrate_async.plan.both_worlds.registering import registers_route
from migrate_async.plan.engines import NAME
from migrate_async.plan.module_edits import ModuleEdits
from migrate_async.plan.testing.pytest_support import is_helper_of_tests

BECOMES_DEF = "MA204"

_OF_THE_LOOP = frozenset({"asyncio", "anyio", "trio", "contextvars"})
_LOOP_CALLS = frozenset(
    {"call_later", "call_soon", "create_task", "ensure_future", "get_event_loop"}
    | {"get_running_loop", "run_until_complete"}
)


class IdleCoroutines:
    """Answers for one run; `converts` says who becomes, or is, a coroutine on an async session.

    `waits` says who stays sync in this run only.
    """

    def __init__(
        self,
        project: Project,
        converts: Callable[[Function], bool],
        waits: Callable[[Function], bool] = lambda _: False,
    ) -> None:
        self._project = project
        self._converts = converts
        self._waits = waits
        self._known: dict[Function, bool] = {}
        self._changed: dict[Function, None] = {}

    def __contains__(self, function: Function) -> bool:
        """Whether the coroutine `function` can as well be a `def`."""
        if function not in self._known:
            together = self._awaited_together(function)
            is_idle = all(map(self._find, together)) and (
                len(together) == 1 or all(map(self._is_given_a_session, together))
            )
            self._known.update(dict.fromkeys(together, is_idle))
        return self._known[function]

    def edits(self, function: Function, because: str) -> ModuleEdits:
        """`def` for `async def`; `because` is what keeps it sync."""
        node = function.node
        assert isinstance(node, s.FunctionDef)  # noqa: S101  `in` has looked
        self._changed[function] = None
        found = ModuleEdits([p.MakeSync(span=node.span, codemod=NAME)])
        found.diagnostics.append(
            note(
                function.module.path,
                node.span,
                BECOMES_DEF,
                f"{function.qualname} stays sync{because} and awaits nothing: it is `def` "
                "now, and runs in a thread",
                "nothing, if it may run beside the event loop",
            )
        )
        return found

    def calls_in_tests(self) -> Iterator[tuple[Module, ModuleEdits]]:
        """Calls, on sync sessions of tests, of what is `def` now: they lose their `await`."""
        for function in self._changed:
            for site in self._project.callers(function):
                around = self._project.parent(site.node)
                if isinstance(around, s.Await) and not self._converts(site.function):
                    edit = p.DropAwait(span=around.span, codemod=NAME)
                    yield site.function.module, ModuleEdits([edit])

    def _find(self, function: Function) -> bool:
        node = function.node
        if not isinstance(node, s.FunctionDef) or not node.is_async or function.is_generator:
            return False
        if self._waits(function) or is_helper_of_tests(function) or is_property(function):
            return False  # helpers are awaited on the loop of the tests, with their sessions
        if any(map(_awaits, _own_code(node))):
            return False
        return self._nobody_minds(function) and not any(
            self._needs_loop(callee) for callee in self._reached(function)
        )

    def _awaited_together(self, function: Function) -> list[Function]:
        """`function`, and the coroutines that an `await` which runs it may run as well.

        What a decorator wraps is awaited at one place, and so are overrides of a method: they
        become `def` together, or not at all.
        """
        found = {function: None}
        pending = [function]
        while pending:
            for site in self._project.callers(pending.pop()):
                for target in site.targets if site.kind != "dependency" and site.awaited else ():
                    if target.is_async and target not in found:
                        found[target] = None
                        pending.append(target)
        return list(found)

    def _is_given_a_session(self, function: Function) -> bool:
        """Whether FastAPI gives it one: only then it is made a `def` where it can be."""
        sources = frozenset(self._project.session_dependencies)
        return any(
            site.kind == "dependency" and not sources.isdisjoint(site.targets)
            for site in self._project.calls(function)
        )

    def _nobody_minds(self, function: Function) -> bool:
        """Whether FastAPI runs it, coroutines that get a bridge, or tests on a sync session.

        What nobody is known to run, somebody awaits who finds it by name: `getattr(view, verb)`.
        """
        sites = (*self._project.callers(function), *self._project.bridges_to(function))
        uses = self._project.value_uses(function)
        if not (function.is_route or sites or uses):
            return False
        for site in sites:
            if site.kind == "dependency":
                continue
            is_test = site.function.module.is_test
            if not site.awaited or not (is_test or self._converts(site.function)):
                return False
        return all(
            use.is_injected or use.function.module.is_test or registers_route(self._project, use)
            for use in uses
        )

    # --- what needs the loop -------------------------------------------------------------------

    def _reached(self, function: Function) -> list[Function]:
        seen = {function: None}
        pending = [function]
        while pending:
            for site in self._project.calls(pending.pop()):
                for target in site.targets if site.kind != "dependency" else ():
                    if target not in seen:
                        seen[target] = None
                        pending.append(target)
        return list(seen)

    def _needs_loop(self, function: Function) -> bool:
        node = function.node
        if not isinstance(node, s.FunctionDef):
            return False
        for part in s.walk(node):
            if isinstance(part, s.Name) and part.id in _OF_THE_LOOP:
                return True
            if isinstance(part, s.Name | s.Attribute) and _last(part) in _LOOP_CALLS:
                return True
            if isinstance(part, s.Call) and self._sets_context(part):
                return True
        return False

    def _sets_context(self, call: s.Call) -> bool:
        """`variable.set(...)`: what a thread sets in its context, nobody else sees."""
        func = call.func
        if not isinstance(func, s.Attribute) or func.attr not in ("set", "reset"):
            return False
        return s.dotted_name(func.value).rpartition(".")[2] in self._context_variables

    @cached_property
    def _context_variables(self) -> frozenset[str]:
        return frozenset(
            target.id
            for module in self._project.modules.values()
            for statement in module.syntax.body
            if isinstance(statement, s.Assign | s.AnnotatedAssign)
            and _is_context_variable(statement.value)
            for target in _targets(statement)
            if isinstance(target, s.Name)
        )


def _own_code(node: s.FunctionDef) -> Iterator[s.AnyNode]:
    for statement in node.body:
        yield from s.own_code(statement)


def _awaits(node: s.AnyNode) -> bool:
    if isinstance(node, s.For | s.With | s.Generator):
        return node.is_async
    return isinstance(node, s.Await)


def _last(node: s.Name | s.Attribute) -> str:
    return node.id if isinstance(node, s.Name) else node.attr


def _is_context_variable(value: s.Expr | None) -> bool:
    call = value.func if isinstance(value, s.Call) else None
    called = call.value if isinstance(call, s.Subscript) else call
    return called is not None and s.dotted_name(called).rpartition(".")[2] == "ContextVar"


def _targets(statement: s.Assign | s.AnnotatedAssign) -> tuple[s.Expr, ...]:
    return statement.targets if isinstance(statement, s.Assign) else (statement.target,)
