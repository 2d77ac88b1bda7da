"""Modules that are run, and not imported; coroutines that have their event loop to themselves."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index.scopes import FromBinding, Function, ImportBinding, Module, last_name
from migrate_async.index.types import FunctionObject
from migrate_async.lint.hazards.loops import run_to_end
from migrate_async.lint.view import View
from migrate_async.model import syntax as s
from migrate_async.model.finding import Confidence

_APPLICATIONS = frozenset({"APIRouter", "Celery", "FastAPI", "Flask", "Litestar", "Starlette"})


class Scripts:
    """Answers for the modules and coroutines of one project."""

    def __init__(self, view: View) -> None:
        self._project = view.project
        self._imported: frozenset[str] | None = None
        self._alone: dict[Module, frozenset[Function]] = {}

    def is_script(self, module: Module) -> bool:
        """Whether no module imports `module`, and it runs a function of its own when it is run.

        A server imports the module of an application by its name.
        """
        is_app = any(last_name(call.node.func) in _APPLICATIONS for call in module.body.calls)
        if module.is_package or is_app or not any(True for _ in self._started(module)):
            return False
        if self._imported is None:
            self._imported = frozenset(self._imports())
        return module.name not in self._imported

    def has_loop_alone(self, function: Function) -> bool:
        """Whether nothing but a script runs the coroutine, on a loop that it started for that."""
        module = function.module
        if module not in self._alone:
            found = self._run_alone(module) if self.is_script(module) else ()
            self._alone[module] = frozenset(found)
        return function in self._alone[module]

    def _imports(self) -> Iterator[str]:
        """Everything that an import names, modules or not."""
        for module in self._project.modules.values():
            yield from module.stars
        for function in self._project.functions:
            for bindings in function.scope.names.values():
                for binding in bindings:
                    if isinstance(binding, ImportBinding):
                        yield binding.dotted
                    elif isinstance(binding, FromBinding):
                        yield binding.module
                        yield f"{binding.module}.{binding.name}"

    def _started(self, module: Module) -> Iterator[s.Call]:
        """Calls of functions of `module` for their own sake, at its top level."""
        for call in module.body.calls:
            outer = self._project.parent(call.node)
            is_run = isinstance(outer, s.ExpressionStatement | s.Call | s.Await)
            types = self._project.infer(call.node.func, call.scope) if is_run else ()
            if any(isinstance(item, FunctionObject) and item.fn.module is module for item in types):
                yield call.node

    def _run_alone(self, module: Module) -> Iterator[Function]:
        functions = [fn for fn in self._project.functions if fn.module is module]
        pending = [
            target
            for fn in functions
            for call in fn.calls
            for target in run_to_end(self._project, call.node, call.scope)
        ]
        seen: set[Function] = set()
        while pending:
            function = pending.pop()
            if function in seen or not self._is_of_script_only(function, module):
                continue
            seen.add(function)
            yield function
            for site in self._project.calls(function):
                pending += site.targets

    def _is_of_script_only(self, function: Function, module: Module) -> bool:
        callers = (site.function.module for site in self._project.callers(function))
        is_own = function.module is module and not function.is_route
        uses = self._project.value_uses(function)
        return is_own and not uses and all(caller is module for caller in callers)


def on_loop(view: View, function: Function) -> Confidence:
    """How much it matters that `function` holds its loop: little where nothing else runs there."""
    is_test = function.module.is_test
    is_alone = is_test or view.analysis(Scripts).has_loop_alone(function)
    return Confidence.LOW if is_alone else Confidence.HIGH
