"""What a test has in its session, and the application's requests on that session."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import ForeignKey, create_engine, func, select
from sqlalchemy.exc import MissingGreenlet
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    Session,
    column_property,
    mapped_column,
    relationship,
    selectinload,
)

from migrate_async.runtime.legacy.adapter import adapted


class Base(DeclarativeBase):
    pass


class Shelf(Base):
    __tablename__ = "shelves"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    size = column_property(func.length("name"))
    books: Mapped[list[Book]] = relationship(back_populates="shelf", lazy="selectin")
    labels: Mapped[list[Label]] = relationship(back_populates="shelf")


class Book(Base):
    __tablename__ = "books"

    id: Mapped[int] = mapped_column(primary_key=True)
    shelf_id: Mapped[int] = mapped_column(ForeignKey("shelves.id"))
    shelf: Mapped[Shelf] = relationship(back_populates="books")


class Label(Base):
    __tablename__ = "labels"

    id: Mapped[int] = mapped_column(primary_key=True)
    shelf_id: Mapped[int] = mapped_column(ForeignKey("shelves.id"))
    shelf: Mapped[Shelf] = relationship(back_populates="labels")


@pytest.fixture
def session() -> Iterator[Session]:
    """As many suites have it: what a test made is not expired."""
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    with Session(engine, expire_on_commit=False) as session:
        yield session
    engine.dispose()


@pytest.fixture
def shelf(session: Session) -> Shelf:
    shelf = Shelf(name="long")
    session.add(shelf)
    session.flush()
    session.add_all([Book(shelf_id=shelf.id), Label(shelf_id=shelf.id)])
    session.commit()
    return shelf


async def test_what_the_mapping_always_loads_is_there(session: Session, shelf: Shelf) -> None:
    with adapted(session) as db:
        assert len((await db.get_one(Shelf, shelf.id)).books) == 1
        assert (await db.get_one(Shelf, shelf.id)).size == 4


async def test_what_the_options_of_a_get_load_is_there(session: Session, shelf: Shelf) -> None:
    with adapted(session) as db:
        found = await db.get(Shelf, shelf.id, options=[selectinload(Shelf.labels)])
        assert found is shelf
        assert len(shelf.labels) == 1


async def test_what_the_options_of_a_get_do_not_load_is_refused(
    session: Session, shelf: Shelf
) -> None:
    with adapted(session) as db:
        assert await db.get(Shelf, shelf.id, options=[selectinload(Shelf.books)]) is shelf
        with pytest.raises(MissingGreenlet):
            _ = shelf.labels


async def test_what_nothing_loads_is_refused(session: Session, shelf: Shelf) -> None:
    with adapted(session) as db:
        assert await db.get_one(Shelf, shelf.id) is shelf
        with pytest.raises(MissingGreenlet, match=r"Shelf\.labels"):
            _ = shelf.labels


async def test_options_reach_below_what_the_test_has_loaded(session: Session, shelf: Shelf) -> None:
    book = session.scalars(select(Book)).one()
    assert book.shelf is shelf
    with adapted(session) as db:
        query = select(Book).options(selectinload(Book.shelf).selectinload(Shelf.labels))
        assert len((await db.scalars(query)).one().shelf.labels) == 1


async def test_what_the_test_has_loaded_can_be_read(session: Session, shelf: Shelf) -> None:
    """An override may give the object without a query."""
    assert len(shelf.labels) == 1
    with adapted(session):
        assert len(shelf.labels) == 1


async def test_new_objects_of_a_request_are_its_own(session: Session, shelf: Shelf) -> None:
    with adapted(session) as db:
        other = Shelf(name="other")
        db.add(other)
        await db.flush()
        with pytest.raises(MissingGreenlet, match=r"Shelf\.books"):
            _ = other.books
    assert shelf.id != other.id


async def test_what_a_request_loaded_does_not_outlive_it(session: Session, shelf: Shelf) -> None:
    with adapted(session) as db:
        await db.refresh(shelf, ["labels"])
        await db.execute(Label.__table__.insert().values(shelf_id=shelf.id))
        assert len(shelf.labels) == 1
    assert len(shelf.labels) == 2, "the test reads it as if it had a session of its own"
    with adapted(session) as db:
        await db.refresh(shelf, ["labels"])
        assert len(shelf.labels) == 2


async def test_what_a_request_made_goes_with_it(session: Session) -> None:
    """Objects that a circle keeps would be what the next query gives."""
    with adapted(session) as db:
        shelf = Shelf(name="new")
        db.add_all([shelf, Book(shelf=shelf)])
        await db.commit()
        await db.refresh(shelf, ["books"])
    del shelf
    assert not session.identity_map.values()


async def test_changes_that_are_not_flushed_stay(session: Session, shelf: Shelf) -> None:
    with session.no_autoflush:
        shelf.labels = []
        with adapted(session):
            assert shelf.labels == []
        assert shelf.labels == []


async def test_an_object_that_leaves_the_session_has_what_it_had(
    session: Session, shelf: Shelf
) -> None:
    assert len(shelf.labels) == 1
    with adapted(session) as db:
        await db.refresh(shelf, ["books"])
    session.close()
    assert len(shelf.labels) == 1
    assert len(shelf.books) == 1
