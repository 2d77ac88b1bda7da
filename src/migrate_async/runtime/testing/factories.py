"""factory_boy on async sessions: `await UserFactory(name="Ann")`.

A factory that makes objects on a sync `Session` does SQL wherever it flushes, commits or looks for
an object that is there. All of that runs here as factory_boy does it, sub-factories and hooks
included, in a greenlet in which the operations of the session await.
"""

from __future__ import annotations

from typing import Any

from factory.alchemy import SQLAlchemyModelFactory
from sqlalchemy.ext.asyncio import AsyncSession, async_scoped_session
from sqlalchemy.util import greenlet_spawn

from migrate_async.runtime.running import in_greenlet


class AsyncSQLAlchemyModelFactory(SQLAlchemyModelFactory):
    """`SQLAlchemyModelFactory` whose session is an `AsyncSession`.

    `sqlalchemy_session` and what `sqlalchemy_session_factory` returns may be an `AsyncSession`;
    the other options are those of factory_boy. Calling the factory, `create` and `create_batch`
    give something to await; `build` and `stub` need no session and stay as they are. Inside of
    another creation (a `post_generation` hook, a `LazyFunction`) the objects come at once, as there
    is nothing to await with.
    """

    class Meta:
        abstract = True

    @classmethod
    def create(cls, **values: Any) -> Any:
        """Make an object and add it to the session; awaited, unless in another creation."""
        if in_greenlet():
            return super().create(**values)
        return greenlet_spawn(super().create, **values)

    @classmethod
    def create_batch(cls, size: int, **values: Any) -> Any:
        """Make `size` objects, a list; awaited, unless in another creation."""
        if in_greenlet():
            return super().create_batch(size, **values)
        return greenlet_spawn(super().create_batch, size, **values)

    @classmethod
    def _save(cls, model_class: Any, session: Any, args: Any, values: Any) -> Any:
        inner: Any = super()._save  # untyped
        return inner(model_class, _sync(session), args, values)

    @classmethod
    def _get_or_create(cls, model_class: Any, session: Any, args: Any, values: Any) -> Any:
        inner: Any = super()._get_or_create  # untyped
        return inner(model_class, _sync(session), args, values)


def _sync(session: Any) -> Any:
    """The session that factory_boy works on, which is behind every `AsyncSession`."""
    if isinstance(session, async_scoped_session):
        session = session()
    return session.sync_session if isinstance(session, AsyncSession) else session
