"""What a migration would make of the project, for rules about what stands in its way."""

from __future__ import annotations

from migrate_async.lint.view import View
from migrate_async.model.plan import Step
from migrate_async.model.selection import EVERYTHING
from migrate_async.plan.async_step import AsyncStep, Grounds
from migrate_async.plan.both_worlds.surroundings import Surroundings
from migrate_async.plan.colouring.colour import Colouring
from migrate_async.plan.queries import Queries, QueryPlan


def queries(view: View) -> QueryPlan:
    """What becomes of each legacy query of the project, while no function changes colour."""
    return view.analysis(_found_queries).sync


def colouring(view: View) -> Colouring:
    """Which functions `migrate` would make coroutines."""
    project = view.project
    around = Surroundings(project, project.settings)
    grounds = Grounds(around, Step.ALL, view.analysis(_found_queries))
    return AsyncStep(around, EVERYTHING, grounds).colouring


def _found_queries(view: View) -> Queries:
    return Queries(view.project, view.project.settings)
