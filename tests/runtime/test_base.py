"""The declarative base: table names and safe representation."""

import logging
import pickle
from typing import Any, ClassVar

import pytest
from sqlalchemy import Column, ForeignKey, Integer, Table, event, inspect, select
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    MappedAsDataclass,
    column_property,
    mapped_column,
    selectinload,
)

from migrate_async.runtime.base import AutomaticTableName, Base, SafeRepresentation
from migrate_async.runtime.naming import NAMING_CONVENTION
from support.library import Author, Book, Loan, Sessions


def _new_base() -> Any:
    class Registry(AutomaticTableName, SafeRepresentation, DeclarativeBase):
        pass

    return Registry


def test_base_has_the_naming_convention_and_awaitable_attributes() -> None:
    assert Base.metadata.naming_convention == NAMING_CONVENTION
    assert hasattr(Base, "awaitable_attrs")


def test_a_table_is_named_after_its_class() -> None:
    class HTTPLog(_new_base()):
        id: Mapped[int] = mapped_column(primary_key=True)

    assert HTTPLog.__table__.name == "http_logs"


def test_an_explicit_table_name_is_kept() -> None:
    class User(_new_base()):
        __tablename__ = "legacy_user"
        id: Mapped[int] = mapped_column(primary_key=True)

    assert User.__table__.name == "legacy_user"


def test_an_explicit_table_is_kept() -> None:
    base = _new_base()

    class User(base):
        __table__ = Table("tbl_user", base.metadata, Column("id", Integer, primary_key=True))

    assert User.__table__.name == "tbl_user"


def test_the_table_name_of_a_mixin_is_kept() -> None:
    class Named:
        __tablename__ = "from_mixin"

    class User(Named, _new_base()):
        id: Mapped[int] = mapped_column(primary_key=True)

    assert User.__table__.name == "from_mixin"


def test_a_base_can_keep_table_names_in_the_singular() -> None:
    class Singular(_new_base()):
        __abstract__ = True
        __pluralise__ = False

    class OrderStatus(Singular):
        id: Mapped[int] = mapped_column(primary_key=True)

    assert OrderStatus.__table__.name == "order_status"


@pytest.mark.parametrize("explicit", [True, False], ids=["explicit name", "automatic name"])
def test_single_table_inheritance_shares_the_table_of_the_parent(explicit: bool) -> None:
    class Animal(_new_base()):
        if explicit:
            __tablename__ = "zoo"
        id: Mapped[int] = mapped_column(primary_key=True)
        kind: Mapped[str]
        __mapper_args__: ClassVar[dict[str, Any]] = {
            "polymorphic_on": "kind",
            "polymorphic_identity": "animal",
        }

    class Cat(Animal):
        __mapper_args__: ClassVar[dict[str, Any]] = {"polymorphic_identity": "cat"}

    assert Cat.__table__ is Animal.__table__


def test_joined_table_inheritance_has_a_table_of_its_own() -> None:
    class Animal(_new_base()):
        id: Mapped[int] = mapped_column(primary_key=True)
        kind: Mapped[str]
        __mapper_args__: ClassVar[dict[str, Any]] = {
            "polymorphic_on": "kind",
            "polymorphic_identity": "animal",
        }

    class Cat(Animal):
        id: Mapped[int] = mapped_column(ForeignKey("animals.id"), primary_key=True)
        __mapper_args__: ClassVar[dict[str, Any]] = {"polymorphic_identity": "cat"}

    assert Cat.__table__.name == "cats"


def test_concrete_inheritance_has_a_table_of_its_own() -> None:
    class Animal(_new_base()):
        id: Mapped[int] = mapped_column(primary_key=True)

    class Cat(Animal):
        id: Mapped[int] = mapped_column(primary_key=True)
        __mapper_args__: ClassVar[dict[str, Any]] = {"concrete": True}

    assert Cat.__table__.name == "cats"


def test_dataclass_models_work() -> None:
    class Thing(MappedAsDataclass, _new_base(), repr=False):
        id: Mapped[int] = mapped_column(primary_key=True, init=False)
        name: Mapped[str]

    assert Thing.__table__.name == "things"
    assert Thing("x").to_dict()["name"] == "x"


def test_to_dict_of_a_new_object_has_what_was_set() -> None:
    assert Author(name="Ada").to_dict() == {"name": "Ada"}


def test_to_dict_leaves_out_what_is_excluded() -> None:
    author = Author(name="Ada", password_hash="x")
    assert author.to_dict(exclude={"password_hash"}) == {"name": "Ada"}


def test_to_dict_has_attribute_names_and_computed_columns() -> None:
    class Thing(_new_base()):
        number: Mapped[int] = mapped_column(primary_key=True)
        label: Mapped[str] = mapped_column("legacy_label")
        twice: Mapped[int] = column_property(number + number)

    thing = Thing(number=1, label="a", twice=2)
    assert thing.to_dict() == {"number": 1, "label": "a", "twice": 2}


async def _stored(sessions: Sessions) -> int:
    async with sessions() as session, session.begin():
        author = Author(name="Ada", born=1815, books=[Book(title="Notes")])
        session.add(author)
    return author.id


async def test_deferred_columns_are_left_out_and_not_loaded(
    sqlite_sessions: Sessions,
) -> None:
    key = await _stored(sqlite_sessions)
    async with sqlite_sessions() as session:
        author = (await session.scalars(select(Author).where(Author.id == key))).one()
        assert "biography" not in author.to_dict()
        assert "<not loaded: biography>" in repr(author)
        assert "biography" in inspect(author).unloaded


async def test_expired_detached_and_deleted_objects_show_their_key(
    sqlite_sessions: Sessions,
) -> None:
    key = await _stored(sqlite_sessions)
    async with sqlite_sessions() as session:
        book = (await session.scalars(select(Book))).one()
        session.expire(book)
        assert book.to_dict() == {"id": book_id(book)}
        session.expunge(book)
        assert repr(book).startswith(f"Book(id={book_id(book)}, <not loaded: title")
    async with sqlite_sessions() as session:
        book = (await session.scalars(select(Book))).one()
        await session.delete(book)
        await session.commit()
        assert f"id={key}" in repr(book)
        assert book.to_dict()["title"] == "Notes"


def book_id(book: Book) -> int:
    identity = inspect(book).identity
    assert identity is not None
    return int(identity[0])


async def test_repr_and_to_dict_emit_no_sql(sqlite_sessions: Sessions) -> None:
    await _stored(sqlite_sessions)
    async with sqlite_sessions() as session:
        author = (await session.scalars(select(Author))).one()
        session.expire(author)
        statements: list[str] = []
        connection = await session.connection()
        event.listen(
            connection.sync_connection,
            "before_cursor_execute",
            lambda *arguments: statements.append(arguments[2]),
        )
        repr(author)
        author.to_dict(relationships=["books"])
        logging.getLogger(__name__).debug("%s", author)
        assert statements == []


async def test_to_dict_includes_relationships_that_are_loaded(
    sqlite_sessions: Sessions,
) -> None:
    await _stored(sqlite_sessions)
    async with sqlite_sessions() as session:
        author = (await session.scalars(select(Author).options(selectinload(Author.books)))).one()
        books = author.to_dict(relationships=["books"])["books"]
        assert [book["title"] for book in books] == ["Notes"]
        session.expire(author, ["books"])
        assert "books" not in author.to_dict(relationships=["books"])


def test_related_objects_are_converted_one_level_deep() -> None:
    author = Author(name="Ada")
    book = Book(title="Notes", author=author)
    result = book.to_dict(relationships=["author"])
    assert result["author"] == {"name": "Ada"}
    assert Book(title="x", author=None).to_dict(relationships=["author"])["author"] is None


def test_a_composite_key_is_remembered() -> None:
    loan = Loan(book_id=1, reader="Ada")
    assert repr(loan) == "Loan(book_id=1, reader='Ada', <not loaded: due, shelf, place>)"


def test_repr_masks_secrets_and_shortens_long_values() -> None:
    author = Author(name="x" * 1000, password_hash="hunter2")
    assert "hunter2" not in repr(author)
    assert "password_hash='***'" in repr(author)
    assert len(repr(author)) < 400


def test_repr_leaves_out_what_the_model_excludes() -> None:
    class Thing(_new_base()):
        __repr_exclude__ = ("body",)
        id: Mapped[int] = mapped_column(primary_key=True)
        body: Mapped[str]

    assert repr(Thing(id=1, body="long")) == "Thing(id=1)"


def test_repr_survives_a_value_whose_repr_raises() -> None:
    class Broken:
        def __repr__(self) -> str:
            raise RuntimeError

    author = Author(name=Broken())
    assert "Broken" in repr(author)


def test_repr_survives_an_object_without_state() -> None:
    author = Author.__new__(Author)
    assert repr(author) == "<Author without state>"
    assert author.to_dict() == {}


def test_repr_of_an_unpickled_object() -> None:
    author = pickle.loads(pickle.dumps(Author(name="Ada")))  # noqa: S301  our own bytes
    assert repr(author).startswith("Author(name='Ada'")
