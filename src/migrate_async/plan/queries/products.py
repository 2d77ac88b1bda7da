"""What is made of a query without executing it: subqueries, EXISTS, the statement itself."""

from __future__ import annotations

from migrate_async.knowledge import query_refusals as why
from migrate_async.model import syntax as s
from migrate_async.plan.queries.chains import Step
from migrate_async.plan.queries.draft import STATEMENT, Draft
from migrate_async.plan.queries.state import QueryState
from migrate_async.plan.queries.terminals import Ending

_LABELS = "LABEL_STYLE_TABLENAME_PLUS_COL"


def _renamed(draft: Draft, number: int, step: Step, _state: QueryState) -> None:
    member = step.member
    draft.keep(number, member.becomes if member is not None else step.name)
    _finish(draft)


def _subquery(draft: Draft, number: int, step: Step, _state: QueryState) -> None:
    labels = _flag(draft, step, "with_labels", 1)
    reduced = _flag(draft, step, "reduce_columns", 2)
    if labels:
        draft.add("set_label_style", draft.name(f"sqlalchemy.{_LABELS}"))
    if reduced:
        draft.add("reduce_columns", "")
    name = step.argument("name")
    args = None
    if len(step.args) + len(step.keywords) > (name is not None):
        args = "" if name is None else f"{{{name[0]}}}"
    draft.keep(number, "subquery", args)
    _finish(draft)


def _flag(draft: Draft, step: Step, name: str, position: int) -> bool:
    found = step.argument(name, position)
    if found is None:
        return False
    if not isinstance(found[1], s.Constant):
        raise draft.left(why.ESCAPES, found[1], where=f"`{name}` is known at run time only")
    return bool(found[1].value)


def _exists(draft: Draft, number: int, __step: Step, state: QueryState) -> None:
    """`Query.exists()` puts 1 in the place of the columns and keeps what they came from."""
    entity = state.entity
    from_head = draft.piece.head is not None and draft.statement == STATEMENT
    if from_head and entity is not None and not state.may & {"select_from", "with_entities"}:
        draft.root = f"{draft.name('sqlalchemy.select')}(1).select_from({{0}})"
    else:
        draft.add("with_only_columns", "1, maintain_column_froms=True")
    draft.keep(number, "exists")
    _finish(draft)


def _attribute(draft: Draft, number: int, step: Step, _state: QueryState) -> None:
    draft.drop(number)
    draft.call = draft.statement
    member = step.member
    draft.tail = f".{member.becomes}" if member is not None and member.becomes else ""


def _finish(draft: Draft) -> None:
    if draft.statement != STATEMENT:
        draft.call = draft.statement


PRODUCTS: dict[str, Ending] = {
    "as_scalar": _renamed,
    "scalar_subquery": _renamed,
    "cte": _renamed,
    "label": _renamed,
    "get_execution_options": _renamed,
    "subquery": _subquery,
    "exists": _exists,
    "column_descriptions": _attribute,
    "get_label_style": _attribute,
    "selectable": _attribute,
    "statement": _attribute,
    "whereclause": _attribute,
}
