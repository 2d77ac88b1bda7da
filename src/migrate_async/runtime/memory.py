"""Repositories without a database, for fast tests of the code above them.

The fake has the interface of the real thing and awaits nothing, so `run` finishes a whole use case
in a plain test function, without an event loop::

    def test_registration() -> None:
        store = InMemoryStore()
        user = run(register(InMemoryUnitOfWork(store), email="a@example.org"))
        assert store.rows(User) == [user]

It knows primary keys, Python-side defaults, NOT NULL and unique constraints, soft deletion and
savepoints. It does not know relationships, foreign keys, server defaults or SQL functions: what
depends on these needs a test on a database.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Coroutine, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar, cast

from sqlalchemy.exc import MultipleResultsFound
from sqlalchemy.ext.asyncio import AsyncSession

from migrate_async.runtime.keyset import Keyset, OrderBy, SortKey, decode_cursor
from migrate_async.runtime.memory_criteria import matches, value_of
from migrate_async.runtime.memory_store import InMemoryStore, key_of
from migrate_async.runtime.pagination import (
    CursorPage,
    Page,
    check_window,
    make_cursor_page,
    primary_key_of,
)
from migrate_async.runtime.repository import AsyncRepository, Criterion, assign, restore
from migrate_async.runtime.soft_delete import SoftDeleteMixin
from migrate_async.runtime.unit_of_work import UnitOfWork

__all__ = ["InMemoryRepository", "InMemoryStore", "InMemoryUnitOfWork", "in_memory", "run"]

T = TypeVar("T")
ModelT = TypeVar("ModelT")
RepositoryT = TypeVar("RepositoryT", bound=AsyncRepository[Any])


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run code that awaits only in-memory repositories, and return its result.

    :raises RuntimeError: it awaits something real (a timer, a socket): use an async test.
    """
    try:
        coroutine.send(None)
    except StopIteration as done:
        return cast("T", done.value)
    coroutine.close()
    raise RuntimeError("the code awaits something real: test it in an async test")


class InMemoryRepository(AsyncRepository[ModelT]):
    """An `AsyncRepository` over an `InMemoryStore`: `InMemoryRepository(store, User)`.

    A repository class of the application becomes an in-memory one by `in_memory`.
    """

    def __init__(self, store: InMemoryStore, model: type[ModelT] | None = None) -> None:
        # Methods of a subclass that use the session meet the store, which says what is wrong.
        super().__init__(cast("AsyncSession", store), model)

    @property
    def store(self) -> InMemoryStore:
        return cast("InMemoryStore", self.session)

    def _rows(self, where: Sequence[Criterion]) -> list[ModelT]:
        rows = (row for row in self.store.rows(self.model) if not _is_deleted(row))
        return [row for row in rows if all(matches(row, criterion) for criterion in where)]

    async def get(
        self,
        key: Any,
        *,
        options: Sequence[Any] = (),  # noqa: ARG002
        include_deleted: bool = False,
    ) -> ModelT | None:
        wanted = key if isinstance(key, tuple) else (key,)
        for row in self.store.rows(self.model):
            if key_of(row) == wanted and (include_deleted or not _is_deleted(row)):
                return row
        return None

    async def find_one(self, *where: Criterion) -> ModelT | None:
        rows = self._rows(where)
        if len(rows) > 1:
            raise MultipleResultsFound("Multiple rows were found when one or none was required")
        return rows[0] if rows else None

    async def find(self, *where: Criterion, order_by: Sequence[OrderBy] = ()) -> Sequence[ModelT]:
        return _sort(self._rows(where), [SortKey.of(expression) for expression in order_by])

    async def stream(
        self,
        *where: Criterion,
        order_by: Sequence[OrderBy] = (),
        batch: int = 500,  # noqa: ARG002
    ) -> AsyncIterator[ModelT]:
        for row in await self.find(*where, order_by=order_by):
            yield row

    async def count(self, *where: Criterion) -> int:
        return len(self._rows(where))

    async def exists(self, *where: Criterion) -> bool:
        return bool(self._rows(where))

    async def page(
        self,
        *where: Criterion,
        order_by: Sequence[OrderBy] = (),
        offset: int = 0,
        limit: int = 50,
    ) -> Page[ModelT]:
        check_window(offset, limit)
        rows = _sort(self._rows(where), self._keyset(order_by).keys)
        return Page(rows[offset : offset + limit], len(rows), offset, limit)

    async def page_by_key(
        self,
        *where: Criterion,
        order_by: Sequence[OrderBy] = (),
        limit: int = 50,
        cursor: str | None = None,
    ) -> CursorPage[ModelT]:
        check_window(0, limit)
        keyset = self._keyset(order_by)
        position = None if cursor is None else decode_cursor(cursor, keyset)
        backwards = position is not None and position.backwards
        rows = _sort(self._rows(where), keyset.keys)
        if backwards:
            rows.reverse()
        if position is not None:
            rows = [row for row in rows if matches(row, keyset.beyond(position))]
        values = [tuple(value_of(row, key.column) for key in keyset.keys) for row in rows]
        found = [*zip(rows, values, strict=True)][: limit + 1]
        return make_cursor_page(found, keyset, limit, position)

    async def add(self, instance: ModelT) -> ModelT:
        self.store.insert(instance)
        return instance

    async def add_all(self, instances: Iterable[ModelT]) -> Sequence[ModelT]:
        with self.store.savepoint():
            return [await self.add(instance) for instance in instances]

    async def update(self, instance: ModelT, **values: Any) -> ModelT:
        with self.store.savepoint():
            assign(instance, values)
            self.store.touch(instance)
            self.store.check(instance)
        return instance

    async def delete(self, instance: ModelT, *, permanently: bool = False) -> None:
        if isinstance(instance, SoftDeleteMixin) and not permanently:
            instance.soft_delete()
            self.store.touch(instance)
        else:
            self.store.remove(instance)

    async def restore(self, instance: ModelT) -> ModelT:
        restore(instance)
        self.store.touch(instance)
        return instance

    def _keyset(self, order_by: Sequence[OrderBy]) -> Keyset:
        return Keyset.of(order_by, primary_key_of(self.query()))


def in_memory(kind: type[RepositoryT], store: InMemoryStore) -> RepositoryT:
    """Return a repository of an application's class whose inherited methods work in memory.

    Methods the class adds or overrides run as they are, on top of the in-memory ones.
    """
    fake = type(f"InMemory{kind.__name__}", (kind, InMemoryRepository), {})
    return cast("RepositoryT", fake(store))


class InMemoryUnitOfWork(UnitOfWork):
    """A `UnitOfWork` over an `InMemoryStore`, which it puts back as it was if the block raises."""

    def __init__(self, store: InMemoryStore) -> None:
        super().__init__(lambda: cast("AsyncSession", store))
        self.store = store
        self._committed = store.snapshot()

    @asynccontextmanager
    async def nested(self) -> AsyncIterator[None]:
        with self.store.savepoint():
            yield

    async def commit(self) -> None:
        self._committed = self.store.snapshot()

    async def rollback(self) -> None:
        self.store.roll_back(self._committed)

    def _make_repository(self, kind: type[AsyncRepository[Any]], *model: type[Any]) -> Any:
        if model:
            return InMemoryRepository(self.store, *model)
        return in_memory(kind, self.store)

    @asynccontextmanager
    async def _transaction(self, session: AsyncSession) -> AsyncIterator[None]:  # noqa: ARG002
        await self.commit()
        try:
            yield
        except BaseException:
            await self.rollback()
            raise


def _is_deleted(row: object) -> bool:
    return isinstance(row, SoftDeleteMixin) and row.deleted_at is not None


def _sort(rows: list[ModelT], keys: Sequence[SortKey]) -> list[ModelT]:
    for key in reversed(keys):

        def nulls_last(row: ModelT, column: Any = key.column) -> tuple[bool, Any]:
            value = value_of(row, column)
            return value is None, 0 if value is None else value

        rows.sort(key=nulls_last, reverse=key.descending)
    return rows
