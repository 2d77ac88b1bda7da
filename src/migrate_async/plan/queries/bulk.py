"""`Query.update()` and `Query.delete()`: statements of their own kind."""

from __future__ import annotations

from migrate_async.knowledge import query_refusals as why
from migrate_async.knowledge.query_api import BULK_STEPS
from migrate_async.model import syntax as s
from migrate_async.plan.queries.chains import Step
from migrate_async.plan.queries.draft import STATEMENT, Draft
from migrate_async.plan.queries.state import QueryState, Shape
from migrate_async.plan.queries.terminals import Ending, execute, shape
from migrate_async.plan.text import text

_CRITERIA = frozenset({"filter", "where", "filter_by"})


def _bulk(draft: Draft, number: int, step: Step, state: QueryState) -> None:
    others = sorted(state.may - BULK_STEPS)
    if others:
        raise draft.left(why.BULK_CHAIN, step.node, member=step.name, other=others[0])
    if shape(draft, state, step.node) is not Shape.ENTITY or state.entity is None:
        raise draft.left(why.UNKNOWN_ENTITIES, step.node, text=text(draft.piece.root))
    parameters = _parameters(draft, step, state)
    draft.drop(number)
    if draft.piece.head is not None:
        draft.root = f"{draft.name(f'sqlalchemy.{step.name}')}({{*}})"
        _add_values(draft, number, step)
    else:
        _from_variable(draft, number, step, state)
    if parameters:
        draft.statement += f", {parameters}"
    is_used = not _stands_alone(draft)
    execute(draft, state, step.node, ".rowcount" if is_used else "")


def _from_variable(draft: Draft, number: int, step: Step, state: QueryState) -> None:
    """The criteria of a query that was made elsewhere."""
    if state.entity is None:
        raise draft.left(why.UNKNOWN_ENTITIES, step.node, text=text(draft.piece.root))
    if "execution_options" in state.may:
        other = "execution_options"
        raise draft.left(why.BULK_CHAIN, step.node, member=step.name, other=other)
    make = draft.name(f"sqlalchemy.{step.name}")
    statement = f"{make}({draft.entity(state.entity, step.name, step.node)})"
    if state.must & _CRITERIA:
        statement += f".where({STATEMENT}.whereclause)"
    elif state.may & _CRITERIA:
        raise draft.left(why.WHOLE_TABLE, step.node, member=step.name)
    draft.statement = statement
    _add_values(draft, number, step)


def _add_values(draft: Draft, number: int, step: Step) -> None:
    first = 0
    if step.name == "update":
        first = 1
        values, arguments = step.argument("values"), step.argument("update_args", 2)
        if values is None:
            raise draft.left(why.BULK_CHAIN, step.node, member="update", other="no values")
        ordered = arguments is not None and _is_ordered(arguments[1])
        if ordered:
            draft.add("ordered_values", f"*{{{number}:{values[0]}}}")
        else:
            draft.add("values", f"{{{number}:{values[0]}}}")
    else:
        ordered, arguments = False, step.argument("delete_args", 1)
    if arguments is not None and not ordered:
        _add_dialect_options(draft, number, arguments)
    chosen = step.argument("synchronize_session", first)
    if chosen is not None:
        value = f"synchronize_session={{{number}:{chosen[0]}}}"
        draft.add("execution_options", value)


def _add_dialect_options(draft: Draft, number: int, given: tuple[str, s.Expr]) -> None:
    key, value = given
    if isinstance(value, s.Constant) and value.kind == "None":
        return
    if not isinstance(value, s.Mapping) or _has_key(value, "preserve_parameter_order"):
        raise draft.left(why.ESCAPES, value, where="the options are known at run time only")
    draft.add("with_dialect_options", f"**{{{number}:{key}}}")


def _is_ordered(expr: s.Expr) -> bool:
    """Is `expr` the dict `{"preserve_parameter_order": True}`?"""
    return (
        isinstance(expr, s.Mapping)
        and len(expr.keys) == 1
        and (
            _has_key(expr, "preserve_parameter_order")
            and isinstance(expr.values[0], s.Constant)
            and bool(expr.values[0].value)
        )
    )


def _has_key(mapping: s.Mapping, name: str) -> bool:
    return any(isinstance(key, s.Constant) and key.value == name for key in mapping.keys)


def _parameters(draft: Draft, step: Step, state: QueryState) -> str:
    """The dict for `params()` calls, which bulk statements have not; they are dropped."""
    if "params" not in state.may:
        return ""
    pairs: list[str] = []
    if draft.piece.head is None:
        raise draft.left(why.BULK_CHAIN, step.node, member=step.name, other="params")
    for number, earlier in enumerate(draft.piece.steps):
        if earlier.name != "params":
            continue
        if earlier.args or any(keyword.arg is None for keyword in earlier.keywords):
            raise draft.left(why.BULK_CHAIN, step.node, member=step.name, other="params")
        pairs += [f'"{key.arg}": {{{number}:{key.arg}}}' for key in earlier.keywords]
        draft.links = [
            link if link.source != number else type(link)("", number) for link in draft.links
        ]
    return "{" + ", ".join(pairs) + "}"


def _stands_alone(draft: Draft) -> bool:
    parent = draft.setting.project.project.parent(draft.piece.node)
    return isinstance(parent, s.ExpressionStatement)


BULK: dict[str, Ending] = {"update": _bulk, "delete": _bulk}
