"""What is known about a query after each step."""

from __future__ import annotations

from collections.abc import Hashable

from msgspec.structs import replace

from migrate_async.index.relationships import Relationship
from migrate_async.index.scopes import Class, Function
from migrate_async.knowledge.query_api import Effect
from migrate_async.model import syntax as s
from migrate_async.plan.queries.chains import Step
from migrate_async.plan.queries.criteria import Criteria
from migrate_async.plan.queries.eager import Eager
from migrate_async.plan.queries.entities import Entities, has_entity, shape_of, source_key
from migrate_async.plan.queries.project import ProjectView
from migrate_async.plan.queries.state import (
    UNKNOWN_SOURCE,
    Item,
    QueryState,
    SessionRef,
    Shape,
    Target,
)
from migrate_async.plan.text import is_plain, text

_JOINS = frozenset({"primaryjoin", "secondaryjoin", "secondary"})

_SORTING = frozenset({"order_by", "group_by", "having", "distinct"})


_STREAMING = frozenset({"yield_per", "stream_results"})


class Transitions:
    """Knows the models; see `after`."""

    def __init__(self, project: ProjectView) -> None:
        self._project = project
        self._entities = Entities(project)
        self._criteria = Criteria(project)
        self._eager = Eager(project)

    def start(self, head: s.Call, function: Function) -> QueryState:
        """What is known about `session.query(...)`."""
        session = head.func.value if isinstance(head.func, s.Attribute) else None
        state = QueryState(None, Shape.UNKNOWN, frozenset({head}))
        if session is not None and is_plain(session):
            state = replace(state, session=SessionRef(function, text(session), session))
        return self._with_items(state, self._entities.items(head))

    def of_class(
        self, cls: Class, name: s.Expr, function: Function, origin: Hashable
    ) -> QueryState:
        """What is known about a query that is annotated `Query[cls]`."""
        item = Item("class", name, function, cls, source=source_key(name, cls))
        return self._with_items(QueryState(None, Shape.UNKNOWN, frozenset({origin})), (item,))

    @staticmethod
    def unknown(origin: Hashable) -> QueryState:
        """What is known about a query that comes from nowhere."""
        return QueryState(None, Shape.UNKNOWN, frozenset({origin}), eager=True)

    def of_relationship(self, relationship: Relationship, origin: Hashable) -> QueryState | None:
        """What is known about the query that a dynamic relationship is."""
        cls = relationship.target
        if self._project.model(cls) is None or cls is None:
            return None
        name = s.Name(*relationship.node.span, cls.name)
        state = self.of_class(cls, name, cls.module.body, origin)
        written = {keyword.arg for keyword in relationship.node.keywords}
        if relationship.secondary or written & _JOINS:
            may = frozenset({"order_by", "select_from"})
            return replace(state, may=may, sources=_UNKNOWN)
        return replace(state, may=frozenset({"order_by"}))

    def after(self, state: QueryState, step: Step, function: Function) -> QueryState:
        """What is known when `step`, which gives a query, was made on `state`."""
        member = step.member
        effects = member.effects if member is not None else frozenset()
        state = replace(
            state,
            may=state.may | {step.name},
            must=state.must | {step.name},
        )
        if step.name == "execution_options":
            chosen = {str(keyword.arg) for keyword in step.keywords} & _STREAMING
            state = replace(state, may=state.may | chosen)
        for effect in effects:
            handler = _HANDLERS.get(effect)
            if handler is not None:
                state = handler(self, state, step, function)
        if step.name in _SORTING:
            state = _with_sources(state, self._criteria.sources(step.args, alone=False))
        return state

    # --- effects -------------------------------------------------------------------------------

    def _rows(self, state: QueryState, step: Step, _function: Function) -> QueryState:
        if step.name in ("tuples", "only_return_tuples"):
            return replace(state, shape=_forced(state, step))
        added = self._entities.items(step.node) if isinstance(step.node, s.Call) else None
        if step.name == "add_entity" and added is not None:
            added = added[:1]
        is_full = True if state.full else has_entity(added)
        items = None if added is None or state.items is None else (*state.items, *added)
        eager = state.eager or any(self._eager.by_mapping(item) for item in added or ())
        return replace(state, items=items, shape=Shape.ROWS, full=is_full, eager=eager)

    def _replaced(self, state: QueryState, step: Step, _function: Function) -> QueryState:
        items = self._entities.items(step.node) if isinstance(step.node, s.Call) else None
        if state.items is not None:
            before = frozenset(item.source for item in state.items)
            state = _with_sources(state, before if state.sources else frozenset())
        return self._with_items(replace(state, pins=frozenset()), items)

    def _with_items(self, state: QueryState, items: tuple[Item, ...] | None) -> QueryState:
        eager = items is None or any(self._eager.by_mapping(item) for item in items)
        full = has_entity(items)
        return replace(state, items=items, shape=shape_of(items), full=full, eager=eager)

    def _where(self, state: QueryState, step: Step, _function: Function) -> QueryState:
        if step.name == "with_parent":
            return _with_sources(state, frozenset({UNKNOWN_SOURCE}))
        if step.name == "filter_by":
            values = [keyword.value for keyword in step.keywords]
            sources = self._criteria.sources(values, alone=False)
        else:
            sources = self._criteria.sources(step.args, alone=True)
        return _with_sources(replace(state, pins=state.pins | self._pins(state, step)), sources)

    def _pins(self, state: QueryState, step: Step) -> frozenset[str]:
        if not state.items or not isinstance(step.node, s.Call):
            return frozenset()
        if step.name != "filter_by":
            return self._criteria.pins(step.args, state.items[0])
        if state.target is not None:
            return frozenset()
        return self._criteria.pins_by_name(step.node, state.items[0])

    def _join(self, state: QueryState, step: Step, function: Function) -> QueryState:
        found = step.argument("target")
        if found is None:
            return _with_sources(replace(state, target=Target(function)), _UNKNOWN)
        target = found[1]
        cls = self._project.class_of(target)
        if cls is not None:
            named = Target(function, text(target) if is_plain(target) else "", cls)
            return _joined(replace(state, target=named), source_key(target, cls))
        related = self.relationship(target)
        if related is None:
            return _with_sources(replace(state, target=Target(function)), _UNKNOWN)
        other, is_collection = related
        state = replace(state, target=Target(function, "", other))
        return _joined(state, other.qualname) if is_collection else state

    def relationship(self, expr: s.Expr) -> tuple[Class, bool] | None:
        """The class that the relationship `expr` leads to, and whether to many of it."""
        if not isinstance(expr, s.Attribute):
            return None
        mapped = self._project.model(self._project.class_of(expr.value))
        relationship = mapped.relationships.get(expr.attr) if mapped is not None else None
        if relationship is None or relationship.target is None:
            return None
        return relationship.target, relationship.uselist is not False

    def _source(self, state: QueryState, step: Step, function: Function) -> QueryState:
        keys: set[str] = set()
        for arg in step.args:
            cls = self._project.class_of(arg)
            keys.add(source_key(arg, cls) if cls is not None else UNKNOWN_SOURCE)
        first = step.args[0] if step.args else None
        cls = self._project.class_of(first) if first is not None else None
        name = text(first) if first is not None and cls is not None else ""
        return _with_sources(replace(state, target=Target(function, name, cls)), frozenset(keys))

    def _options(self, state: QueryState, step: Step, _function: Function) -> QueryState:
        return replace(state, eager=state.eager or self._eager.by_options(step.args))

    def _reset(self, state: QueryState, _step: Step, function: Function) -> QueryState:
        state = replace(state, pins=frozenset(), target=Target(function))
        return _with_sources(state, _UNKNOWN)


_UNKNOWN = frozenset({UNKNOWN_SOURCE})

_HANDLERS = {
    Effect.ROWS: Transitions._rows,
    Effect.ENTITIES: Transitions._replaced,
    Effect.WHERE: Transitions._where,
    Effect.JOIN: Transitions._join,
    Effect.SOURCE: Transitions._source,
    Effect.OPTIONS: Transitions._options,
    Effect.SET: Transitions._reset,
    Effect.STATEMENT: Transitions._reset,
}


def _joined(state: QueryState, source: str) -> QueryState:
    """`state` with rows of `source`; those of the first entity's own table are others than its."""
    is_own = bool(state.items) and state.items is not None and state.items[0].source == source
    return _with_sources(state, _UNKNOWN if is_own else frozenset({source}))


def _with_sources(state: QueryState, sources: frozenset[str]) -> QueryState:
    return replace(state, sources=state.sources | sources) if sources else state


def _forced(state: QueryState, step: Step) -> Shape:
    """The shape after `tuples()` or `only_return_tuples(value)`."""
    found = step.argument("value")
    if step.name == "tuples" or found is None:
        return Shape.ROWS
    if not isinstance(found[1], s.Constant):
        return Shape.ROWS if state.shape is Shape.ROWS else Shape.UNKNOWN
    return Shape.ROWS if found[1].value else shape_of(state.items)
