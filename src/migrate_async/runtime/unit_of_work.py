"""Several repositories in one transaction that is committed or rolled back as a whole.

::

    async with UnitOfWork(database.sessionmaker) as unit:
        order = await unit.repository(OrderRepository).create(user_id=1)
        await unit.repository(StockRepository).reserve(order)

        async with unit.nested():                     # a savepoint
            await unit.repository(CouponRepository).redeem("SPRING")

The block commits when it ends and rolls back when it raises. In a route whose session is already
there (`get_db` commits it), join it: `UnitOfWork.joining(session)`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from types import TracebackType
from typing import Any, TypeVar, cast

from sqlalchemy.ext.asyncio import AsyncSession

from migrate_async.runtime.repository import AsyncRepository

ModelT = TypeVar("ModelT")
RepositoryT = TypeVar("RepositoryT", bound=AsyncRepository[Any])
UnitT = TypeVar("UnitT", bound="UnitOfWork")


class UnitOfWork:
    """One transaction. An object serves one `async with` block at a time and may be used again."""

    def __init__(self, session_factory: Callable[[], AsyncSession]) -> None:
        """`session_factory` is an `async_sessionmaker` or anything that makes a new session."""
        self._open = session_factory
        self._owns_session = True
        self._session: AsyncSession | None = None
        self._block: AbstractAsyncContextManager[None] = nullcontext()
        self._repositories: dict[Any, Any] = {}

    @classmethod
    def joining(cls: type[UnitT], session: AsyncSession) -> UnitT:
        """Return a unit inside the transaction of a session that somebody else commits and closes.

        The block is a savepoint: if it raises, its own work is undone and nothing else.
        """
        unit = cls(lambda: session)
        unit._owns_session = False
        return unit

    @property
    def session(self) -> AsyncSession:
        """:raises RuntimeError: outside the `async with` block."""
        if self._session is None:
            raise RuntimeError("use the unit of work inside `async with`")
        return self._session

    def repository(self, kind: type[RepositoryT]) -> RepositoryT:
        """Return the repository of this class in this unit: the same object each time."""
        if kind not in self._repositories:
            self._repositories[kind] = self._make_repository(kind)
        return cast("RepositoryT", self._repositories[kind])

    def of(self, model: type[ModelT]) -> AsyncRepository[ModelT]:
        """Return a plain repository of a model that has no class of its own."""
        if model not in self._repositories:
            self._repositories[model] = self._make_repository(AsyncRepository, model)
        return cast("AsyncRepository[ModelT]", self._repositories[model])

    def _make_repository(self, kind: type[AsyncRepository[Any]], *model: type[Any]) -> Any:
        return kind(self.session, *model)

    def nested(self) -> AbstractAsyncContextManager[Any]:
        """Return a block whose work is undone alone if it raises: a savepoint.

        Objects changed in the block are expired by its rollback: refresh them before reading.
        """
        return self.session.begin_nested()

    async def commit(self) -> None:
        """Commit now and go on in a new transaction; a joining unit only flushes."""
        if self._owns_session:
            await self.session.commit()
        else:
            await self.session.flush()

    async def rollback(self) -> None:
        """Undo what was done since the last commit; the block may go on.

        :raises RuntimeError: the unit joins a transaction. Raise an exception to undo the block.
        """
        if not self._owns_session:
            raise RuntimeError("a joining unit cannot roll back the transaction of its owner")
        await self.session.rollback()

    async def __aenter__(self: UnitT) -> UnitT:
        if self._session is not None:
            raise RuntimeError("this unit of work is in use: make one for each task")
        self._session = self._open()
        self._block = self._transaction(self._session)
        await self._block.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            await self._block.__aexit__(kind, error, traceback)
        finally:
            self._session = None
            self._repositories.clear()

    @asynccontextmanager
    async def _transaction(self, session: AsyncSession) -> AsyncIterator[None]:
        if not self._owns_session:
            async with session.begin_nested():
                yield
            return
        # Not `session.begin()`: that block forbids a commit in the middle. On error, closing the
        # session rolls back, without another await that a cancellation could interrupt.
        async with session:
            yield
            await session.commit()
