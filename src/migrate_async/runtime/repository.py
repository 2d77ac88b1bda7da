"""A thin, typed repository: the queries of one model in one place, over the caller's session.

::

    class UserRepository(AsyncRepository[User]):
        async def by_email(self, email: str) -> User | None:
            return await self.find_one(User.email == email)

A repository flushes and never commits: the transaction belongs to the request (`get_db`) or to the
`UnitOfWork`. For tests without a database see `migrate_async.runtime.memory`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any, ClassVar, Generic, TypeVar, cast, get_args, get_origin

from sqlalchemy import ColumnElement, Select, exists, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm.interfaces import ORMOption

from migrate_async.runtime.errors import MigrateAsyncRuntimeError
from migrate_async.runtime.keyset import OrderBy
from migrate_async.runtime.pagination import (
    CursorPage,
    Page,
    count_rows,
    paginate,
    paginate_by_key,
    primary_key_of,
)
from migrate_async.runtime.soft_delete import INCLUDE_DELETED, SoftDeleteMixin

ModelT = TypeVar("ModelT")
Criterion = ColumnElement[bool]


class NotFoundError(MigrateAsyncRuntimeError, LookupError):
    """There is no row of a model with this primary key. An API answers 404."""

    def __init__(self, model: type[Any], key: Any) -> None:
        super().__init__(model, key)
        self.model = model
        self.key = key

    def __str__(self) -> str:
        return f"no {self.model.__name__} with the key {self.key!r}"


class AsyncRepository(Generic[ModelT]):
    """The rows of one model, through an `AsyncSession` which somebody else opens and commits."""

    _declared_model: ClassVar[type[Any] | None] = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for base in cls.__dict__.get("__orig_bases__", ()):
            origin, arguments = get_origin(base), get_args(base)
            if isinstance(origin, type) and issubclass(origin, AsyncRepository):
                cls._declared_model = arguments[0] if isinstance(arguments[0], type) else None

    def __init__(self, session: AsyncSession, model: type[ModelT] | None = None) -> None:
        """`model` is needed where the class does not say it: `AsyncRepository(session, User)`.

        :raises TypeError: neither says it.
        """
        self.session = session
        model = model or cast("type[ModelT] | None", self._declared_model)
        if model is None:
            name = type(self).__name__
            raise TypeError(f"{name} has no model: pass it, or subclass {name}[YourModel]")
        self.model: type[ModelT] = model

    def query(self, *where: Criterion) -> Select[Any]:
        """Return the SELECT that all reads but `get` start from.

        Override it to restrict a repository (say, to a tenant) or to load relationships eagerly.
        """
        return select(self.model).where(*where)

    async def get(
        self, key: Any, *, options: Sequence[ORMOption] = (), include_deleted: bool = False
    ) -> ModelT | None:
        """Return the row with this primary key (a tuple if composite), or None.

        A soft-deleted row is None, even if the session knows it, unless `include_deleted`.
        """
        if include_deleted:
            options = (*options, INCLUDE_DELETED)
        instance = await self.session.get(self.model, key, options=options)
        if not include_deleted and isinstance(instance, SoftDeleteMixin) and instance.is_deleted:
            return None
        return instance

    async def get_or_raise(self, key: Any, *, options: Sequence[ORMOption] = ()) -> ModelT:
        """Return the row with this primary key.

        :raises NotFoundError: there is none, or it is soft-deleted.
        """
        instance = await self.get(key, options=options)
        if instance is None:
            raise NotFoundError(self.model, key)
        return instance

    async def find_one(self, *where: Criterion) -> ModelT | None:
        """Return the only row that meets the criteria, or None.

        :raises sqlalchemy.exc.MultipleResultsFound: there are several.
        """
        result = await self.session.scalars(self.query(*where))
        return result.unique().one_or_none()

    async def find(self, *where: Criterion, order_by: Sequence[OrderBy] = ()) -> Sequence[ModelT]:
        """Return all rows that meet the criteria. For long lists use `page` or `stream`."""
        result = await self.session.scalars(self.query(*where).order_by(*order_by))
        return result.unique().all()

    async def stream(
        self, *where: Criterion, order_by: Sequence[OrderBy] = (), batch: int = 500
    ) -> AsyncIterator[ModelT]:
        """Yield the rows while the database sends them, `batch` at a time."""
        statement = self.query(*where).order_by(*order_by).execution_options(yield_per=batch)
        result = await self.session.stream_scalars(statement)
        try:
            async for instance in result:
                yield instance
        finally:
            await result.close()

    async def count(self, *where: Criterion) -> int:
        return await count_rows(self.session, self.query(*where))

    async def exists(self, *where: Criterion) -> bool:
        found = await self.session.scalar(select(exists(self.query(*where))))
        return bool(found)

    async def page(
        self,
        *where: Criterion,
        order_by: Sequence[OrderBy] = (),
        offset: int = 0,
        limit: int = 50,
    ) -> Page[ModelT]:
        """Return one page by number of rows; see `pagination.paginate`.

        The primary key is the last sort key, so that pages never overlap.
        """
        statement = self.query(*where)
        ties = primary_key_of(statement)
        statement = statement.order_by(*order_by, *ties)
        return await paginate(self.session, statement, offset=offset, limit=limit)

    async def page_by_key(
        self,
        *where: Criterion,
        order_by: Sequence[OrderBy] = (),
        limit: int = 50,
        cursor: str | None = None,
    ) -> CursorPage[ModelT]:
        """Return the page at a cursor; see `pagination.paginate_by_key`."""
        return await paginate_by_key(
            self.session, self.query(*where), order_by=order_by, limit=limit, cursor=cursor
        )

    async def add(self, instance: ModelT) -> ModelT:
        """Insert an object and return it with its primary key and defaults.

        :raises sqlalchemy.exc.IntegrityError: a constraint forbids it. The transaction is then
            unusable until a rollback; to go on, add inside `session.begin_nested()`.
        """
        self.session.add(instance)
        await self.session.flush()
        return instance

    async def add_all(self, instances: Iterable[ModelT]) -> Sequence[ModelT]:
        """Insert several objects in one flush."""
        added = [*instances]
        self.session.add_all(added)
        await self.session.flush()
        return added

    async def create(self, **values: Any) -> ModelT:
        """Make an object of these attribute values and insert it."""
        return await self.add(self.model(**values))

    async def update(self, instance: ModelT, **values: Any) -> ModelT:
        """Set attributes and flush.

        :raises AttributeError: the model has no such attribute: nothing is set then.
        """
        assign(instance, values)
        await self.session.flush()
        return instance

    async def delete(self, instance: ModelT, *, permanently: bool = False) -> None:
        """Delete a row; one with `SoftDeleteMixin` is only marked, unless `permanently`."""
        if isinstance(instance, SoftDeleteMixin) and not permanently:
            instance.soft_delete()
        else:
            await self.session.delete(instance)
        await self.session.flush()

    async def restore(self, instance: ModelT) -> ModelT:
        """Undo the deletion of a soft-deleted row.

        :raises TypeError: the model has no `SoftDeleteMixin`.
        """
        restore(instance)
        await self.session.flush()
        return instance


def assign(instance: object, values: dict[str, Any]) -> None:
    """Set attributes, all or none.

    :raises AttributeError: the class has no attribute of one of the names.
    """
    for name in values:
        if not hasattr(type(instance), name):
            raise AttributeError(f"{type(instance).__name__} has no attribute {name!r}")
    for name, value in values.items():
        setattr(instance, name, value)


def restore(instance: object) -> None:
    """:raises TypeError: the model of the instance has no `SoftDeleteMixin`."""
    if not isinstance(instance, SoftDeleteMixin):
        raise TypeError(f"{type(instance).__name__} has no SoftDeleteMixin: nothing to restore")
    instance.restore()
