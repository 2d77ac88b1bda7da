"""Translate legacy `Query` chains into 2.0-style statements: decide, and write the edits."""

from migrate_async.plan.queries.planning import Queries, plan_queries
from migrate_async.plan.queries.result import LEAVE, TRANSLATE, Chain, FunctionQueries, QueryPlan

__all__ = [
    "LEAVE",
    "TRANSLATE",
    "Chain",
    "FunctionQueries",
    "Queries",
    "QueryPlan",
    "plan_queries",
]
