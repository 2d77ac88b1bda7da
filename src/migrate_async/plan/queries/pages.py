"""A query of which fastapi-pagination makes a page: `paginate(query)` gets the session, too."""

from __future__ import annotations

from migrate_async.knowledge import query_refusals as why
from migrate_async.knowledge.pagination import LOST
from migrate_async.plan.queries.draft import STATEMENT, Draft
from migrate_async.plan.queries.entities import has_unlabelled
from migrate_async.plan.queries.state import QueryState, Shape
from migrate_async.plan.text import text


def paginate(draft: Draft, state: QueryState) -> None:
    """Hand the statement on, behind its session. The library makes rows unique as before."""
    piece = draft.piece
    lost = sorted(state.may & (LOST | {"from_statement"}))
    if lost:
        raise draft.left(why.PAGE, piece.node, member=lost[0])
    if state.items is None:
        raise draft.left(why.UNKNOWN_ENTITIES, piece.node, text=text(piece.root))
    if state.shape is Shape.ROWS and has_unlabelled(state.items):
        raise draft.left(why.ROW_KEYS, piece.node, attribute="a page")
    if piece.page is not None and piece.page.args[:1] == (piece.node,):
        draft.page_session = draft.session(state, piece.node)
    if draft.statement != STATEMENT:
        draft.call = draft.statement
