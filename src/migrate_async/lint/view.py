"""What rules look at: the linked project, the part of it to report on, and shared analyses.

Analyses that several rules read are made once, when the first of them asks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import NamedTuple

from migrate_async.index.infer import deep_recursion
from migrate_async.index.project import Project
from migrate_async.index.scopes import Class, Function, Module, Scope, last_name
from migrate_async.index.sessions import SessionKind, is_heuristic
from migrate_async.knowledge.fastapi import DEPENDS_NAMES
from migrate_async.lint.flow.build import build_graph
from migrate_async.lint.flow.graph import Graph
from migrate_async.lint.hazards.coroutines import Coroutines
from migrate_async.lint.hazards.expiry import Expiry
from migrate_async.lint.hazards.hits import blocking_hits, database_hits
from migrate_async.lint.hazards.launches import Launches
from migrate_async.lint.hazards.loops import OwnLoops
from migrate_async.lint.hazards.origins import Origins
from migrate_async.lint.hazards.reach import Reach
from migrate_async.lint.hazards.unloaded import UnloadedReads
from migrate_async.lint.resources.analysis import Resources
from migrate_async.lint.transactions.deeds import Deeds
from migrate_async.lint.transactions.holders import Holder, holders
from migrate_async.model import syntax as s
from migrate_async.model.finding import Finding
from migrate_async.model.plan import Step
from migrate_async.model.selection import EVERYTHING
from migrate_async.plan.async_step import AsyncStep
from migrate_async.plan.colour import Colouring
from migrate_async.plan.paths import is_under
from migrate_async.plan.queries import QueryPlan, plan_queries
from migrate_async.plan.schemas import Schemas


class SessionValue(NamedTuple):
    """`by_name`: nothing but the name of an unannotated parameter says so."""

    kind: SessionKind
    by_name: bool


class View:
    """The project through the eyes of a rule."""

    def __init__(self, project: Project, selection: Sequence[str] = ()) -> None:
        self.project = project
        self._selection = tuple(selection)
        self.found: tuple[Finding, ...] = ()
        """What the rules before this one found; complete for rules with `READS_FINDINGS`."""
        self.ran: frozenset[str] = frozenset()
        """The codes of the rules that ran before, and of this one."""
        self._graphs: dict[Function, Graph | None] = {}
        self._holders: dict[Function, tuple[Holder, ...]] = {}

    @cached_property
    def resources(self) -> Resources:
        """What functions open, and what becomes of it."""
        return Resources(self.project, self.graph)

    @cached_property
    def deeds(self) -> Deeds:
        """What functions do with the sessions that they hold."""
        return Deeds(self.project)

    def holders(self, function: Function) -> tuple[Holder, ...]:
        """The names in `function` that hold a session."""
        if function not in self._holders:
            self._holders[function] = tuple(holders(function, self.project))
        return self._holders[function]

    def graph(self, function: Function) -> Graph | None:
        """The control flow of `function`; None if it is too large to be followed."""
        if function not in self._graphs:
            with deep_recursion():
                self._graphs[function] = build_graph(function)
        return self._graphs[function]

    def note(self, found: Iterable[Finding], ran: str) -> None:
        """The engine's notes before the rule `ran` looks."""
        self.found = tuple(found)
        self.ran |= {ran}

    def only(self, module: Module) -> View:
        """The same view of one module alone, with the analyses that were made already."""
        view = type(self)(self.project, [module.path])
        of_selection = ("_selection", "functions", "modules")
        made = {name: value for name, value in vars(self).items() if name not in of_selection}
        vars(view).update(made)
        return view

    @cached_property
    def functions(self) -> tuple[Function, ...]:
        """The functions to report on, module bodies and lambdas included."""
        return tuple(fn for fn in self.project.functions if self.is_selected(fn))

    @cached_property
    def modules(self) -> tuple[Module, ...]:
        """The modules to report on."""
        modules = self.project.modules.values()
        return tuple(m for m in modules if is_under(m.path, self._selection))

    @cached_property
    def queries(self) -> QueryPlan:
        """What becomes of each legacy query of the project, while no function changes colour."""
        return plan_queries(self.project, self.project.settings, awaited=lambda _function: False)

    @cached_property
    def coroutines(self) -> tuple[Function, ...]:
        """The `async def` functions to report on."""
        return tuple(fn for fn in self.functions if fn.is_async)

    @cached_property
    def database(self) -> Reach:
        """Operations on sync database objects, and the calls that lead to them."""
        return Reach(self.project, database_hits)

    def uses_database(self, function: Function) -> bool:
        """Whether `function` works on sync database objects, itself or through calls."""
        if self.database.hits(function):
            return True
        return any(self.database.way(site) is not None for site in self.project.calls(function))

    @cached_property
    def blocking(self) -> Reach:
        """Other calls that block, and the calls that lead to them."""
        return Reach(self.project, blocking_hits)

    @cached_property
    def awaitables(self) -> Coroutines:
        """Calls whose value has to be awaited."""
        return Coroutines(self.project)

    @cached_property
    def colouring(self) -> Colouring:
        """Which functions `migrate` would make coroutines."""
        settings = self.project.settings
        step = AsyncStep(self.project, Step.ALL, settings, EVERYTHING, self.queries)
        return step.colouring

    @cached_property
    def origins(self) -> Origins:
        """Which statements loaded objects."""
        return Origins(self.project)

    @cached_property
    def knows_dependency_scopes(self) -> bool:
        """Whether a `Depends(..., scope=...)` shows that FastAPI is at least 0.121."""
        return any(
            last_name(call.node.func) in DEPENDS_NAMES
            and any(keyword.arg == "scope" for keyword in call.node.keywords)
            for function in self.project.functions
            for call in function.calls
        )

    @cached_property
    def launches(self) -> Launches:
        """Tasks and threads that are started, and their sessions."""
        return Launches(self.project)

    @cached_property
    def unloaded(self) -> UnloadedReads:
        """Reads of attributes that a query did not load."""
        return UnloadedReads(self.project, self.origins)

    @cached_property
    def expiry(self) -> Expiry:
        """Reads of objects that a commit expired."""
        return Expiry(self.project, self.origins)

    @cached_property
    def schemas(self) -> Schemas:
        """What responses and validations fill from attributes."""
        return Schemas(self.project)

    @cached_property
    def own_loops(self) -> OwnLoops:
        """Event loops that code starts for itself."""
        return OwnLoops(self.project)

    def has_async_attrs(self, model: Class) -> bool:
        """Whether objects of `model` have `awaitable_attrs`."""
        return "sqlalchemy.ext.asyncio.AsyncAttrs" in self.project.bases(model)

    def is_selected(self, function: Function) -> bool:
        """Whether findings in `function` are wanted."""
        return is_under(function.module.path, self._selection)

    def session(self, expr: s.Expr, scope: Scope) -> SessionValue | None:
        """What kind of session the value of `expr` is; None when it is none, as far as known."""
        types = self.project.infer(expr, scope)
        kind = self.project.session_kind_of(types)
        return None if kind is None else SessionValue(kind, is_heuristic(types))
