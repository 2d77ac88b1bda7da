"""A sync side for async sessions whose objects expire late: when a query meets them again.

A sync session expires all of its objects at commit, and whatever loads them next, an attribute or
a query, gets what the database has. Async code cannot load by touching an attribute, so its
sessions keep what is loaded (`expire_on_commit=False`). Then a query that meets an object from
before the commit, one that a dependency or a caller holds, leaves it as stale as it was. With

    async_sessionmaker(engine, expire_on_commit=False, sync_session_class=LateExpirySession)

the commit only marks what is loaded. Attributes stay readable, and a query, a `get()` or a lazy
load that comes across an object with marks expires it there and fills it from its row, as it would
have done after a sync commit. What was changed since the commit is kept. Relationships that were
loaded are loaded again where that load does not do it: nothing else would before they are read.
Sessions that no factory
makes go through `expire_late(AsyncSession(engine, expire_on_commit=False))`.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from sqlalchemy import event, inspect
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstanceState, Session, SessionTransaction, object_session
from sqlalchemy.orm.base import PassiveFlag
from sqlalchemy.orm.exc import ObjectDeletedError

_Session = TypeVar("_Session", bound=AsyncSession)


class LateExpirySession(Session):
    """A `Session` that expires objects after a commit when a load meets them; see the module."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.watch_loads()

    def watch_loads(self) -> None:
        """See to it that loads which come across an object tell."""
        self._marks = _Marks()
        self._loading = 0
        found: Any = self.identity_map
        kind: Any = type(found)
        found.__class__ = _meeting(kind)
        found.marks = self._marks

    def expunge_all(self) -> None:
        super().expunge_all()
        self.watch_loads()

    def flush(self, objects: Sequence[Any] | None = None) -> None:
        """What Python changed after the commit is newer than the commit, also once flushed."""
        self._marks.forget_changes(self)
        super().flush(objects)

    def refresh(
        self,
        instance: object,
        attribute_names: Iterable[str] | None = None,
        with_for_update: Any = None,
    ) -> None:
        names = None if attribute_names is None else list(attribute_names)
        # Before: a load that the refresh causes may meet the object, and must not expire it again.
        self._marks.forget(inspect(instance, raiseerr=True), names)
        with self._complete():
            super().refresh(instance, names, with_for_update)

    def expire(self, instance: object, attribute_names: Iterable[str] | None = None) -> None:
        names = None if attribute_names is None else list(attribute_names)
        super().expire(instance, names)
        self._marks.forget(inspect(instance, raiseerr=True), names)

    def expire_all(self) -> None:
        super().expire_all()
        self._marks.clear()

    def merge(self, *args: Any, **options: Any) -> Any:
        with self._complete():
            merged = super().merge(*args, **options)
            _load_rest(inspect(merged))
        return merged

    def get(self, *args: Any, **options: Any) -> Any:
        with self._complete():
            return super().get(*args, **options)

    def mark_all(self) -> None:
        """What is loaded now is from before a commit."""
        self._marks.put(self.identity_map.all_states())

    def forget_all(self) -> None:
        """Nothing that is loaded is from before a commit."""
        self._marks.clear()

    def _execute_internal(self, *args: Any, **options: Any) -> Any:
        with self._complete():
            return super()._execute_internal(*args, **options)

    @contextlib.contextmanager
    def _complete(self) -> Iterator[None]:
        """At the end of the outermost load, load the relationships that loads have expired."""
        self._loading += 1
        try:
            yield
        finally:
            self._loading -= 1
        while not self._loading and (lost := self._marks.next_lost()):
            state, names = lost
            if state.session is self:
                _load(state, names)

    def _identity_lookup(self, *args: Any, **options: Any) -> Any:
        """A lookup that may not load leaves the object as it is: nobody would fill it again."""
        passive = options.get("passive", PassiveFlag.PASSIVE_OFF)
        loads = PassiveFlag.SQL_OK | PassiveFlag.RELATED_OBJECT_OK
        if passive & loads == loads:
            with self._complete():
                return super()._identity_lookup(*args, **options)
        with self._marks.unseen():
            return super()._identity_lookup(*args, **options)


def expire_late(session: _Session) -> _Session:
    """`session`, whose objects expire after a commit when a load meets them.

    The class of its sync side stays a base of the new one.
    """
    found = session.sync_session
    if not isinstance(found, LateExpirySession):
        kind: Any = type(found)
        found.__class__ = _late(kind)
        assert isinstance(found, LateExpirySession)  # noqa: S101  it is one now
        found.watch_loads()
    return session


@functools.cache
def _late(base: Any) -> type[LateExpirySession]:
    """`LateExpirySession` with what `base` adds, such as the `exec` of SQLModel."""
    if base is Session:
        return LateExpirySession
    return type(f"Late{base.__name__}", (LateExpirySession, base), {})


class _Marks:
    """What was loaded when a transaction was committed, and has not been loaded since."""

    def __init__(self) -> None:
        self._found: WeakKeyDictionary[InstanceState[Any], set[str]] = WeakKeyDictionary()
        self._lost: WeakKeyDictionary[InstanceState[Any], set[str]] = WeakKeyDictionary()
        self._related: list[Any] = []
        """Objects of lost relationships: with them in memory what they have loaded is not lost."""
        self._seen = True

    def put(self, states: Iterable[InstanceState[Any]]) -> None:
        for state in states:
            self._found[state] = set(state.dict) & set(state.manager)

    def clear(self) -> None:
        self._found.clear()
        self._lost.clear()
        self._related.clear()

    def lose(self, state: InstanceState[Any], names: set[str]) -> None:
        """Relationships among `names` will be expired, because a load met the object."""
        relationships = names & set(state.mapper.relationships.keys())
        if relationships:
            self._lost.setdefault(state, set()).update(relationships)
            self._related += [state.dict[name] for name in relationships]

    def next_lost(self) -> tuple[InstanceState[Any], set[str]] | None:
        """One object with what it has lost, which is not told again; None: there is none."""
        if self._lost:
            return self._lost.popitem()
        self._related.clear()
        return None

    def forget(self, state: InstanceState[Any], names: Iterable[str] | None) -> None:
        """Something has loaded these attributes, or all of them."""
        if names is None:
            self._found.pop(state, None)
        elif state in self._found:
            self._found[state].difference_update(names)

    def forget_changes(self, session: Session) -> None:
        for instance in session.dirty if self._found else ():
            state: InstanceState[Any] = inspect(instance)
            self.forget(state, state.committed_state)

    @contextlib.contextmanager
    def unseen(self) -> Iterator[None]:
        self._seen = False
        try:
            yield
        finally:
            self._seen = True

    def take(self, state: InstanceState[Any]) -> set[str]:
        """The marked attributes that are still loaded and not changed; they lose their marks."""
        marked = self._found.pop(state, None) if self._seen else None
        if not marked:
            return set()
        return (marked & state.dict.keys()) - state.committed_state.keys()


@functools.cache
def _meeting(base: Any) -> Any:
    """`base`, an identity map, whose `get` expires what has marks: loads find objects with it."""

    class Meeting(base):  # type: ignore[misc]
        marks: _Marks

        def get(self, key: Any, default: Any = None) -> Any:
            instance = super().get(key, default)
            if instance is not default:
                self._meet(instance)
            return instance

        def _meet(self, instance: object) -> None:
            state: InstanceState[Any] = inspect(instance, raiseerr=True)
            names = self.marks.take(state)
            session = object_session(instance)
            if names and session is not None:
                self.marks.lose(state, names)
                Session.expire(session, instance, names)
                state.expired = True  # as after a commit: `get()` looks whether its row is there

    return Meeting


def _load(state: InstanceState[Any], names: set[str]) -> None:
    instance = state.obj()
    for name in sorted(names - state.dict.keys()) if instance is not None else ():
        with contextlib.suppress(ObjectDeletedError):
            getattr(instance, name)


def _load_rest(state: InstanceState[Any]) -> None:
    """Load what is expired, which nobody can load later by touching it."""
    for name in state.expired_attributes & state.unmodified & set(state.mapper.column_attrs.keys()):
        with contextlib.suppress(ObjectDeletedError):
            getattr(state.obj(), name)
        return


def _mark_all(session: LateExpirySession) -> None:
    """The outermost transaction has been committed; the end of a savepoint expires nothing."""
    if not session.in_nested_transaction() and not session.expire_on_commit:
        session.mark_all()


def _forget_all(session: LateExpirySession, transaction: SessionTransaction) -> None:
    """A rollback expires everything by itself."""
    if not transaction.nested:
        session.forget_all()


event.listen(LateExpirySession, "after_commit", _mark_all)
event.listen(LateExpirySession, "after_soft_rollback", _forget_all)
