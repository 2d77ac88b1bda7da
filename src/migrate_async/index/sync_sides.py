"""The types of sync sides, which `@implicit_io` passes to a plain function, and of async ones."""

from __future__ import annotations

from migrate_async.index import types as t
from migrate_async.index.types import Type, Types
from migrate_async.knowledge import sqlalchemy

_SIDES = {
    **dict.fromkeys(sqlalchemy.ASYNC_SESSIONS, sqlalchemy.SESSION),
    sqlalchemy.ASYNC_ENGINE: sqlalchemy.ENGINE,
    sqlalchemy.ASYNC_CONNECTION: sqlalchemy.CONNECTION,
}


def async_sides(types: Types) -> Types:
    """`types` with an async session for each sync one, as `call_async` gives it."""
    return frozenset(
        t.ExternalInstance(sqlalchemy.ASYNC_SESSION, item.heuristic)
        if isinstance(item, t.ExternalInstance) and item.dotted in sqlalchemy.SESSIONS
        else item
        for item in types
    )


def sync_sides(types: Types) -> Types:
    """`types` with the sync side of what has one; others stay as they are."""
    return frozenset(map(_side, types))


def _side(item: Type) -> Type:
    if isinstance(item, t.ExternalInstance):
        return t.ExternalInstance(_SIDES.get(item.dotted, item.dotted), item.heuristic)
    if isinstance(item, t.SessionFactory) and item.is_async:
        return t.SessionFactory(t.ExternalInstance(sqlalchemy.SESSION))
    if isinstance(item, t.ListOf):
        return t.ListOf(sync_sides(item.items))
    if isinstance(item, t.DictOf):
        items = tuple(map(sync_sides, item.items))
        return t.DictOf(item.keys, sync_sides(item.values), item.names, items)
    if isinstance(item, t.TupleOf):
        return t.TupleOf(tuple(map(sync_sides, item.items)))
    return item
