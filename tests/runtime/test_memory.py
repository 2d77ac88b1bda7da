"""What only the in-memory repository has: `run`, the store, and the evaluation of criteria."""

import asyncio

import pytest
from sqlalchemy import ColumnElement, and_, false, func, not_, or_, select, true
from sqlalchemy.exc import IntegrityError

from migrate_async.runtime.memory import (
    InMemoryRepository,
    InMemoryStore,
    InMemoryUnitOfWork,
    in_memory,
    run,
)
from migrate_async.runtime.memory_criteria import matches
from migrate_async.runtime.repository import AsyncRepository
from migrate_async.runtime.unit_of_work import UnitOfWork
from support.library import Author, Loan, Sessions


class AuthorRepository(AsyncRepository[Author]):
    async def raw(self) -> object:
        return await self.session.execute(select(1))

    async def add(self, instance: Author) -> Author:
        instance.name = instance.name.strip()
        return await super().add(instance)


async def register(unit: UnitOfWork, name: str) -> Author:
    """A use case that knows nothing about where the rows are."""
    async with unit:
        return await unit.repository(AuthorRepository).create(name=name)


def test_a_use_case_runs_in_a_plain_function() -> None:
    store = InMemoryStore()
    ada = run(register(InMemoryUnitOfWork(store), " Ada "))
    assert store.rows(Author) == [ada]
    assert ada.name == "Ada"


def test_run_refuses_code_that_waits_for_something_real() -> None:
    with pytest.raises(RuntimeError, match="something real"):
        run(asyncio.sleep(0))


def test_run_passes_errors_on() -> None:
    unit = InMemoryUnitOfWork(InMemoryStore())
    run(register(unit, "Ada"))
    with pytest.raises(IntegrityError, match="UNIQUE"):
        run(register(unit, "Ada"))


def test_the_fake_is_an_instance_of_the_class_it_stands_for() -> None:
    assert isinstance(in_memory(AuthorRepository, InMemoryStore()), AuthorRepository)


def test_a_method_that_needs_the_session_says_so() -> None:
    authors = in_memory(AuthorRepository, InMemoryStore())
    with pytest.raises(NotImplementedError, match=r"session\.execute"):
        run(authors.raw())


def test_unique_constraints_of_several_columns_ignore_null() -> None:
    loans = InMemoryRepository(InMemoryStore(), Loan)
    run(loans.create(book_id=1, reader="Ada", shelf="A", place=None))
    run(loans.create(book_id=2, reader="Ada", shelf="A", place=None))
    run(loans.create(book_id=3, reader="Ada", shelf="A", place=1))
    with pytest.raises(IntegrityError, match="shelf, place"):
        run(loans.create(book_id=4, reader="Ada", shelf="A", place=1))


def test_a_refused_update_changes_nothing() -> None:
    authors = InMemoryRepository(InMemoryStore(), Author)
    run(authors.create(name="Ada"))
    bob = run(authors.create(name="Bob"))
    with pytest.raises(IntegrityError):
        run(authors.update(bob, name="Ada"))
    assert bob.name == "Bob"


CRITERIA: list[ColumnElement[bool]] = [
    Author.name == "Ada",
    Author.name != "Ada",
    Author.born > 1800,
    Author.born <= 1815,
    ~(Author.born > 1800),
    Author.born.is_(None),
    Author.born.is_not(None),
    Author.born == None,  # noqa: E711  this is how SQLAlchemy spells IS NULL
    Author.born.in_([1815, 1]),
    Author.born.not_in([1815]),
    Author.born.between(1, 1815),
    Author.name.like("a%"),
    Author.name.like("A%"),
    Author.name.like("_d_"),
    Author.name.like("%!%%", escape="!"),
    Author.name.not_like("%b"),
    Author.name.ilike("AD%"),
    Author.name.startswith("B"),
    Author.name.endswith("%"),
    Author.name.contains("o"),
    Author.born + 1 > 1815,
    and_(Author.born > 0, Author.name == "Ada"),
    or_(Author.born > 0, Author.name == "Bob"),
    and_(Author.born > 0, Author.born.is_(None)),
    not_(or_(Author.born > 0, Author.name == "Bob")),
    not_(and_(Author.born > 0, Author.name == "Bob")),
    true(),
    false(),
    Author.is_deleted,
    ~Author.is_deleted,
]


@pytest.mark.parametrize("criterion", CRITERIA, ids=str)
async def test_criteria_mean_in_memory_what_they_mean_on_a_database(
    sqlite_sessions: Sessions, criterion: ColumnElement[bool]
) -> None:
    """SQLite's LIKE ignores case by default; the fake follows the standard, hence the PRAGMA."""
    rows = [("Ada", 1815), ("Bob", None), ("Dorothy", 1910), ("100%", 1), ("ada", None)]
    async with sqlite_sessions() as session:
        connection = await session.connection()
        await connection.exec_driver_sql("PRAGMA case_sensitive_like = ON")
        authors = [Author(name=name, born=born) for name, born in rows]
        session.add_all(authors)
        await session.flush()
        selected = set(await session.scalars(select(Author.name).where(criterion)))
        assert {author.name for author in authors if matches(author, criterion)} == selected


def test_what_only_a_database_can_evaluate_is_refused() -> None:
    with pytest.raises(NotImplementedError, match="lower"):
        matches(Author(name="Ada"), func.lower(Author.name) == "ada")
