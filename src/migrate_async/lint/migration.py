"""What a migration would make of the project, for rules about what stands in its way."""

from __future__ import annotations

from migrate_async.lint.view import View
from migrate_async.model.plan import Step
from migrate_async.model.selection import EVERYTHING
from migrate_async.plan.async_step import AsyncStep, Grounds
from migrate_async.plan.both_worlds.surroundings import Surroundings
from migrate_async.plan.colouring.colour import Colouring
from migrate_async.plan.queries import QueryPlan, plan_queries


def queries(view: View) -> QueryPlan:
    """What becomes of each legacy query of the project, while no function changes colour."""
    project = view.project
    return plan_queries(project, project.settings, awaited=lambda _function: False)


def colouring(view: View) -> Colouring:
    """Which functions `migrate` would make coroutines."""
    project = view.project
    planned = view.analysis(queries)
    around = Surroundings(project, project.settings)
    return AsyncStep(around, EVERYTHING, Grounds(around, Step.ALL, planned)).colouring
