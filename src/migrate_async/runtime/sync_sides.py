"""The sync sides of what SQLAlchemy has in two: for plain code that runs in a greenlet."""

from __future__ import annotations

from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, async_sessionmaker
from sqlalchemy.orm import sessionmaker


def sync_side_of(value: Any) -> Any:
    """`value`, or its sync side; a tuple, list or dictionary of such values is made anew.

    What has no sync side, or holds it in an object, comes back as it is.
    """
    if isinstance(value, AsyncSession):
        return value.sync_session
    if isinstance(value, AsyncEngine):
        return value.sync_engine
    if isinstance(value, AsyncConnection):
        return value.sync_connection
    if isinstance(value, async_sessionmaker):
        return _factory(value)
    return _items(value)


def _factory(factory: async_sessionmaker[Any]) -> sessionmaker[Any]:
    """A factory of the sync sessions that those of `factory` have inside."""
    options = {name: sync_side_of(option) for name, option in factory.kw.items()}
    kind = options.pop("sync_session_class", None) or factory.class_.sync_session_class
    return sessionmaker(class_=kind, **options)


def _items(value: Any) -> Any:
    kind = type(value)
    if kind is dict:
        sides = {key: sync_side_of(item) for key, item in value.items()}
        return sides if any(sides[key] is not value[key] for key in value) else value
    if kind not in (tuple, list):
        return value
    items = [sync_side_of(item) for item in value]
    changed = any(new is not old for new, old in zip(items, value, strict=True))
    return kind(items) if changed else value
