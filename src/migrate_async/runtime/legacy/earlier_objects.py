"""Objects that a session has before it is lent to the application, by a test for example.

A session of the application's own would load them anew: what a query or the mapping loads with
them would be there, and what somebody loaded long ago would not. Here queries meet them as they
are, and leave what is loaded. So their relationships are forgotten while the session is lent, as
far as nobody has changed them, and what the application has loaded is forgotten after that. An
object that leaves the session, which can load nothing any more, is given back what it had.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias
from weakref import WeakKeyDictionary, WeakSet

from sqlalchemy import event, inspect, select
from sqlalchemy.orm import InstanceState, ORMExecuteState, RelationshipProperty, Session
from sqlalchemy.orm.attributes import set_committed_value
from sqlalchemy.orm.interfaces import ORMOption

_State: TypeAlias = InstanceState[Any]

_ALWAYS_LOADED = frozenset({False, "immediate", "joined", "selectin", "subquery"})
_LOADED_AT_ALL = _ALWAYS_LOADED | {True, "select"}
_KEY = "migrate_async_forgotten"


class EarlierObjects:
    """Those that `session` has at this moment; what was loaded of them is forgotten."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._loaded: WeakKeyDictionary[_State, frozenset[str]] = WeakKeyDictionary()
        self._lacks_columns: WeakSet[_State] = WeakSet()
        for instance in list(session):
            state = inspect(instance)
            self._loaded[state] = frozenset(_unchanged(state))
            self._forget(state, self._loaded[state])
            if state.unloaded.intersection(state.mapper.column_attrs.keys()):
                self._lacks_columns.add(state)
        if not event.contains(session, "persistent_to_detached", _remember):
            event.listen(session, "persistent_to_detached", _remember)
            event.listen(session, "deleted_to_detached", _remember)

    def would_have(self, load: ORMExecuteState) -> bool:
        """Whether a session of the application's own had what `load` is about to load."""
        if load.is_column_load:
            return getattr(load.load_options, "_refresh_state", None) in self._lacks_columns
        path, state = load.loader_strategy_path, load.lazy_loaded_from
        relationship = path[-1] if path is not None and state in self._loaded else None
        if state is None or not isinstance(relationship, RelationshipProperty):
            return False
        return relationship.lazy in _ALWAYS_LOADED or relationship.key in self._loaded[state]

    def complete(self, instance: object, options: Iterable[ORMOption]) -> None:
        """Load what `options` of a `get()` name, which hands out what the session has already.

        A session of the application's own would have loaded it anew, with these.
        """
        state = inspect(instance)
        if state not in self._loaded or not state.persistent:
            return
        mapper = state.mapper
        same = (
            column == value
            for column, value in zip(mapper.primary_key, state.identity, strict=True)
        )
        statement = select(mapper.class_).where(*same).options(*options)
        with self._session.no_autoflush:
            self._session.execute(statement).unique().all()

    def give_back(self) -> None:
        """Forget what was loaded meanwhile, also of other objects.

        Those of a session of the application's own would be gone. In a circle of relationships
        they would stay here, and be what the next query gives.
        """
        for instance in list(self._session):
            state = inspect(instance)
            self._forget(state, _unchanged(state))

    def _forget(self, state: _State, names: Iterable[str]) -> None:
        """Have relationships of an object loaded anew when somebody reads them."""
        values = {name: state.dict[name] for name in names} if state.persistent else {}
        if values and state in self._loaded:
            state.info.setdefault(_KEY, {}).update(values)
        if values:
            self._session.expire(state.object, list(values))


def _remember(_session: Session, instance: object) -> None:
    """Give an object that can load nothing any more what it had."""
    state = inspect(instance)
    values = state.info.pop(_KEY, {})
    for name in values.keys() & state.unloaded:
        set_committed_value(instance, name, values[name])


def _unchanged(state: _State) -> Iterator[str]:
    """The relationships of an object that are loaded, and that nobody has changed."""
    for relationship in state.mapper.relationships:
        name = relationship.key
        is_loaded = relationship.lazy in _LOADED_AT_ALL and name in state.dict
        if is_loaded and not state.attrs[name].history.has_changes():
            yield name
