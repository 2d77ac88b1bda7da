"""Expressions that a statement has twice, over async drivers, against what psycopg2 does."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import (
    Column,
    DateTime,
    Integer,
    Numeric,
    String,
    bindparam,
    case,
    create_engine,
    func,
    insert,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import declarative_base

from migrate_async.runtime.engine import async_engine_from_url
from migrate_async.runtime.same_values import joined
from support.databases import fresh_database

Base = declarative_base()


class Visit(Base):  # type: ignore[misc, valid-type]
    __tablename__ = "visits"
    id = Column(Integer, primary_key=True)
    at = Column(DateTime)
    name = Column(String(30))
    price = Column(Numeric(10, 2))
    notes = Column(JSONB)


_ROWS = [
    {
        "id": number,
        "at": datetime(2026, 1, 1 + number % 3, number),
        "name": f"it's ${number} -- {number}",
        "price": number,
        "notes": {"kind": "ab"[number % 2], "of": {"kind": "cd"[number % 2]}},
    }
    for number in range(1, 7)
]


def _day(word: str = "day") -> Any:
    return func.date_trunc(word, Visit.at)


def _dear(limit: float = 3) -> Any:
    return case((Visit.price > limit, "dear"), else_="cheap")


_QUESTIONS: list[Callable[[], Any]] = [
    lambda: select(_day(), func.count()).group_by(_day()).order_by(_day()),
    lambda: select(_day().label("day"), func.max(Visit.id)).group_by(_day()).order_by("day"),
    lambda: select(_dear(), func.count()).group_by(_dear()).order_by(_dear()),
    lambda: (
        select(Visit.notes["kind"].astext, func.count())
        .where(Visit.name != "day", Visit.id > 1)
        .group_by(Visit.notes["kind"].astext)
        .having(func.count() > 1)
        .order_by(Visit.notes["kind"].astext)
    ),
    lambda: (
        select(Visit.notes["of", "kind"].astext, func.count())
        .group_by(Visit.notes["of", "kind"].astext)
        .order_by(Visit.notes["of", "kind"].astext)
    ),
    lambda: (
        select(Visit.notes["of", "kind"], func.count())
        .group_by(Visit.notes["of", "kind"])
        .order_by(Visit.notes["of", "kind"])
    ),
    lambda: select(func.distinct(Visit.id % 2)).order_by(Visit.id % 2),
    lambda: select(Visit.id % 2).distinct().order_by(Visit.id % 2),
    lambda: (
        select(func.concat(Visit.id, "$2::VARCHAR", ":x", "it's"), func.count())
        .group_by(func.concat(Visit.id, "$2::VARCHAR", ":x", "it's"))
        .order_by(func.min(Visit.id) + 1)
    ),
    lambda: select(func.count()).where(_day() == _day("day")).group_by(_day("month")),
    lambda: (
        select(text("'$1::TEXT' AS d"), func.count())
        .select_from(Visit)
        .where(Visit.id > bindparam("low", 1), Visit.id > bindparam("other", 1))
        .group_by(text("d"))
        .order_by(text("d"))
    ),
    lambda: select(Visit.id).where(Visit.id > 2, Visit.price > 2).order_by(Visit.id).limit(2),
]


@pytest.mark.parametrize("driver", ["asyncpg", "psycopg"])
async def test_they_are_the_same_expression(tmp_path: Path, driver: str) -> None:
    """Each twice: the second statement is a compiled one of the first."""
    async with fresh_database("postgresql", tmp_path) as url:
        sync = create_engine(make_url(url).set(drivername="postgresql+psycopg2"))
        Base.metadata.create_all(sync)
        with sync.begin() as connection:
            connection.execute(insert(Visit), _ROWS)
            found = [connection.execute(make()).all() for make in _QUESTIONS]
        engine = async_engine_from_url(make_url(url).set(drivername=f"postgresql+{driver}"))
        async with AsyncSession(engine) as session:
            for _ in range(2):
                assert [(await session.execute(make())).all() for make in _QUESTIONS] == found
            for limit in (1.5, 4, 1.5):
                question = (
                    select(func.count(Visit.id)).group_by(_dear(limit)).order_by(_dear(limit))
                )
                ours = (await session.scalars(question)).all()
                with sync.connect() as connection:
                    assert ours == connection.scalars(question).all()
        await engine.dispose()
        sync.dispose()


@pytest.mark.parametrize(
    ("statement", "values", "written", "left"),
    [
        ("a($1::TEXT) b($2::TEXT)", ("x", "x"), "a($1::TEXT) b($1::TEXT)", ("x",)),
        (
            "$1::TEXT $2::INTEGER $3::TEXT $4",
            (1, 1, 1, 1),
            "$1::TEXT $2::INTEGER $1::TEXT $3",
            (1, 1, 1),
        ),
        (
            "'$1::TEXT' $1::TEXT /* $2::TEXT */ $2::TEXT",
            (1, 1),
            "'$1::TEXT' $1::TEXT /* $2::TEXT */ $1::TEXT",
            (1,),
        ),
        (
            "$1::INTEGER[] $2::INTEGER[] $3::INTEGER",
            ([1], [1], 1),
            "$1::INTEGER[] $1::INTEGER[] $2::INTEGER",
            ([1], 1),
        ),
    ],
)
def test_placeholders_are_numbered_anew(
    statement: str, values: tuple[Any, ...], written: str, left: tuple[Any, ...]
) -> None:
    assert joined(statement, values) == (written, left)


@pytest.mark.parametrize(
    ("statement", "values"),
    [
        ("$1::TEXT $2::TEXT", ("x", "y")),
        ("$1::BOOLEAN $2::BOOLEAN", (1, True)),
        ("$1 $2", (1, 1)),
        ("$1::NUMERIC(10, 2) $2::NUMERIC(10, 3)", (1, 1)),
        ("$1::TIMESTAMP WITH TIME ZONE $2::TIMESTAMP WITHOUT TIME ZONE", (1, 1)),
        ("$1::TEXT $1", ("x",)),
    ],
)
def test_others_stay(statement: str, values: tuple[Any, ...]) -> None:
    assert joined(statement, values) == (statement, values)


def test_names_stay() -> None:
    """psycopg wants them all, and one may have several places."""
    values = {"a": "x", "b": "x", "c": 2}
    text = "%(a)s::TEXT %(b)s::TEXT %(c)s::INTEGER %(a)s::TEXT %%"
    expected = "%(a)s::TEXT %(a)s::TEXT %(c)s::INTEGER %(a)s::TEXT %%"
    assert joined(text, values) == (expected, values)
