"""Engines that stay sync, whatever else becomes async, and why.

Those of databases for which no async driver is known, of databases in memory that are filled at
import, and those that a function makes when a module is imported and works on at once, as it waits
for the database:

    def connect(url):
        engine = create_engine(url)
        engine.connect().close()
        return engine

    engine = connect(settings.url)

Nobody could await it there, and no copy of it could make an async engine.
"""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function
from migrate_async.index.sessions import Variable
from migrate_async.index.types import FunctionObject
from migrate_async.model import syntax as s
from migrate_async.plan.colouring.touches import touch_at
from migrate_async.plan.engines import bound
from migrate_async.plan.makers import Makers
from migrate_async.plan.memory import is_filled_at_import, is_in_memory, is_on
from migrate_async.plan.sync_only import sync_only_driver

_START_UP = "fill it in the application's start-up, `@app.on_event` or a lifespan"


class Obstacle(NamedTuple):
    """Why an engine stays sync, and what to do."""

    reason: str
    next_step: str


class StuckEngines:
    """Those of a project, but for those of its tests."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._makers = project.shared(Makers)

    @cached_property
    def variables(self) -> dict[Variable, Obstacle]:
        """The engines that have a name, and why each stays sync."""
        found = {e: self._why(e) for e in self._project.engines if not e.module.is_test}
        return {engine: why for engine, why in found.items() if why is not None}

    def under(self, factory: Variable) -> Obstacle | None:
        """Why what `factory`, a session factory, is bound to stays sync, if it does."""
        bind = bound(factory.value) if isinstance(factory.value, s.Call) else None
        if isinstance(bind, s.Call):
            return self._why_of_call(bind)
        if not isinstance(bind, s.Name):
            return None
        return next((why for engine, why in self.variables.items() if is_on(factory, engine)), None)

    def works_at_import(self, maker: Function) -> bool:
        """Whether `maker` makes an engine when a module is imported, and works on it."""
        return maker in self._working

    def _why(self, engine: Variable) -> Obstacle | None:
        driver = sync_only_driver(self._project, engine)
        if driver:
            reason = f"no async driver is known for {driver}"
            return Obstacle(reason, "give it an async counterpart")
        if is_in_memory(self._project, engine) and is_filled_at_import(self._project, engine):
            return Obstacle("its database is in memory, and filled at import", _START_UP)
        maker = engine.scope.function
        if maker in self._working:
            return _works(maker)
        is_call = engine.kind == "engine" and isinstance(engine.value, s.Call)
        return self._why_of_call(engine.value) if is_call else None

    def _why_of_call(self, call: s.Expr) -> Obstacle | None:
        if not self._working or not isinstance(call, s.Call):
            return None
        for found in self._project.infer(call.func, self._project.scope_of(call)):
            if isinstance(found, FunctionObject) and found.fn in self._working:
                return _works(found.fn)
        return None

    @cached_property
    def _working(self) -> frozenset[Function]:
        """The functions that make an engine at import, and work on it, or on another database."""
        called = (
            target
            for module in self._project.modules.values()
            if not module.is_test
            for target in self._project.callees(module.body)
        )
        return frozenset(
            maker
            for maker in dict.fromkeys(called)
            if "engine" in self._makers.kinds(maker) and self._works_on_databases(maker)
        )

    def _works_on_databases(self, maker: Function) -> bool:
        seen: dict[Function, None] = {}
        pending = [maker]
        while pending:
            function = pending.pop()
            if function in seen:
                continue
            seen[function] = None
            if any(touch_at(self._project, site) for site in self._project.calls(function)):
                return True
            pending += self._project.callees(function)
        return False


def _works(maker: Function) -> Obstacle:
    return Obstacle(
        f"{maker.qualname}, which makes it, works on it at once",
        f"let {maker.name}() only make it, and do the rest when the application starts",
    )
