"""Pagination of any SELECT; the walk through pages is tested with the repository."""

import base64
import json
import uuid
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Column, Enum, MetaData, Table, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased, joinedload
from sqlalchemy.types import (
    Boolean,
    Date,
    DateTime,
    Float,
    Integer,
    Interval,
    LargeBinary,
    Numeric,
    String,
    Time,
    Uuid,
)

from migrate_async.runtime.keyset import (
    InvalidCursorError,
    Keyset,
    Position,
    decode_cursor,
    encode_cursor,
)
from migrate_async.runtime.pagination import Page, paginate, paginate_by_key
from support.library import Author, Book, Sessions


@pytest.fixture
async def session(sqlite_sessions: Sessions) -> Any:
    async with sqlite_sessions() as session:
        for name in ("Ada", "Bob", "Cleo"):
            session.add(Author(name=name, born=1815, books=[Book(title="x"), Book(title="y")]))
        await session.flush()
        session.expunge_all()
        yield session


async def test_a_page_of_objects_with_joined_collections(session: AsyncSession) -> None:
    statement = select(Author).options(joinedload(Author.books)).order_by(Author.name)
    page = await paginate(session, statement, limit=2)
    assert ([a.name for a in page.items], page.total) == (["Ada", "Bob"], 3)
    assert [len(a.books) for a in page.items] == [2, 2]


async def test_a_page_of_one_column_keeps_equal_values(session: AsyncSession) -> None:
    page = await paginate(session, select(Author.born), limit=2)
    assert (page.items, page.total) == ([1815, 1815], 3)


async def test_a_page_of_rows(session: AsyncSession) -> None:
    statement = select(Author.name, func.count(Book.id)).join(Author.books).group_by(Author.name)
    page = await paginate(session, statement.order_by(Author.name), offset=1, limit=1)
    assert ([tuple(row) for row in page.items], page.total) == ([("Bob", 2)], 3)


async def test_distinct_rows_are_counted_once(session: AsyncSession) -> None:
    page = await paginate(session, select(Author.born).distinct())
    assert page.total == 1


async def test_pages_by_key_of_an_alias(session: AsyncSession) -> None:
    person = aliased(Author)
    statement = select(person).where(person.name != "Bob")
    page = await paginate_by_key(session, statement, order_by=[person.name], limit=1)
    page = await paginate_by_key(
        session, statement, order_by=[person.name], limit=1, cursor=page.next_cursor
    )
    assert [author.name for author in page.items] == ["Cleo"]
    assert page.next_cursor is None


async def test_pages_by_key_with_joined_collections(session: AsyncSession) -> None:
    statement = select(Author).options(joinedload(Author.books))
    page = await paginate_by_key(session, statement, order_by=[Author.name], limit=2)
    assert [(a.name, len(a.books)) for a in page.items] == [("Ada", 2), ("Bob", 2)]


async def test_pages_by_a_computed_value(session: AsyncSession) -> None:
    order = [func.lower(Author.name).desc()]
    page = await paginate_by_key(session, select(Author), order_by=order, limit=2)
    page = await paginate_by_key(
        session, select(Author), order_by=order, limit=2, cursor=page.next_cursor
    )
    assert [author.name for author in page.items] == ["Ada"]


@pytest.mark.parametrize(
    "statement", [select(Author.name), select(Author, Book), select(func.count())], ids=str
)
async def test_pages_by_key_need_one_entity(session: AsyncSession, statement: Any) -> None:
    with pytest.raises(ValueError, match="one entity"):
        await paginate_by_key(session, statement)


async def test_an_empty_result_has_no_cursors(session: AsyncSession) -> None:
    page = await paginate_by_key(session, select(Author).where(Author.name == "nobody"))
    assert (page.items, page.next_cursor, page.previous_cursor) == ([], None, None)


async def test_nulls_first_is_refused(session: AsyncSession) -> None:
    with pytest.raises(ValueError, match="only asc"):
        await paginate_by_key(session, select(Author), order_by=[Author.born.nulls_first()])


def test_pages_can_be_converted() -> None:
    page = Page(["a", "bc"], total=7, offset=2, limit=2).map(len)
    assert page == Page([1, 2], total=7, offset=2, limit=2)


VALUES = [
    (Integer, 2**40),
    (Boolean, True),
    (Float, 0.1),
    (String, "Zoë / %_"),
    (Numeric, Decimal("1.10")),
    (Date, date(2024, 2, 29)),
    (Time, time(12, 30, 15, 5)),
    (DateTime, datetime(2024, 2, 29, 12, 30, 15, 123456)),
    (DateTime, datetime(2024, 2, 29, tzinfo=timezone(timedelta(hours=2)))),
    (Interval, timedelta(days=1, microseconds=7)),
    (Uuid, uuid.UUID(int=7)),
    (LargeBinary, b"\x00\xff"),
    (String, None),
]


def _keyset(column_type: Any) -> Keyset:
    table = Table("t", MetaData(), Column("x", column_type))
    return Keyset.of([table.c.x], [])


@pytest.mark.parametrize(("column_type", "value"), VALUES, ids=repr)
def test_cursors_give_values_back_as_they_were(column_type: Any, value: Any) -> None:
    keyset = _keyset(column_type)
    for backwards in (False, True):
        position = Position((value,), backwards)
        cursor = encode_cursor(position, keyset)
        assert decode_cursor(cursor, keyset) == position
        assert cursor.isascii()
        assert not set(cursor) & set("+/=&?")


def _forge(*document: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(document).encode()).decode()


_PRINT = _keyset(Integer).fingerprint


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "%%%",
        "ä",
        "AAAA",
        _forge(),
        _forge(_PRINT, "after"),
        _forge(_PRINT, "after", 1, 2),
        _forge(_PRINT, "sideways", 1),
        _forge(_PRINT, "after", "text"),
        _forge(_PRINT, "after", [1]),
        _forge(_PRINT, "after", {"date": "never"}),
        _forge(_PRINT, "after", {"eval": "1"}),
        _forge(_PRINT, "after", {"decimal": "x"}),
        _forge(_PRINT, "after", {"date": 5}),
        _forge("00000000", "after", 1),
        base64.urlsafe_b64encode(b"[" * 100_000).decode(),
        base64.urlsafe_b64encode(b"\xff\xfe").decode(),
    ],
)
def test_a_forged_or_damaged_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(InvalidCursorError):
        decode_cursor(cursor, _keyset(Integer))


def test_a_value_that_cannot_be_written_is_refused() -> None:
    keyset = _keyset(Enum("a"))
    with pytest.raises(TypeError, match="object"):
        encode_cursor(Position((object(),)), keyset)
