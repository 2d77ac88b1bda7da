"""The repository, on a database and in memory: one set of tests for the contract of both."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError, MultipleResultsFound
from sqlalchemy.orm import selectinload

from migrate_async.runtime.errors import MigrateAsyncRuntimeError
from migrate_async.runtime.keyset import InvalidCursorError
from migrate_async.runtime.memory import InMemoryStore, in_memory
from migrate_async.runtime.repository import AsyncRepository, NotFoundError
from support.databases import BACKENDS
from support.library import Author, Book, Loan, Sessions, library_sessions


class AuthorRepository(AsyncRepository[Author]):
    """As an application writes it."""

    async def born_before(self, year: int) -> list[str]:
        found = await self.find(Author.born < year, order_by=[Author.name])
        return [author.name for author in found]


class LoanRepository(AsyncRepository[Loan]):
    """A composite key."""


@pytest.fixture(params=[*BACKENDS, "memory"])
async def authors(
    request: pytest.FixtureRequest, tmp_path: Path
) -> AsyncIterator[AuthorRepository]:
    if request.param == "memory":
        yield in_memory(AuthorRepository, InMemoryStore())
        return
    async with library_sessions(request.param, tmp_path) as sessions, sessions() as session:
        yield AuthorRepository(session)


async def _fill(authors: AuthorRepository) -> None:
    years = {"Ada": 1815, "Bob": None, "Cleo": -69, "Dan": 1815, "Eve": None}
    await authors.add_all([Author(name=name, born=born) for name, born in years.items()])


async def test_create_returns_the_row_with_key_and_defaults(authors: AuthorRepository) -> None:
    ada = await authors.create(name="Ada")
    assert ada.id is not None
    assert ada.created_at == ada.updated_at
    assert await authors.get(ada.id) is ada


async def test_get_of_a_missing_row_is_none_or_raises(authors: AuthorRepository) -> None:
    assert await authors.get(99) is None
    with pytest.raises(NotFoundError, match="no Author with the key 99") as caught:
        await authors.get_or_raise(99)
    assert isinstance(caught.value, (LookupError, MigrateAsyncRuntimeError))
    assert (caught.value.model, caught.value.key) == (Author, 99)


async def test_find_filters_and_sorts(authors: AuthorRepository) -> None:
    await _fill(authors)
    found = await authors.find(Author.born == 1815, order_by=[Author.name.desc()])
    assert [author.name for author in found] == ["Dan", "Ada"]


async def test_methods_of_the_application_work(authors: AuthorRepository) -> None:
    await _fill(authors)
    assert await authors.born_before(1900) == ["Ada", "Cleo", "Dan"]


async def test_find_one_wants_at_most_one(authors: AuthorRepository) -> None:
    await _fill(authors)
    ada = await authors.find_one(Author.name == "Ada")
    assert ada is not None
    assert await authors.find_one(Author.name == "nobody") is None
    with pytest.raises(MultipleResultsFound):
        await authors.find_one(Author.born == 1815)


async def test_count_and_exists(authors: AuthorRepository) -> None:
    await _fill(authors)
    assert await authors.count() == 5
    assert await authors.count(Author.born.is_(None)) == 2
    assert await authors.exists(Author.name == "Ada")
    assert not await authors.exists(Author.name == "nobody")


async def test_stream_yields_every_row(authors: AuthorRepository) -> None:
    await _fill(authors)
    names = [author.name async for author in authors.stream(order_by=[Author.name], batch=2)]
    assert names == ["Ada", "Bob", "Cleo", "Dan", "Eve"]


async def test_update_sets_attributes_and_the_time(authors: AuthorRepository) -> None:
    ada = await authors.create(name="Ada")
    await authors.update(ada, born=1815)
    assert ada.born == 1815
    assert ada.updated_at > ada.created_at


async def test_update_of_an_unknown_attribute_sets_nothing(authors: AuthorRepository) -> None:
    ada = await authors.create(name="Ada")
    with pytest.raises(AttributeError, match="nmae"):
        await authors.update(ada, born=1815, nmae="Ida")
    assert ada.born is None


async def test_a_unique_constraint_is_enforced(authors: AuthorRepository) -> None:
    await authors.create(name="Ada")
    with pytest.raises(IntegrityError):
        await authors.create(name="Ada")


async def test_a_missing_value_is_refused(authors: AuthorRepository) -> None:
    with pytest.raises(IntegrityError):
        await authors.create(born=1)


async def test_delete_hides_and_restore_shows(authors: AuthorRepository) -> None:
    ada = await authors.create(name="Ada")
    await authors.delete(ada)
    assert await authors.get(ada.id) is None
    assert await authors.find() == []
    assert await authors.count() == 0
    assert await authors.get(ada.id, include_deleted=True) is ada
    await authors.restore(ada)
    assert await authors.get(ada.id) is ada


async def test_delete_permanently(authors: AuthorRepository) -> None:
    ada = await authors.create(name="Ada")
    await authors.delete(ada, permanently=True)
    assert await authors.get(ada.id, include_deleted=True) is None


async def test_pages_by_offset(authors: AuthorRepository) -> None:
    await _fill(authors)
    first = await authors.page(order_by=[Author.name], limit=2)
    assert ([a.name for a in first.items], first.total, first.count) == (["Ada", "Bob"], 5, 3)
    assert (first.number, first.has_previous, first.has_next) == (1, False, True)
    last = await authors.page(order_by=[Author.name], limit=2, offset=4)
    assert ([a.name for a in last.items], last.number) == (["Eve"], 3)
    assert (last.has_previous, last.has_next) == (True, False)
    beyond = await authors.page(limit=2, offset=10)
    assert (beyond.items, beyond.total, beyond.has_next) == ([], 5, False)


async def test_pages_by_key_walk_through_nulls_and_ties_both_ways(
    authors: AuthorRepository,
) -> None:
    await _fill(authors)
    for order, expected in [
        ([Author.born, Author.name], ["Cleo", "Ada", "Dan", "Bob", "Eve"]),
        ([Author.born.desc(), Author.name], ["Bob", "Eve", "Ada", "Dan", "Cleo"]),
        ([Author.born.desc(), Author.name.desc()], ["Eve", "Bob", "Dan", "Ada", "Cleo"]),
        ([Author.name.desc()], ["Eve", "Dan", "Cleo", "Bob", "Ada"]),
        ([], ["Ada", "Bob", "Cleo", "Dan", "Eve"]),
    ]:
        for limit in (1, 2, 3, 5):
            page = await authors.page_by_key(order_by=order, limit=limit)
            seen, pages = [a.name for a in page.items], [page]
            while page.next_cursor:
                page = await authors.page_by_key(
                    order_by=order, limit=limit, cursor=page.next_cursor
                )
                pages.append(page)
                seen += [a.name for a in page.items]
            assert seen == expected
            for former in reversed(pages[:-1]):
                assert page.previous_cursor is not None
                page = await authors.page_by_key(
                    order_by=order, limit=limit, cursor=page.previous_cursor
                )
                assert page.items == former.items
            assert page.previous_cursor is None


async def test_rows_inserted_meanwhile_do_not_shift_pages_by_key(
    authors: AuthorRepository,
) -> None:
    await _fill(authors)
    first = await authors.page_by_key(order_by=[Author.name], limit=2)
    await authors.create(name="Aaron")
    second = await authors.page_by_key(order_by=[Author.name], limit=2, cursor=first.next_cursor)
    assert [author.name for author in second.items] == ["Cleo", "Dan"]


async def test_pages_by_time(authors: AuthorRepository) -> None:
    await _fill(authors)
    order = [Author.created_at.desc()]
    first = await authors.page_by_key(order_by=order, limit=3)
    second = await authors.page_by_key(order_by=order, limit=3, cursor=first.next_cursor)
    names = {author.name for author in [*first.items, *second.items]}
    assert names == {"Ada", "Bob", "Cleo", "Dan", "Eve"}


async def test_a_cursor_of_another_order_is_refused(authors: AuthorRepository) -> None:
    await _fill(authors)
    page = await authors.page_by_key(order_by=[Author.name], limit=2)
    with pytest.raises(InvalidCursorError, match="another order"):
        await authors.page_by_key(order_by=[Author.born], limit=2, cursor=page.next_cursor)


@pytest.mark.parametrize(("offset", "limit"), [(-1, 10), (0, 0), (0, 1001)])
async def test_a_window_out_of_range_is_refused(
    authors: AuthorRepository, offset: int, limit: int
) -> None:
    with pytest.raises(ValueError, match="must"):
        await authors.page(offset=offset, limit=limit)


async def test_a_repository_never_commits(sqlite_sessions: Sessions) -> None:
    async with sqlite_sessions() as session:
        await AuthorRepository(session).create(name="Ada")
    async with sqlite_sessions() as session:
        assert await AuthorRepository(session).count() == 0


async def test_composite_keys(sqlite_sessions: Sessions) -> None:
    async with sqlite_sessions() as session:
        loans = LoanRepository(session)
        loan = await loans.create(book_id=1, reader="Ada")
        assert await loans.get((1, "Ada")) is loan
        page = await loans.page_by_key(limit=1)
        assert list(page.items) == [loan]


async def test_a_soft_deleted_object_known_to_the_session_is_not_got(
    sqlite_sessions: Sessions,
) -> None:
    async with sqlite_sessions() as session:
        authors = AuthorRepository(session)
        ada = await authors.create(name="Ada")
        ada.soft_delete()
        assert await authors.get(ada.id) is None


async def test_pages_with_joined_collections_count_parents_once(
    sqlite_sessions: Sessions,
) -> None:
    class WithBooks(AuthorRepository):
        def query(self, *where):  # type: ignore[no-untyped-def]
            return super().query(*where).options(selectinload(Author.books))

    async with sqlite_sessions() as session:
        session.add_all(
            [Author(name=n, books=[Book(title="x"), Book(title="y")]) for n in ("Ada", "Bob")]
        )
        await session.flush()
        session.expunge_all()
        page = await WithBooks(session).page(limit=10)
        assert (page.total, [len(a.books) for a in page.items]) == (2, [2, 2])


async def test_restore_needs_the_mixin(sqlite_sessions: Sessions) -> None:
    async with sqlite_sessions() as session:
        loans = LoanRepository(session)
        with pytest.raises(TypeError, match="SoftDeleteMixin"):
            await loans.restore(Loan(book_id=1, reader="Ada"))


async def test_a_repository_without_a_model_is_refused(
    sqlite_sessions: Sessions,
) -> None:
    async with sqlite_sessions() as session:
        with pytest.raises(TypeError, match="has no model"):
            AsyncRepository(session)
        assert AsyncRepository(session, Book).model is Book
        assert await session.scalar(select(text("1"))) == 1
