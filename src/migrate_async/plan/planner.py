"""The use case: a linked project and a step in, a `Plan` out.

1. translate the queries (no colour yet), to know which ones are left;
2. colour the functions;
3. plan each converted function: its session, its queries, its awaits;
4. plan the frontier: what code that stays sync needs to go on running;
5. plan the modules: engines, factories, start-up, registry, relationships.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from migrate_async.config import Settings
from migrate_async.index.project import Project
from migrate_async.index.scopes import Function
from migrate_async.model import plan as p
from migrate_async.plan.async_step import AsyncStep
from migrate_async.plan.collector import Collector
from migrate_async.plan.models import model_edits
from migrate_async.plan.paths import is_under
from migrate_async.plan.queries import TRANSLATE, QueryPlan, plan_queries


def make_plan(
    project: Project,
    step: p.Step,
    settings: Settings,
    selection: tuple[str, ...] = (),
    digests: Mapping[str, str] | None = None,
) -> p.Plan:
    """What `step` would do to the files under `selection` (none: everything).

    `digests` maps each path to the SHA-256 of its bytes, to tell a stale plan later.
    """

    def selected(function: Function) -> bool:
        return is_under(function.module.path, selection)

    collector = Collector(digests or {})
    if step is p.Step.MODELS:
        for module, edits in model_edits(project, selected):
            collector.add_module(module, edits)
        return collector.plan(step)
    queries = plan_queries(project, settings, awaited=lambda _function: False)
    if step is p.Step.QUERIES:
        functions = [function for function in project.functions if selected(function)]
        for function in functions:
            collector.add_queries(queries, function)
        collector.count("functions", _translated(queries, functions))
    else:
        AsyncStep(project, step, settings, selected, queries).run(collector)
    for function, found in queries.functions.items():
        if selected(function):
            collector.diagnostics += found.diagnostics
    return collector.plan(step)


def _translated(queries: QueryPlan, functions: Iterable[Function]) -> int:
    """How many of `functions` have a query that is translated."""
    states = [
        {chain.state for chain in queries.functions[function].chains}
        for function in functions
        if function in queries.functions
    ]
    return sum(TRANSLATE in found for found in states)
