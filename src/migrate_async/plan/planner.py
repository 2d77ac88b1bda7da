"""The use case: a linked project and a step in, a `Plan` out.

1. translate the queries (no colour yet), to know which ones are left;
2. colour the functions;
3. plan each converted function: its session, its queries, its awaits;
4. plan the frontier: what code that stays sync needs to go on running;
5. plan the modules: engines, factories, start-up, registry, relationships.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from migrate_async.config import Settings
from migrate_async.index.project import Project
from migrate_async.index.scopes import Function, Module
from migrate_async.model import plan as p
from migrate_async.model.selection import EVERYTHING, Selection
from migrate_async.plan.alembic import Alembic
from migrate_async.plan.anchoring import anchored_step
from migrate_async.plan.collector import Collector
from migrate_async.plan.colouring.cost import cheapest_queries
from migrate_async.plan.colouring.reach import reach
from migrate_async.plan.colouring.selecting import roots
from migrate_async.plan.models import model_edits
from migrate_async.plan.module_edits import ModuleEdits
from migrate_async.plan.passed_on_imports import passed_on_imports
from migrate_async.plan.paths import is_under
from migrate_async.plan.queries import TRANSLATE, Queries, QueryPlan
from migrate_async.plan.risk import with_risk
from migrate_async.plan.suite_step import plan_suite


def make_plan(
    project: Project,
    step: p.Step,
    settings: Settings,
    selection: Selection = EVERYTHING,
    digests: Mapping[str, str] | None = None,
) -> p.Plan:
    """What `step` would do to what `selection` names.

    `digests` maps each path to the SHA-256 of its bytes, to tell a stale plan later.
    Raises `UsageError` for a name that the project does not have.
    """
    tops = {module.name.partition(".")[0] for module in project.modules.values()}
    collector = Collector(digests or {}, tops, passed_on_imports(project))
    if step is p.Step.TESTS:
        chosen = roots(project, selection, lambda: ())
        if any(function.module.is_test for function in chosen):
            plan_suite(project, settings, collector)
        return collector.plan(step)
    by_module = _by_module(project, step)
    if by_module is not None:
        chosen = roots(project, selection, lambda: ())
        for module, edits in by_module(chosen.__contains__):
            if module.body in chosen:
                collector.add_module(module, edits)
        return collector.plan(step)
    found_queries = Queries(project, settings)
    queries = found_queries.sync
    if step is p.Step.QUERIES:
        functions = _chosen(project, queries, selection)
        for function in functions:
            collector.add_queries(queries, function)
        collector.count("functions", _translated(queries, functions))
    else:
        async_step, messages = anchored_step(project, step, settings, selection, found_queries)
        async_step.run(collector)
        collector.diagnostics += messages
        functions = [function for function in project.functions if async_step.wants(function)]
    reported = frozenset(functions)
    for function, found in queries.functions.items():
        if function in reported:
            collector.diagnostics += found.diagnostics
    return with_risk(collector.plan(step))


Chooses = Callable[[Function], bool]


def _by_module(
    project: Project, step: p.Step
) -> Callable[[Chooses], Iterator[tuple[Module, ModuleEdits]]] | None:
    """The planner of a step that looks at modules, not at sessions."""
    if step is p.Step.MODELS:
        return lambda selected: model_edits(project, selected)
    if step is p.Step.ALEMBIC:
        return lambda _selected: Alembic(project, lambda _engine: False).edits(asked=True)
    return None


def _chosen(project: Project, queries: QueryPlan, selection: Selection) -> list[Function]:
    """The functions whose queries are translated: by name also what those run."""
    if not selection.is_by_name:
        return [f for f in project.functions if is_under(f.module.path, selection.paths)]
    wanted = reach(project, roots(project, selection, lambda: cheapest_queries(project, queries)))
    groups = {chain.group for chain in queries.chains if chain.function in wanted}
    shared = {chain.function for chain in queries.chains if chain.group in groups}
    return [f for f in project.functions if f in wanted or f in shared]


def _translated(queries: QueryPlan, functions: Iterable[Function]) -> int:
    """How many of `functions` have a query that is translated."""
    states = [
        {chain.state for chain in queries.functions[function].chains}
        for function in functions
        if function in queries.functions
    ]
    return sum(TRANSLATE in found for found in states)
