"""Statements that are annotated as queries.

    def newest(query: Query) -> Query:
        return query.order_by(None).with_only_columns(Rom.id)

No `Query` has `with_only_columns()`: what such code gets, hands on and gives is a `Select`,
whatever it says, unless a query is made for it or run somewhere. Nothing is to be translated then.
"""

from __future__ import annotations

from migrate_async.knowledge.query_api import STATEMENT_MEMBERS
from migrate_async.knowledge.query_refusals import UNKNOWN_MEMBER
from migrate_async.plan.queries.ledger import Ledger
from migrate_async.plan.queries.project import ProjectView


def forget_statements(view: ProjectView, ledger: Ledger) -> None:
    """Take out of `ledger` what are no queries."""
    methods = {function.name for function in view.project.functions if function.cls is not None}
    members = STATEMENT_MEMBERS - methods  # a project may have a query class of its own
    found = {
        ledger.groups.find(origin)
        for origin, problem in ledger.refusals
        if problem.refusal is UNKNOWN_MEMBER and dict(problem.values).get("member") in members
    }
    made = {
        ledger.groups.find(root)
        for root, piece in ledger.pieces.items()
        if piece.head is not None or piece.is_dynamic or piece.executes
    }
    if found - made:
        ledger.forget(found - made)
