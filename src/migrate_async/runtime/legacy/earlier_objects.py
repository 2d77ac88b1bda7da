"""Objects that a session has before it is lent to the application, by a test for example.

A session of the application's own would load them anew: what a query or the mapping loads with
them would be there, and what somebody loaded long ago would not. Here queries meet them as they
are, and leave what is loaded. So their relationships are forgotten while the session is lent, as
far as nobody has changed them, and what the application loads of them is forgotten after that. An
object that leaves the session, which can load nothing any more, is given back what it had.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias
from weakref import WeakKeyDictionary, WeakSet

from sqlalchemy import event, inspect
from sqlalchemy.orm import InstanceState, ORMExecuteState, RelationshipProperty, Session
from sqlalchemy.orm.attributes import set_committed_value

_State: TypeAlias = InstanceState[Any]

_ALWAYS_LOADED = frozenset({False, "immediate", "joined", "selectin", "subquery"})
_LOADED_AT_ALL = _ALWAYS_LOADED | {True, "select"}
_KEY = "migrate_async_forgotten"


class EarlierObjects:
    """Those that `session` has at this moment; what was loaded of them is forgotten."""

    def __init__(self, session: Session) -> None:
        self._forgotten = _forgotten(session)
        self._loaded: WeakKeyDictionary[_State, frozenset[str]] = WeakKeyDictionary()
        self._lacks_columns: WeakSet[_State] = WeakSet()
        for instance in list(session):
            state = inspect(instance)
            self._loaded[state] = frozenset(_unchanged(state))
            self._forgotten.forget(state, self._loaded[state])
            if state.unloaded.intersection(state.mapper.column_attrs.keys()):
                self._lacks_columns.add(state)

    def would_have(self, load: ORMExecuteState) -> bool:
        """Whether a session of the application's own had what `load` is about to load."""
        if load.is_column_load:
            return getattr(load.load_options, "_refresh_state", None) in self._lacks_columns
        path, state = load.loader_strategy_path, load.lazy_loaded_from
        relationship = path[-1] if path is not None and state in self._loaded else None
        if state is None or not isinstance(relationship, RelationshipProperty):
            return False
        return relationship.lazy in _ALWAYS_LOADED or relationship.key in self._loaded[state]

    def give_back(self) -> None:
        """Forget what was loaded of them meanwhile."""
        for state in self._loaded:
            self._forgotten.forget(state, _unchanged(state))


class _Forgotten:
    """What objects of one session had, for the day that they leave it."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._values: WeakKeyDictionary[_State, dict[str, Any]] = WeakKeyDictionary()
        event.listen(session, "persistent_to_detached", self._remember)
        event.listen(session, "deleted_to_detached", self._remember)

    def forget(self, state: _State, names: Iterable[str]) -> None:
        """Have the relationships `names` of an object loaded anew when somebody reads them."""
        if state.session is not self._session or not state.persistent:
            return
        values = {name: state.dict[name] for name in names}
        if values:
            self._values.setdefault(state, {}).update(values)
            self._session.expire(state.object, list(values))

    def _remember(self, _session: Session, instance: object) -> None:
        state = inspect(instance)
        values = self._values.pop(state, {})
        for name in values.keys() & state.unloaded:
            set_committed_value(instance, name, values[name])


def _forgotten(session: Session) -> _Forgotten:
    found: _Forgotten | None = session.info.get(_KEY)
    if found is None:
        found = session.info[_KEY] = _Forgotten(session)
    return found


def _unchanged(state: _State) -> Iterator[str]:
    """The relationships of an object that are loaded, and that nobody has changed."""
    for relationship in state.mapper.relationships:
        name = relationship.key
        is_loaded = relationship.lazy in _LOADED_AT_ALL and name in state.dict
        if is_loaded and not state.attrs[name].history.has_changes():
            yield name
