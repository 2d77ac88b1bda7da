"""The steps that give a query: their links on `select()`."""

from __future__ import annotations

from collections.abc import Callable

from migrate_async.index.declarative import string
from migrate_async.knowledge import query_refusals as why
from migrate_async.knowledge.query_api import AFTER_SET, Kind
from migrate_async.model import syntax as s
from migrate_async.plan.queries.chains import Step
from migrate_async.plan.queries.draft import Draft
from migrate_async.plan.queries.state import Item, QueryState, Shape
from migrate_async.plan.text import text

LIMITS = frozenset({"limit", "offset", "slice", "__getitem__"})
SETS = frozenset({"union", "union_all", "intersect", "intersect_all", "except_", "except_all"})
_ORDERING = frozenset({"asc", "desc", "nulls_first", "nulls_last", "nullsfirst", "nullslast"})


def add_step(draft: Draft, number: int) -> None:
    """Add what becomes of step `number`, which gives a query.

    Raises `Left` when nothing does.
    """
    step, state = draft.step(number), draft.piece.states[number]
    check(draft, step, state)
    special = _SPECIAL.get(step.name)
    if special is not None:
        special(draft, number, step, state)
        return
    member = step.member
    if member is None or not member.becomes:
        draft.drop(number)
        return
    for name in member.imports:
        draft.name(f"sqlalchemy.{name}")
    draft.keep(number, member.becomes, _filled(member.arguments, step))


def check(draft: Draft, step: Step, state: QueryState) -> None:
    """Raise `Left` if `step` means something else, or nothing, after what came before it."""
    member = step.member
    if member is None:
        raise draft.left(why.UNKNOWN_MEMBER, step.node, member=step.name)
    if member.kind is Kind.REFUSE:
        fill = {"member": step.name, "reason": member.reason, "advice": member.advice}
        raise draft.left(why.NO_COUNTERPART, step.node, **fill)
    if member.before_limit and state.may & LIMITS:
        raise draft.left(why.AFTER_LIMIT, step.node, member=step.name)
    if member.before_statement and "from_statement" in state.may:
        raise draft.left(why.FROM_STATEMENT, step.node, member=step.name)
    operations = sorted(state.may & SETS)
    if operations and member.kind is Kind.BUILD and step.name not in AFTER_SET:
        fill = {"member": step.name, "operation": operations[0]}
        raise draft.left(why.AFTER_SET, step.node, **fill)


def _filled(arguments: str | None, step: Step) -> str | None:
    """`arguments` with `{0}` as the key under which the step's only argument is given."""
    if arguments is None or step.args or not step.keywords:
        return arguments
    return arguments.replace("{0}", f"{{{step.keywords[0].arg}}}")


# --- steps with rules of their own -------------------------------------------------------------


def _filter_by(draft: Draft, number: int, step: Step, state: QueryState) -> None:
    several = state.items is not None and len(state.items) > 1
    if not several and not state.may & {"join", "outerjoin", "select_from"}:
        draft.keep(number, "filter_by")
        return
    target = _filter_target(draft, state)
    names = [keyword.arg for keyword in step.keywords]
    if target and all(names) and not step.args:
        criteria = ", ".join(f"{target}.{name} == {{{name}}}" for name in names)
        draft.keep(number, "where", criteria)
    elif draft.setting.target == "2.0":
        draft.keep(number, "filter_by")
    else:
        raise draft.left(why.FILTER_BY_TARGET, step.node)


def _filter_target(draft: Draft, state: QueryState) -> str:
    """How to write the entity that `filter_by()` is about; empty if that is not known."""
    target = state.target
    if target is None:
        return _first_entity(draft, state)
    if target.text and target.function is draft.piece.function:
        return target.text
    if target.model is None:
        return ""
    return draft.setting.project.name_of(target.model, draft.piece.function)


def _first_entity(draft: Draft, state: QueryState) -> str:
    if not state.items:
        return ""
    first = state.items[0]
    if first.function is not draft.piece.function:
        return draft.class_name(first)
    if first.is_entity:
        return text(first.expr)
    is_column = first.kind == "column" and isinstance(first.expr, s.Attribute)
    return text(first.expr.value) if is_column and isinstance(first.expr, s.Attribute) else ""


def _order_by(draft: Draft, number: int, step: Step, state: QueryState) -> None:
    labels = _implied_labels(draft, state)
    written: list[str] = []
    for position, arg in enumerate(step.args):
        if _ordered_label(arg) in labels:
            raise draft.left(why.LABEL_STRING, arg, text=_ordered_label(arg))
        label = string(arg)
        if label in labels and not labels[label]:
            raise draft.left(why.LABEL_STRING, arg, text=label)
        written.append(labels.get(label, f"{{{position}}}"))
    changed = any(not arg.startswith("{") for arg in written)
    draft.keep(number, step.name, ", ".join(written) if changed else None)


def _ordered_label(arg: s.Expr) -> str:
    """`x` of `desc("x")`."""
    if isinstance(arg, s.Call) and isinstance(arg.func, s.Name) and arg.func.id in _ORDERING:
        return string(arg.args[0] if arg.args else None)
    return ""


def _implied_labels(draft: Draft, state: QueryState) -> dict[str, str]:
    """The labels `<table>_<column>` that only `Query` makes, with the attributes they mean."""
    found: dict[str, str] = {}
    for item in state.items or ():
        mapped = draft.setting.project.model(item.model)
        if mapped is None or item.kind not in ("class", "column"):
            continue
        entity = _entity_text(draft, item)
        columns = {column.column: name for name, column in mapped.columns.items()}
        for column, name in columns.items():
            label = f"{mapped.tablename}_{column}"
            if (label not in columns and item.kind == "class") or item.name == name:
                found[label] = f"{entity}.{name}" if entity else ""
    return found


def _entity_text(draft: Draft, item: Item) -> str:
    if item.function is not draft.piece.function:
        return draft.class_name(item)
    if item.kind == "column" and isinstance(item.expr, s.Attribute):
        return text(item.expr.value)
    return text(item.expr)


def _add_entity(draft: Draft, number: int, step: Step, _state: QueryState) -> None:
    alias = step.argument("alias", 1)
    entity = step.argument("entity")
    if entity is None:
        raise draft.left(why.UNKNOWN_ENTITIES, step.node, text=text(step.node))
    args = f"{{{entity[0]}}}"
    if alias is not None:
        args = f"{draft.name('sqlalchemy.orm.aliased')}({args}, {{{alias[0]}}})"
    draft.keep(number, "add_columns", args)


def _with_parent(draft: Draft, number: int, step: Step, _state: QueryState) -> None:
    instance, prop = step.argument("instance"), step.argument("property", 1)
    if instance is None or prop is None or isinstance(prop[1], s.Constant):
        raise draft.left(why.WITH_PARENT, step.node)
    source = step.argument("from_entity", 2)
    given = [instance, prop, *([source] if source is not None else [])]
    args = ", ".join(f"{{{key}}}" for key, _ in given)
    draft.keep(number, "where", f"{draft.name('sqlalchemy.orm.with_parent')}({args})")


def _select_from(draft: Draft, number: int, step: Step, state: QueryState) -> None:
    if "select_from" in state.may:
        raise draft.left(why.SECOND_FROM, step.node)
    draft.keep(number, "select_from")


def _join(draft: Draft, number: int, step: Step, _state: QueryState) -> None:
    old = {keyword.arg for keyword in step.keywords} & {"aliased", "from_joinpoint"}
    legacy = any(isinstance(arg, s.Sequence | s.Constant) for arg in step.args)
    if old or legacy or len(step.args) > 2:
        reason = "targets as strings, tuples or lists, and `aliased=`, are gone since 2.0"
        advice = "one `.join(Model.relationship)` per hop"
        fill = {"member": step.name, "reason": reason, "advice": advice}
        raise draft.left(why.NO_COUNTERPART, step.node, **fill)
    draft.keep(number, step.name)


def _from_statement(draft: Draft, number: int, step: Step, state: QueryState) -> None:
    lost = state.may - {"options", "execution_options", "populate_existing", "yield_per"}
    if lost:
        raise draft.left(why.FROM_STATEMENT, step.node, member=min(lost))
    draft.keep(number, "from_statement")


def _set_operation(draft: Draft, number: int, step: Step, state: QueryState) -> None:
    """`Query` selects again from the union; so does an alias of its subquery."""
    state_after = draft.piece.states[number + 1]
    union = f"{draft.statement}.{step.name}({{{number}:*}}).subquery()"
    entity = state.entity
    if state.shape is Shape.ENTITY and entity is not None:
        aliased = draft.name("sqlalchemy.orm.aliased")
        union = f"{aliased}({draft.entity(entity, step.name, step.node)}, {union})"
    elif state.items is None or state.full is not False or state_after.shape is not Shape.ROWS:
        raise draft.left(why.UNKNOWN_ENTITIES, step.node, text=text(draft.piece.root))
    draft.drop(number)
    draft.statement = f"{draft.name('sqlalchemy.select')}({union})"


_SPECIAL: dict[str, Callable[[Draft, int, Step, QueryState], None]] = {
    "filter_by": _filter_by,
    "order_by": _order_by,
    "add_entity": _add_entity,
    "with_parent": _with_parent,
    "select_from": _select_from,
    "join": _join,
    "outerjoin": _join,
    "from_statement": _from_statement,
    **dict.fromkeys(SETS, _set_operation),
}
