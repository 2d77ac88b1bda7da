"""Soft deletion: hidden by default, visible on request, restorable."""

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy
from sqlalchemy import Select, delete, exists, func, select, text, union_all, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased, joinedload, lazyload, selectinload, subqueryload

from migrate_async.runtime.soft_delete import INCLUDE_DELETED, including_deleted, with_deleted
from support.library import Author, Book, Sessions

LOADERS = [lazyload, selectinload, joinedload, subqueryload]
SQLALCHEMY_20 = sqlalchemy.__version__.startswith("2.0.")


@pytest.fixture
async def session(sqlite_sessions: Sessions) -> Any:
    """Ada (a live book "One", a deleted one "Two") and the deleted Bob (a live book "Three")."""
    async with sqlite_sessions() as session, session.begin():
        ada = Author(id=1, name="Ada", books=[Book(title="One"), Book(title="Two")])
        bob = Author(id=2, name="Bob", books=[Book(title="Three")])
        session.add_all([ada, bob])
        await session.flush()
        ada.books[1].soft_delete()
        bob.soft_delete()
    async with sqlite_sessions() as session:
        yield session


async def _titles(session: AsyncSession, statement: Any) -> list[str]:
    return sorted(await session.scalars(statement))


alias = aliased(Book)


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param(select(Book.title), id="column"),
        pytest.param(select(alias.title), id="alias"),
        pytest.param(select(select(Book.title).subquery().c.title), id="subquery"),
        pytest.param(select(select(Book.title).cte().c.title), id="cte"),
        pytest.param(select(Book.title).union_all(select(Book.title).where(False)), id="union"),
    ],
)
async def test_deleted_rows_are_not_selected(session: AsyncSession, statement: Any) -> None:
    assert await _titles(session, statement) == ["One", "Three"]


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param(select(func.count()).select_from(Book), id="from"),
        pytest.param(select(func.count(Book.id)), id="column"),
        pytest.param(select(func.count()).select_from(select(Book).subquery()), id="subquery"),
    ],
)
async def test_deleted_rows_are_not_counted(session: AsyncSession, statement: Select[Any]) -> None:
    assert await session.scalar(statement) == 2


async def test_deleted_rows_are_not_joined(session: AsyncSession) -> None:
    inner = select(Author.name, Book.title).join(Author.books)
    assert [tuple(row) for row in await session.execute(inner)] == [("Ada", "One")]
    outer = select(Book.title, Author.name).outerjoin(Book.author).order_by(Book.title)
    rows = [tuple(row) for row in await session.execute(outer)]
    assert rows == [("One", "Ada"), ("Three", None)]


async def test_deleted_rows_do_not_exist_in_subqueries(session: AsyncSession) -> None:
    written = exists(select(Book.id).where(Book.author_id == Author.id, Book.title == "Two"))
    assert await _titles(session, select(Author.name).where(written)) == []


@pytest.mark.skipif(SQLALCHEMY_20, reason="SQLAlchemy 2.0 applies no criteria to any() and has()")
async def test_deleted_rows_do_not_count_for_any_and_has(session: AsyncSession) -> None:
    some = select(Author.name).where(Author.books.any(Book.title == "Two"))
    assert await _titles(session, some) == []
    by_bob = select(Book.title).where(Book.author.has(Author.name == "Bob"))
    assert await _titles(session, by_bob) == []


@pytest.mark.parametrize("loader", LOADERS)
async def test_collections_are_loaded_without_deleted_rows(
    session: AsyncSession, loader: Callable[..., Any]
) -> None:
    statement = select(Author).options(loader(Author.books))
    authors = (await session.scalars(statement)).unique().all()
    books = [await author.awaitable_attrs.books for author in authors]
    assert [[book.title for book in found] for found in books] == [["One"]]


@pytest.mark.parametrize("loader", LOADERS)
async def test_a_deleted_parent_is_loaded_as_none(
    session: AsyncSession, loader: Callable[..., Any]
) -> None:
    statement = select(Book).options(loader(Book.author)).where(Book.title == "Three")
    book = (await session.scalars(statement)).one()
    assert await book.awaitable_attrs.author is None


@pytest.mark.parametrize("loader", LOADERS)
async def test_with_deleted_also_loads_deleted_related_rows(
    session: AsyncSession, loader: Callable[..., Any]
) -> None:
    statement = with_deleted(select(Author).options(loader(Author.books)).order_by(Author.name))
    authors = (await session.scalars(statement)).unique().all()
    books = [await author.awaitable_attrs.books for author in authors]
    assert [sorted(b.title for b in found) for found in books] == [["One", "Two"], ["Three"]]


async def test_a_lazy_load_of_an_object_that_no_query_loaded_is_filtered(
    session: AsyncSession,
) -> None:
    session.add(cleo := Author(id=3, name="Cleo"))
    await session.flush()
    await session.execute(
        text(
            "INSERT INTO books (title, author_id, deleted_at) VALUES"
            " ('Live', 3, NULL), ('Dead', 3, '2000-01-01 00:00:00.000000')"
        )
    )
    session.expire(cleo, ["books"])
    assert [book.title for book in await cleo.awaitable_attrs.books] == ["Live"]


async def test_including_deleted_shows_everything_for_a_while(session: AsyncSession) -> None:
    with including_deleted(session):
        assert await _titles(session, select(Book.title)) == ["One", "Three", "Two"]
        ada = (await session.scalars(select(Author).where(Author.name == "Ada"))).one()
        assert len(await ada.awaitable_attrs.books) == 2
    assert await _titles(session, select(Book.title)) == ["One", "Three"]


async def test_get_finds_a_deleted_row_only_on_request(session: AsyncSession) -> None:
    assert await session.get(Author, 2) is None
    bob = await session.get(Author, 2, options=[INCLUDE_DELETED])
    assert bob is not None
    assert bob.is_deleted


async def test_is_deleted_is_also_a_condition(session: AsyncSession) -> None:
    gone = with_deleted(select(Book.title).where(Book.is_deleted))
    assert await _titles(session, gone) == ["Two"]


async def test_bulk_updates_and_deletes_pass_over_deleted_rows(session: AsyncSession) -> None:
    changed = await session.execute(update(Book).values(title="changed"))
    assert changed.rowcount == 2
    removed = await session.execute(delete(Book))
    assert removed.rowcount == 2
    purged = await session.execute(with_deleted(delete(Book)))
    assert purged.rowcount == 1


async def test_legacy_queries_are_filtered_too(session: AsyncSession) -> None:
    assert await session.run_sync(lambda sync: sync.query(Book).count()) == 2


async def test_a_deleted_object_can_be_refreshed_and_read_after_expiry(
    session: AsyncSession,
) -> None:
    two = (await session.scalars(with_deleted(select(Book).where(Book.title == "Two")))).one()
    await session.refresh(two)
    session.expire(two)
    assert await two.awaitable_attrs.title == "Two"


async def test_restore_makes_the_row_visible_again(session: AsyncSession) -> None:
    two = (await session.scalars(with_deleted(select(Book).where(Book.title == "Two")))).one()
    two.restore()
    await session.commit()
    assert await _titles(session, select(Book.title)) == ["One", "Three", "Two"]


async def test_rows_can_be_restored_in_bulk(session: AsyncSession) -> None:
    await session.execute(with_deleted(update(Book)).values(deleted_at=None))
    assert await session.scalar(select(func.count(Book.id))) == 3


def test_deleting_twice_keeps_the_first_time() -> None:
    book = Book(title="x")
    book.soft_delete()
    first = book.deleted_at
    book.soft_delete()
    assert book.deleted_at is first


async def test_core_statements_and_raw_sql_see_everything(session: AsyncSession) -> None:
    assert await session.scalar(select(func.count()).select_from(Book.__table__)) == 3
    assert await session.scalar(text("SELECT count(*) FROM books")) == 3
    both = union_all(select(Book.__table__.c.title), select(Book.__table__.c.title))
    assert len((await session.execute(both)).all()) == 6


async def test_the_filter_works_on_every_database(sessions: Sessions) -> None:
    async with sessions() as session, session.begin():
        session.add(author := Author(name="Ada", books=[Book(title="One"), Book(title="Two")]))
        await session.flush()
        author.books[0].soft_delete()
    async with sessions() as session:
        statement = select(Author).options(joinedload(Author.books))
        ada = (await session.scalars(statement)).unique().one()
        assert [book.title for book in ada.books] == ["Two"]
