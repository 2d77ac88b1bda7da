"""Which functions give a coroutine when they are called."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index.project import CallSite, Function, Project
from migrate_async.index.scopes import Scope, last_name
from migrate_async.index.types import FunctionObject
from migrate_async.knowledge import coroutines as known
from migrate_async.knowledge import fastapi
from migrate_async.model import syntax as s
from migrate_async.verify.usage import Usage, Usages


class Coroutines:
    """Coroutine functions, and plain functions that return what one of them gave."""

    def __init__(self, project: Project, usages: Usages) -> None:
        self._project = project
        self._usages = usages
        self._found = {fn for fn in project.functions if self._is_coroutine(fn)}
        self._pass_on()

    def __contains__(self, function: Function) -> bool:
        return function in self._found

    def __iter__(self) -> Iterator[Function]:
        return (fn for fn in self._project.functions if fn in self._found)

    def of(self, site: CallSite) -> Function | None:
        """The function whose coroutine `site` gives, if all that it can run give one."""
        if not site.targets or site.kind not in ("call", "property"):
            return None
        return site.targets[0] if all(fn in self._found for fn in site.targets) else None

    def is_async_generator(self, site: CallSite) -> bool:
        """Whether what `site` gives is iterated with `async for`."""
        return bool(site.targets) and all(
            fn.is_async and fn.is_generator and self._keeps_colour(fn) for fn in site.targets
        )

    def _is_coroutine(self, fn: Function) -> bool:
        return fn.is_async and not fn.is_generator and self._keeps_colour(fn)

    def _keeps_colour(self, fn: Function) -> bool:
        decorators = fn.node.decorators if isinstance(fn.node, s.FunctionDef) else ()
        return all(self._is_known(fn, item) for item in decorators)

    def _is_known(self, fn: Function, decorator: s.Expr) -> bool:
        """Whether a function decorated so is called as it was; a project's wrapper shows it."""
        name = last_name(decorator)
        if name in known.KEEPS_COLOUR or (fn.is_route and name in fastapi.ROUTE_METHODS):
            return True
        scope = fn.scope.parent
        if scope is not None and self._is_colourless(decorator, scope):
            return True
        wrapper = self._wrapper(fn, decorator)
        return wrapper is not None and wrapper.is_async

    def _is_colourless(self, decorator: s.Expr, scope: Scope) -> bool:
        """Whether it serves both colours, as the context managers of `contextlib` do."""
        if self._project.serves_both_colours(decorator, scope):
            return True
        made = self._project.infer(decorator.func, scope) if isinstance(decorator, s.Call) else ()
        makers = [item.fn for item in made if isinstance(item, FunctionObject)]
        return bool(makers) and all("asynccontextmanager" in fn.decorator_names for fn in makers)

    def _wrapper(self, fn: Function, decorator: s.Expr) -> Function | None:
        """The innermost function that the project's decorator defines."""
        scope = fn.scope.parent
        head = decorator.func if isinstance(decorator, s.Call) else decorator
        if scope is None:
            return None
        names = {getattr(item, "fn", None) for item in self._project.infer(head, scope)}
        inner = [f for f in self._project.functions if f.parent is not None and f.parent in names]
        return inner[-1] if inner else None

    def _pass_on(self) -> None:
        """Add plain functions that return a coroutine, until there are no more."""
        pending = list(self._found)
        while pending:
            for site in self._project.callers(pending.pop()):
                fn = site.function
                if fn in self._found or fn.is_async or fn.is_module or fn.is_generator:
                    continue
                if self.of(site) and self._usages.of(site.node, fn) is Usage.RETURNED:
                    self._found.add(fn)
                    pending.append(fn)
