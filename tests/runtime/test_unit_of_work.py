"""The unit of work, on a database and in memory."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from migrate_async.runtime.memory import InMemoryStore, InMemoryUnitOfWork
from migrate_async.runtime.repository import AsyncRepository
from migrate_async.runtime.unit_of_work import UnitOfWork
from support.databases import BACKENDS
from support.library import Author, Book, Sessions, library_sessions


class AuthorRepository(AsyncRepository[Author]):
    pass


class BookRepository(AsyncRepository[Book]):
    pass


MakeUnit = Callable[[], UnitOfWork]


@pytest.fixture(params=[*BACKENDS, "memory"])
async def new_unit(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[MakeUnit]:
    if request.param == "memory":
        store = InMemoryStore()
        yield lambda: InMemoryUnitOfWork(store)
        return
    async with library_sessions(request.param, tmp_path) as sessions:
        yield lambda: UnitOfWork(sessions)


async def _names(new_unit: MakeUnit) -> list[str]:
    async with new_unit() as unit:
        found = await unit.of(Author).find(order_by=[Author.name])
        return [author.name for author in found]


async def test_several_repositories_share_one_transaction(new_unit: MakeUnit) -> None:
    async with new_unit() as unit:
        ada = await unit.repository(AuthorRepository).create(name="Ada")
        await unit.repository(BookRepository).create(title="Notes", author_id=ada.id)
    async with new_unit() as unit:
        book = await unit.repository(BookRepository).find_one(Book.title == "Notes")
        assert book is not None
        assert book.author_id == ada.id


async def test_an_error_undoes_the_work_of_all_repositories(new_unit: MakeUnit) -> None:

    async def fail() -> None:
        async with new_unit() as unit:
            ada = await unit.repository(AuthorRepository).create(name="Ada")
            await unit.repository(BookRepository).create(title="Notes", author_id=ada.id)
            raise LookupError

    with pytest.raises(LookupError):
        await fail()
    assert await _names(new_unit) == []


async def test_an_error_undoes_changes_of_stored_rows(new_unit: MakeUnit) -> None:
    async with new_unit() as unit:
        await unit.of(Author).create(name="Ada")

    async def fail() -> None:
        async with new_unit() as unit:
            (ada,) = await unit.of(Author).find()
            await unit.of(Author).update(ada, name="Ida")
            raise LookupError

    with pytest.raises(LookupError):
        await fail()
    assert await _names(new_unit) == ["Ada"]


async def test_a_nested_block_is_undone_alone(new_unit: MakeUnit) -> None:
    async with new_unit() as unit:
        authors = unit.repository(AuthorRepository)
        await authors.create(name="Ada")

        async def fail() -> None:
            async with unit.nested():
                await authors.create(name="Bob")
                await authors.create(name="Ada")

        with pytest.raises(IntegrityError):
            await fail()
        await authors.create(name="Cleo")
    assert await _names(new_unit) == ["Ada", "Cleo"]


async def test_nested_blocks_nest(new_unit: MakeUnit) -> None:
    async with new_unit() as unit:
        authors = unit.repository(AuthorRepository)
        async with unit.nested():
            await authors.create(name="Ada")

            async def fail() -> None:
                async with unit.nested():
                    await authors.create(name="Bob")
                    raise LookupError

            with pytest.raises(LookupError):
                await fail()
    assert await _names(new_unit) == ["Ada"]


async def test_commit_in_the_middle_survives_a_later_error(new_unit: MakeUnit) -> None:

    async def fail() -> None:
        async with new_unit() as unit:
            await unit.of(Author).create(name="Ada")
            await unit.commit()
            await unit.of(Author).create(name="Bob")
            raise LookupError

    with pytest.raises(LookupError):
        await fail()
    assert await _names(new_unit) == ["Ada"]


async def test_rollback_in_the_middle(new_unit: MakeUnit) -> None:
    async with new_unit() as unit:
        await unit.of(Author).create(name="Ada")
        await unit.rollback()
        await unit.of(Author).create(name="Bob")
    assert await _names(new_unit) == ["Bob"]


async def test_a_unit_can_be_used_again_but_not_twice_at_once(new_unit: MakeUnit) -> None:
    unit = new_unit()
    async with unit:
        first = unit.of(Author)
        assert unit.of(Author) is first
        with pytest.raises(RuntimeError, match="in use"):
            async with unit:
                pass
    async with unit:
        assert unit.of(Author) is not first


def test_a_unit_is_unusable_outside_its_block() -> None:
    unit = UnitOfWork(AsyncSession)
    with pytest.raises(RuntimeError, match="async with"):
        unit.of(Author)


async def test_a_joining_unit_leaves_the_commit_to_the_owner(
    sessions: Sessions,
) -> None:
    async with sessions() as session:
        async with UnitOfWork.joining(session) as unit:
            await unit.repository(AuthorRepository).create(name="Ada")
            await unit.commit()
        await session.rollback()
        async with UnitOfWork.joining(session) as unit:
            await unit.repository(AuthorRepository).create(name="Bob")
        await session.commit()
    async with sessions() as session:
        assert [author.name for author in await AuthorRepository(session).find()] == ["Bob"]


async def test_a_joining_unit_undoes_only_its_own_work(sessions: Sessions) -> None:
    async with sessions() as session:
        await AuthorRepository(session).create(name="Ada")

        async def fail() -> None:
            async with UnitOfWork.joining(session) as unit:
                await unit.of(Author).create(name="Bob")
                raise LookupError

        with pytest.raises(LookupError):
            await fail()
        await session.commit()
        assert [author.name for author in await AuthorRepository(session).find()] == ["Ada"]


async def test_a_joining_unit_cannot_roll_back_its_owner(
    sqlite_sessions: Sessions,
) -> None:
    async with sqlite_sessions() as session, UnitOfWork.joining(session) as unit:
        with pytest.raises(RuntimeError, match="owner"):
            await unit.rollback()


async def test_the_session_is_closed_whatever_happens(
    sqlite_sessions: Sessions,
) -> None:
    opened: list[AsyncSession] = []

    def remember() -> AsyncSession:
        opened.append(sqlite_sessions())
        return opened[-1]

    async def fail() -> None:
        async with UnitOfWork(remember) as unit:
            await unit.of(Author).create(name="Ada")
            raise LookupError

    with pytest.raises(LookupError):
        await fail()
    assert not opened[0].in_transaction()
