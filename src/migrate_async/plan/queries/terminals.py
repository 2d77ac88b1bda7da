"""How a chain ends: executed, iterated, or made into something else."""

from __future__ import annotations

from collections.abc import Callable

from migrate_async.knowledge import query_refusals as why
from migrate_async.knowledge.query_api import GET_STEPS
from migrate_async.model import syntax as s
from migrate_async.plan.queries.chains import Step, Usage
from migrate_async.plan.queries.draft import Draft
from migrate_async.plan.queries.entities import has_unlabelled, needs_unique
from migrate_async.plan.queries.state import QueryState, Shape
from migrate_async.plan.queries.steps import LIMITS
from migrate_async.plan.text import is_pure, text

_ROW_KEYS = frozenset({"_asdict", "_fields", "_mapping"})
_AGGREGATES = frozenset({"count", "sum", "min", "max", "avg"})


def execute(draft: Draft, state: QueryState, node: s.Expr, tail: str) -> None:
    """Run the statement on its session; `tail` follows the result."""
    draft.call = f"{draft.session(state, node)}.execute({draft.statement})"
    draft.tail = tail
    draft.runs = True


def shape(draft: Draft, state: QueryState, node: s.Node) -> Shape:
    """ENTITY or ROWS. Raises `Left` when it is not certain which."""
    if state.shape is Shape.MIXED:
        raise draft.left(why.SHAPES, node)
    if state.shape is Shape.UNKNOWN or state.full is None:
        raise draft.left(why.UNKNOWN_ENTITIES, node, text=_written_entities(state, draft))
    if state.shape is Shape.ROWS and state.items and has_unlabelled(state.items):
        function = draft.piece.function.node
        for part in s.walk(function) if function is not None else ():
            if isinstance(part, s.Attribute) and part.attr in _ROW_KEYS:
                raise draft.left(why.ROW_KEYS, part, attribute=part.attr)
    return state.shape


def _written_entities(state: QueryState, draft: Draft) -> str:
    items = state.items or ()
    return ", ".join(text(item.expr) for item in items) or text(draft.piece.root)


def unique(state: QueryState) -> str:
    return ".unique()" if needs_unique(state) else ""


def all_rows(draft: Draft, state: QueryState, node: s.Expr) -> str:
    """The tail that gives a list."""
    scalars = ".scalars()" if shape(draft, state, node) is Shape.ENTITY else ""
    return f"{scalars}{unique(state)}.all()"


# --- terminals ---------------------------------------------------------------------------------


def _all(draft: Draft, number: int, step: Step, state: QueryState) -> None:
    draft.drop(number)
    _fetch(draft, state, step.node, all_rows(draft, state, step.node))


def _fetch(draft: Draft, state: QueryState, node: s.Expr, tail: str) -> None:
    """Execute; rows that are streamed are awaited twice."""
    if not _streams(state) or not draft.setting.awaited:
        execute(draft, state, node, tail)
        return
    stream = "stream"
    if tail.startswith(".scalars()"):
        stream, tail = "stream_scalars", tail.removeprefix(".scalars()")
    session = draft.session(state, node)
    draft.call = f"(await {session}.{stream}({draft.statement})){tail}"
    draft.runs = True


def _streams(state: QueryState) -> bool:
    return "yield_per" in state.may or "stream_results" in state.may


def _first(draft: Draft, number: int, step: Step, state: QueryState) -> None:
    draft.drop(number)
    rows = shape(draft, state, step.node)
    if pins_one_row(draft, state):
        ending = ".scalar_one_or_none()" if rows is Shape.ENTITY else ".one_or_none()"
        _fetch(draft, state, step.node, unique(state) + ending)
        return
    if "from_statement" not in state.may:
        draft.add("limit", "1")
    _fetch(draft, state, step.node, ".scalars().first()" if rows is Shape.ENTITY else ".first()")


def pins_one_row(draft: Draft, state: QueryState) -> bool:
    """Do the criteria name one row by its primary key or another unique key?"""
    if not state.items or state.may & (LIMITS | {"from_statement", "yield_per"}):
        return False
    first = state.items[0]
    mapped = draft.setting.project.model(first.model)
    if mapped is None or not mapped.pins_one_row(state.pins):
        return False
    sources = {item.source for item in state.items} | state.sources
    return sources == {first.source}


def _one(draft: Draft, number: int, step: Step, state: QueryState) -> None:
    draft.drop(number)
    prefix = "scalar_" if shape(draft, state, step.node) is Shape.ENTITY else ""
    _fetch(draft, state, step.node, f"{unique(state)}.{prefix}{step.name}()")


def _scalar(draft: Draft, number: int, step: Step, state: QueryState) -> None:
    draft.drop(number)
    shape(draft, state, step.node)
    ending = "scalar_one" if _gives_one_row(state) else "scalar_one_or_none"
    _fetch(draft, state, step.node, f"{unique(state)}.{ending}()")


def _gives_one_row(state: QueryState) -> bool:
    """EXISTS, and aggregates without GROUP BY, give one row whatever the tables hold."""
    if state.items is None or len(state.items) != 1:
        return False
    if state.may & (LIMITS | {"filter", "where", "filter_by", "group_by", "having"}):
        return _is_aggregate(state.items[0].expr) and not state.may & (
            LIMITS | {"group_by", "having"}
        )
    expr = state.items[0].expr
    return _is_aggregate(expr) or (isinstance(expr, s.Call) and _method(expr) == "exists")


def _is_aggregate(expr: s.Expr) -> bool:
    while isinstance(expr, s.Call) and _method(expr) in ("label", "filter"):
        expr = expr.func.value if isinstance(expr.func, s.Attribute) else expr.func
    return isinstance(expr, s.Call) and s.dotted_name(expr.func).endswith(
        tuple(f"func.{name}" for name in _AGGREGATES)
    )


def _method(call: s.Call) -> str:
    return call.func.attr if isinstance(call.func, s.Attribute) else ""


def _count(draft: Draft, number: int, step: Step, state: QueryState) -> None:
    draft.drop(number)
    select, func = draft.name("sqlalchemy.select"), draft.name("sqlalchemy.func")
    draft.statement = f"{select}({func}.count()).select_from({draft.statement}.subquery())"
    execute(draft, state, step.node, ".scalar_one()")


def _value(draft: Draft, number: int, step: Step, state: QueryState) -> None:
    draft.keep(number, "with_only_columns")
    execute(draft, state, step.node, ".scalar()")


def _values(draft: Draft, number: int, step: Step, state: QueryState) -> None:
    if any(isinstance(arg, s.Starred) for arg in step.args):
        raise draft.left(why.UNKNOWN_ENTITIES, step.node, text=text(step.node))
    draft.keep(number, "with_only_columns")
    execute(draft, state, step.node, "")


# --- subscripts --------------------------------------------------------------------------------


def _item(draft: Draft, number: int, step: Step, state: QueryState) -> None:
    index = step.node.index if isinstance(step.node, s.Subscript) else step.node
    if isinstance(index, s.Slice):
        _slice(draft, number, index, state)
        return
    if _is_negative(index):
        raise draft.left(why.NEGATIVE_SLICE, index)
    start = f"{{{number}:0}}"
    if isinstance(index, s.Constant) and isinstance(index.value, int):
        draft.keep(number, "slice", f"{index.value}, {index.value + 1}")
    elif is_pure(index):
        draft.note(why.SLICE_VARIABLES, index)
        draft.keep(number, "slice", f"{start}, {start} + 1")
    elif not state.may & LIMITS:
        draft.note(why.SLICE_VARIABLES, index)
        draft.keep(number, "offset", start)
        draft.add("limit", "1")
    else:
        raise draft.left(why.NEGATIVE_SLICE, index)
    _fetch(draft, state, step.node, f"{all_rows(draft, state, step.node)}[0]")


def _slice(draft: Draft, number: int, index: s.Slice, state: QueryState) -> None:
    lower, upper = _bound(index.lower), _bound(index.upper)
    if _is_negative(lower) or _is_negative(upper) or _is_empty(lower, upper):
        raise draft.left(why.NEGATIVE_SLICE, index)
    if any(part is not None and not isinstance(part, s.Constant) for part in (lower, upper)):
        draft.note(why.SLICE_VARIABLES, index)
    limited = bool(state.may & LIMITS)
    if lower is None and upper is None:
        draft.drop(number)
    elif lower is None and not limited:
        draft.keep(number, "limit", f"{{{number}:1}}")
    elif upper is None and not limited:
        draft.keep(number, "offset", f"{{{number}:0}}")
    else:
        start = "0" if lower is None else f"{{{number}:0}}"
        stop = "None" if upper is None else f"{{{number}:1}}"
        draft.keep(number, "slice", f"{start}, {stop}")
    step = f"[::{{{number}:2}}]" if index.step is not None else ""
    node = draft.piece.steps[number].node
    _fetch(draft, state, node, f"{all_rows(draft, state, node)}{step}")


def _bound(expr: s.Expr | None) -> s.Expr | None:
    return None if isinstance(expr, s.Constant) and expr.kind == "None" else expr


def _is_negative(expr: s.Expr | None) -> bool:
    return isinstance(expr, s.Operation) and expr.operator == "-" and len(expr.operands) == 1


def _is_empty(lower: s.Expr | None, upper: s.Expr | None) -> bool:
    """Are both bounds constants in the wrong order? `Query` runs nothing then."""
    stop = upper.value if isinstance(upper, s.Constant) else None
    start = lower.value if isinstance(lower, s.Constant) else 0 if lower is None else None
    return isinstance(start, int) and isinstance(stop, int) and stop <= start


# --- get ---------------------------------------------------------------------------------------


def _get(draft: Draft, number: int, step: Step, state: QueryState) -> None:
    others = sorted(state.may - GET_STEPS)
    here = {found.name for found in draft.piece.steps}
    if others or not state.may <= here:
        raise draft.left(why.GET_AFTER, step.node, other=(others or sorted(state.may))[0])
    entity, identity = state.entity, step.argument("ident")
    if shape(draft, state, step.node) is not Shape.ENTITY or entity is None or identity is None:
        raise draft.left(why.UNKNOWN_ENTITIES, step.node, text=text(draft.piece.root))
    arguments = [draft.entity(entity, "get", step.node), f"{{{number}:{identity[0]}}}"]
    arguments += _get_options(draft)
    draft.links = []
    for position in range(number + 1):
        draft.drop(position)
    draft.builds = False
    draft.call = f"{draft.session(state, step.node)}.get({', '.join(arguments)})"
    draft.runs = True


def _get_options(draft: Draft) -> list[str]:
    """Keyword arguments of `get()` for the steps before it."""
    options: list[str] = list(draft.setting.loads)
    execution: list[str] = []
    found: list[str] = []
    for number, step in enumerate(draft.piece.steps):
        if any(isinstance(arg, s.Starred) for arg in step.args):
            raise draft.left(why.GET_AFTER, step.node, other=step.name)
        if step.name == "options":
            options += [f"{{{number}:{position}}}" for position in range(len(step.args))]
        elif step.name == "execution_options":
            execution += [f'"{key.arg}": {{{number}:{key.arg}}}' for key in step.keywords]
        elif step.name == "autoflush":
            execution.append(f'"autoflush": {{{number}:0}}')
        elif step.name == "populate_existing":
            found.append("populate_existing=True")
        elif step.name == "with_for_update":
            pairs = [f'"{key.arg}": {{{number}:{key.arg}}}' for key in step.keywords]
            value = "{" + ", ".join(pairs) + "}" if pairs else "True"
            found.append(f"with_for_update={value}")
    if options:
        found.insert(0, f"options=[{', '.join(options)}]")
    if execution:
        found.append("execution_options={" + ", ".join(execution) + "}")
    return found


# --- iteration ---------------------------------------------------------------------------------


def iterate(draft: Draft, state: QueryState) -> None:
    """End a chain whose rows are taken by `for` or all at once."""
    node = draft.piece.node
    if draft.piece.usage is Usage.LISTED:
        _fetch(draft, state, node, all_rows(draft, state, node))
        return
    rows = shape(draft, state, node)
    if _streams(state) and draft.setting.awaited:
        stream = "stream_scalars" if rows is Shape.ENTITY else "stream"
        draft.call = f"{draft.session(state, node)}.{stream}({draft.statement})"
        draft.runs = True
        draft.loop_is_async = True
        return
    scalars = ".scalars()" if rows is Shape.ENTITY else ""
    execute(draft, state, node, scalars + unique(state))


Ending = Callable[[Draft, int, Step, QueryState], None]

EXECUTED: dict[str, Ending] = {
    "all": _all,
    "first": _first,
    "one": _one,
    "one_or_none": _one,
    "scalar": _scalar,
    "count": _count,
    "value": _value,
    "values": _values,
    "__getitem__": _item,
    "get": _get,
}
