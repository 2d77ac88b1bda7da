"""Texts beside columns of numbers and times over async drivers, against what psycopg2 does."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    DateTime,
    Float,
    Integer,
    Numeric,
    SmallInteger,
    String,
    Time,
    TypeDecorator,
    and_,
    bindparam,
    create_engine,
    delete,
    func,
    insert,
    not_,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session, declarative_base

from migrate_async.runtime.engine import async_engine_from_url
from support.databases import fresh_database

Base = declarative_base()


class Tenths(TypeDecorator[Decimal]):
    """A type of an application: whole numbers in the table."""

    impl = Integer
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> int | None:
        return None if value is None else int(Decimal(value) * 10)

    def process_result_value(self, value: Any, dialect: Any) -> Decimal | None:
        return None if value is None else Decimal(value) / 10


class Item(Base):  # type: ignore[misc, valid-type]
    __tablename__ = "items"
    id = Column(Integer, primary_key=True)
    small = Column(SmallInteger)
    big = Column(BigInteger)
    ratio = Column(Float)
    price = Column(Numeric(10, 2))
    day = Column(Date)
    hour = Column(Time)
    moment = Column(DateTime)
    zoned = Column(DateTime(timezone=True))
    tenths = Column(Tenths)
    name = Column(String)
    several = Column(ARRAY(Integer))
    notes = Column(JSONB)


_ROWS: list[dict[str, Any]] = [
    {
        "id": str(number),
        "small": f" {number}",
        "big": f"+{number}",
        "ratio": f"{number}.25",
        "price": f"{number}.5",
        "day": f"2026-01-0{number}",
        "hour": f"0{number}:30",
        "moment": f"2026-01-0{number}T10:00:00",
        "zoned": f"2026-01-0{number}T10:00:00+00:00",
        "tenths": Decimal(number) / 2,
        "name": str(number),
        "several": ["1", str(number)],
        "notes": {"level": str(number), "tags": [number]},
    }
    for number in range(1, 6)
]
_NUMBERS = [
    {"id": 6, "small": 2.5, "big": Decimal("3.5"), "ratio": 1},
    {"id": 7, "small": -2.5, "big": 2.4, "ratio": Decimal("1.5")},
]

_CRITERIA: list[Callable[[], Any]] = [
    lambda: Item.id == "2",
    lambda: Item.id != " 2 ",
    lambda: Item.id.in_(["1", "3", "99"]),
    lambda: Item.id.in_([1, 3]),
    lambda: Item.id.not_in(["1", "3"]),
    lambda: not_(Item.id == "2"),
    lambda: or_(Item.id == "1", and_(Item.small > "3", Item.big < "9")),
    lambda: Item.id.between("2", "4"),
    lambda: ~Item.id.between("2", "4"),
    lambda: Item.id.is_distinct_from("2"),
    lambda: Item.ratio >= "2.25",
    lambda: Item.price == "3.50",
    lambda: Item.price < 3.5,
    lambda: Item.day == "2026-01-02",
    lambda: Item.day.in_(["2026-01-02", "2026-01-04"]),
    lambda: Item.hour > "02:00:00",
    lambda: Item.moment >= "2026-01-03",
    lambda: Item.moment < datetime(2026, 1, 3),
    lambda: Item.zoned.between("2026-01-02", "2026-01-03T23:59:59Z"),
    lambda: func.extract("day", Item.day) == "2",
    lambda: func.coalesce(Item.id, 0) == "4",
    lambda: Item.id == bindparam("key", "2"),
    lambda: Item.name == "2",
    lambda: Item.name.in_(["1", "2"]),
    lambda: Item.id + 1 == "3",
    lambda: Item.id == 2**40,
    lambda: Item.small.in_([1, 2**33]),
    lambda: Item.tenths == Decimal("1.5"),
    lambda: Item.tenths.between(1, 2),
    lambda: Item.tenths.in_([Decimal("0.5"), 2**33]),
    lambda: Item.tenths < 2**33,
    lambda: Item.id < 2**40,
    lambda: Item.big.between(2, 2**40),
    lambda: Item.notes["level"] == '"3"',
    lambda: Item.notes["level"] != "null",
    lambda: Item.notes["tags"] > "[2]",
    lambda: Item.notes == '{"tags": [2], "level": "2"}',
    lambda: Item.notes["level"].astext == "4",
]


@pytest.fixture(params=["asyncpg", "psycopg"])
def driver(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def test_they_are_read_as_by_psycopg2(tmp_path: Path, driver: str) -> None:
    """Each comparison twice: the second statement is a compiled one of the first."""
    async with fresh_database("postgresql", tmp_path) as url:
        parsed = make_url(url).set(query={"options": "-ctimezone=UTC"})
        sync = create_engine(parsed.set(drivername="postgresql+psycopg2"))
        engine = async_engine_from_url(parsed.set(drivername=f"postgresql+{driver}"))
        Base.metadata.create_all(sync)
        with Session(sync) as db:
            db.add_all(Item(**row) for row in _ROWS)
            db.commit()
            db.execute(insert(Item), _NUMBERS)
            db.execute(update(Item).where(Item.id == "6").values(big="12", day="2026-03-04"))
            table = Item.__table__
            stored = db.execute(select(table).order_by(table.c.id)).all()
            found = [list(db.scalars(_question(where()))) for where in _CRITERIA]
            name = db.get(Item, "3").name
            db.execute(delete(Item))
            db.commit()
        async with AsyncSession(engine, expire_on_commit=False) as session:
            session.add_all(Item(**row) for row in _ROWS)
            await session.commit()
            session.expunge_all()
            await session.execute(insert(Item), _NUMBERS)
            moved = update(Item).where(Item.id == "6").values(big="12", day="2026-03-04")
            await session.execute(moved)
            assert (await session.execute(select(table).order_by(table.c.id))).all() == stored
            for _ in range(2):
                ours = [list(await session.scalars(_question(where()))) for where in _CRITERIA]
                assert ours == found
            assert (await session.get_one(Item, "3")).name == name
            assert list(await session.scalars(_question(Item.id == "4"))) == [4]
        await engine.dispose()
        sync.dispose()


def _question(criterion: Any) -> Any:
    return select(Item.id).where(criterion).order_by(Item.id)


async def test_what_is_no_number_is_an_error_of_the_database(tmp_path: Path, driver: str) -> None:
    async with fresh_database("postgresql", tmp_path) as url:
        engine = async_engine_from_url(make_url(url).set(drivername=f"postgresql+{driver}"))
        async with engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)
        for wrong in (_question(Item.id == "seven"), insert(Item).values(id="1_0")):
            async with engine.connect() as connection:
                with pytest.raises(DBAPIError):
                    await connection.execute(wrong)
        await engine.dispose()


async def test_other_databases_are_left_alone(tmp_path: Path) -> None:
    engine = async_engine_from_url(f"sqlite:///{tmp_path}/items.db")
    assert "statement_compiler" not in vars(engine.dialect)
    await engine.dispose()
