"""Note lazy loads: of which attribute, where, and of an object from which query.

Each query of the ORM is given an `Origin` through its execution options, from where the objects
that it loads take theirs. A lazy load is a query whose options say so and that an attribute access
caused; what it loads descends from the same query.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any, Dict, Optional, Tuple

from .guard import guarded
from .log import Log
from .places import Place, Places, Sight

ORIGIN = "_migrate_async_origin"
"""The execution option, and the attribute of an object's state, that hold the `Origin`."""

RELATIONSHIP, DEFERRED, COLUMN_PROPERTY, EXPIRED = (
    "relationship",
    "deferred",
    "column-property",
    "expired",
)


class Origin:
    """Where objects come from.

    `place` is where the outermost query was executed or the object made, `at` the place of this
    query, `through` the relationships that lead here. `counts` has the loads that one execution
    of the outermost query caused so far.
    """

    __slots__ = (
        "at",
        "cause",
        "counts",
        "joins",
        "kind",
        "place",
        "root",
        "statement",
        "through",
    )

    def __init__(self, kind: str, place: Place, cause: str = "") -> None:
        self.kind = kind
        self.place = place
        self.at = place
        self.cause = cause
        self.through: Tuple[str, ...] = ()
        self.statement = 0
        self.root = self
        self.counts: Dict[Any, int] = {}
        self.joins: Dict[Any, Origin] = {}

    def child(self, name: str, at: Place, cause: str) -> Origin:
        """The origin of what is loaded for the attribute `name` of objects from here."""
        origin = Origin(self.kind, self.place, cause)
        origin.at = at
        origin.root = self.root
        origin.through = (*self.through, name)
        return origin

    def joined(self, path: Any, context: Any) -> Origin:
        """The origin of objects at the end of a loader `path`, if the query joined them."""
        found = self.joins.get(path)
        if found is None:
            found = self
            names = _names(path)[len(_names(context.compile_state.current_path)) :]
            for name in names:
                found = found.child(name, self.at, self.cause)
            self.joins[path] = found
        return found

    @property
    def producer(self) -> Tuple[Any, ...]:
        return (self.kind, self.place, self.root.statement, self.through)


UNKNOWN = Origin("unknown", None)


def listen(orm: ModuleType, log: Log, places: Places) -> None:
    """Record all sessions and mapped classes of the process."""
    event: Any = sys.modules["sqlalchemy.event"]
    attribute = orm.attributes.InstrumentedAttribute
    functions = (attribute.__get__, attribute.__set__, attribute.__delete__)
    places.accesses = frozenset(
        function.__code__ for function in functions if hasattr(function, "__code__")
    )
    listener = _Listener(log, places)
    event.listen(orm.Session, "do_orm_execute", listener.execute)
    event.listen(orm.Mapper, "load", listener.load)
    event.listen(orm.Mapper, "init", guarded(log.problem, listener.init))


class _Listener:
    def __init__(self, log: Log, places: Places) -> None:
        self._log = log
        self._places = places

    def execute(self, query: Any) -> None:
        """Of `Session`: any statement is about to be executed."""
        try:
            origin = self._origin(query)
            if origin is not None:
                query.update_execution_options(**{ORIGIN: origin})
        except Exception as error:  # noqa: BLE001 - the application must not notice
            self._log.problem(error)

    def load(self, instance: Any, context: Any) -> None:
        """Of `Mapper`: an object has been made from a row."""
        try:
            origin = context.execution_options.get(ORIGIN) if context is not None else None
            if origin is None:
                return
            state = instance._sa_instance_state
            path = state.__dict__.get("load_path")
            setattr(state, ORIGIN, origin if path is None else origin.joined(path, context))
        except Exception as error:  # noqa: BLE001 - as above
            self._log.problem(error)

    def init(self, instance: Any, _args: Any, _options: Any) -> None:
        """Of `Mapper`: the application makes an object."""
        sight = self._places.see(sys._getframe(2))
        setattr(instance._sa_instance_state, ORIGIN, Origin("new", sight.place))

    def _origin(self, query: Any) -> Optional[Origin]:
        sight = self._places.see(sys._getframe(3))
        if query.is_column_load:
            return self._column(sight)
        if query.is_relationship_load:
            return self._relationship(query, sight)
        return Origin("query", sight.place, "get" if sight.is_get else "")

    def _relationship(self, query: Any, sight: Sight) -> Origin:
        parent = query.lazy_loaded_from
        if parent is None:  # selectinload and its like
            outer = query.execution_options.get(ORIGIN) or _loading(sight)
            return outer.child(_last(query.loader_strategy_path), outer.at, "eager")
        source = getattr(parent, ORIGIN, UNKNOWN)
        if sight.touched is None:  # a cascade, or an eager load: whoever asked for it waits for it
            cause = "eager" if sight.loader else "lazy"
            return source.child(_last(query.loader_strategy_path), sight.place, cause)
        attribute = sight.touched.f_locals["self"]
        self._note(RELATIONSHIP, attribute, source, sight)
        return source.child(_name(attribute), sight.place, "lazy")

    def _column(self, sight: Sight) -> Optional[Origin]:
        """What a refresh loads besides keeps its own origin: the objects are there already."""
        if sight.touched is None:
            return Origin("query", sight.place, "refresh")
        attribute = sight.touched.f_locals["self"]
        instance = sight.touched.f_locals.get("instance")
        state = getattr(instance, "_sa_instance_state", None)
        if state is None:
            return None
        source = getattr(state, ORIGIN, UNKNOWN)
        kind = _column_kind(state, attribute)
        self._note(kind, attribute, source, sight)
        origin = source.child(_name(attribute), sight.place, "lazy")
        origin.through = source.through
        if kind == EXPIRED:
            origin.cause = "refresh"
        return origin

    def _note(self, kind: str, attribute: Any, source: Origin, sight: Sight) -> None:
        owner = attribute.property.parent.class_
        model = f"{owner.__module__}.{owner.__qualname__}"
        key = (model, attribute.key, kind, sight.place, sight.via, source.producer)
        most = 0
        if source.kind != "new":
            counts = source.root.counts
            most = counts[key] = counts.get(key, 0) + 1
        self._log.load(key, most)


def _loading(sight: Sight) -> Origin:
    """The origin of the query that is being loaded: SQLAlchemy 1.4 does not hand on its options."""
    context = sight.loader.f_locals.get("context") if sight.loader is not None else None
    return context.execution_options.get(ORIGIN, UNKNOWN) if context is not None else UNKNOWN


def _column_kind(state: Any, attribute: Any) -> str:
    if not hasattr(attribute.property, "columns") or state.expired:
        return EXPIRED
    if attribute.key in state.expired_attributes:
        return EXPIRED
    library: Any = sys.modules["sqlalchemy"]
    is_column = isinstance(attribute.property.columns[0], library.Column)
    return DEFERRED if is_column else COLUMN_PROPERTY


def _name(attribute: Any) -> str:
    return f"{attribute.property.parent.class_.__name__}.{attribute.key}"


def _last(path: Any) -> str:
    """`Model.attribute` at the end of a loader path."""
    names = _names(path)
    return names[-1] if names else "?"


def _names(path: Any) -> Tuple[str, ...]:
    parts: Tuple[Any, ...] = tuple(getattr(path, "path", None) or ())
    properties = [part for part in parts if hasattr(part, "key") and hasattr(part, "parent")]
    return tuple(f"{part.parent.class_.__name__}.{part.key}" for part in properties)
