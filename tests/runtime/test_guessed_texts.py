"""Texts in functions and operators over async drivers, against what psycopg2 does."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import (
    Boolean,
    Column,
    Date,
    DateTime,
    Engine,
    Enum,
    Integer,
    Interval,
    LargeBinary,
    Numeric,
    String,
    bindparam,
    case,
    cast,
    create_engine,
    func,
    insert,
    literal,
    select,
    text,
    tuple_,
    update,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TSVECTOR, aggregate_order_by, array
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.orm import declarative_base

from migrate_async.runtime.engine import async_engine_from_url
from support.databases import fresh_database

Base = declarative_base()


class Item(Base):  # type: ignore[misc, valid-type]
    __tablename__ = "items"
    id = Column(Integer, primary_key=True)
    name = Column(String)
    notes = Column(JSONB)
    day = Column(Date)
    moment = Column(DateTime)
    price = Column(Numeric(10, 2))
    several = Column(ARRAY(Integer))
    tags = Column(ARRAY(String))
    key = Column(postgresql.UUID(as_uuid=True))
    kind = Column(Enum("a", "b", name="kind"))
    data = Column(LargeBinary)
    words = Column(TSVECTOR)
    is_new = Column(Boolean)
    span = Column(Interval)


_ROW = text(
    """insert into items values (:id, 'a fat cat', '{"a": [1], "n": 2}', '2026-01-01',
    '2026-01-01 10:00', 1.5, '{1,2}', '{a,b}', '11111111-1111-1111-1111-111111111111', 'a', 'abc',
    to_tsvector('english', 'a fat cat'), true, '1 day')"""
)

_EXPRESSIONS: list[Callable[[], Any]] = [
    lambda: func.jsonb_path_exists(Item.notes, "$.a"),
    lambda: func.jsonb_path_match(Item.notes, "$.n > $x", '{"x": 1}'),
    lambda: func.jsonb_path_query_array(Item.notes, bindparam("path", "$.a[*]")),
    lambda: func.jsonb_set(Item.notes, "{a}", '"x"'),
    lambda: func.jsonb_array_length("[1, 2]"),
    lambda: func.to_tsvector("english", Item.name),
    lambda: func.plainto_tsquery("english", "fat cats"),
    lambda: func.setweight(Item.words, "A"),
    lambda: func.ts_headline("english", Item.name, func.to_tsquery("cat"), "StartSel=<"),
    lambda: func.age(Item.moment, "2025-01-01"),
    lambda: func.generate_series(Item.moment, Item.moment, "1 day"),
    lambda: func.date_bin("15 minutes", Item.moment, "2001-01-01"),
    lambda: func.to_char(Item.moment, "YYYY-MM"),
    lambda: func.coalesce(Item.id, "5"),
    lambda: func.coalesce(Item.day, "2026-02-01"),
    lambda: func.coalesce(Item.key, "11111111-1111-1111-1111-111111111112"),
    lambda: func.coalesce(Item.kind, "b"),
    lambda: func.coalesce(Item.notes, "{}"),
    lambda: func.coalesce(Item.several, "{}"),
    lambda: func.coalesce(Item.name, ""),
    lambda: func.nullif(Item.kind, "a"),
    lambda: func.nullif(Item.price, "1.50"),
    lambda: func.greatest(Item.id, "7"),
    lambda: func.array_append(Item.several, "5"),
    lambda: func.array_append(Item.tags, "c"),
    lambda: func.array_cat(Item.several, "{5}"),
    lambda: func.encode("abc", "hex"),
    lambda: func.int4range("1", "5").op("@>")(Item.id),
    lambda: func.round(Item.price, "1"),
    lambda: func.lag(Item.id, 1, "0").over(order_by=Item.id),
    lambda: func.concat("a", Item.name, "b"),
    lambda: func.concat_ws(",", func.jsonb_path_query_first(Item.notes, "$.n"), "b"),
    lambda: func.jsonb_build_object("a", Item.name),
    lambda: func.lower("ABC"),
    lambda: func.lower(Item.name) == "a fat cat",
    lambda: func.string_agg(Item.name, aggregate_order_by(",", Item.id)),
    lambda: func.pg_relation_size("items") > 0,
    lambda: case((Item.id == 1, Item.id), else_="5"),
    lambda: case((Item.id == 1, "one"), else_="more"),
    lambda: array(["1", Item.id]),
    lambda: Item.notes.op("@?")("$.a"),
    lambda: Item.notes.op("||")('{"q": 1}'),
    lambda: Item.notes.contains('{"n": 2}'),
    lambda: Item.notes.in_(['{"a": [1], "n": 2}', "{}"]),
    lambda: Item.words.op("@@")("cat"),
    lambda: Item.several == "{1,2}",
    lambda: Item.id + "1",
    lambda: Item.span > "1 hour",
    lambda: Item.is_new.in_(["true"]),
    lambda: tuple_(Item.id, Item.name) == ("1", "a fat cat"),
    lambda: Item.moment + cast("30 days", Interval),
    lambda: Item.moment + cast(timedelta(days=30), Interval),
    lambda: literal("it's :x, 100% $1::VARCHAR"),
]


@pytest.fixture(params=["asyncpg", "psycopg"])
def driver(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@asynccontextmanager
async def _engines(tmp_path: Path, driver: str) -> AsyncIterator[tuple[Engine, AsyncEngine]]:
    """psycopg2's and ours, on a database with one row."""
    async with fresh_database("postgresql", tmp_path) as url:
        parsed = make_url(url).set(query={"options": "-ctimezone=UTC"})
        sync = create_engine(parsed.set(drivername="postgresql+psycopg2"))
        engine = async_engine_from_url(parsed.set(drivername=f"postgresql+{driver}"))
        Base.metadata.create_all(sync)
        with sync.begin() as connection:
            connection.execute(_ROW, {"id": 1})
        yield sync, engine
        await engine.dispose()
        sync.dispose()


async def test_the_server_reads_them(tmp_path: Path, driver: str) -> None:
    """Each twice, for what is remembered, in a transaction whose rows stay."""
    async with _engines(tmp_path, driver) as (sync, engine):
        with sync.begin() as connection:
            connection.execute(_ROW, {"id": 2})
            expected = [_rows(connection.execute(_of(make()))) for make in _EXPRESSIONS]
            connection.rollback()
        async with engine.connect() as ours:
            await ours.execute(_ROW, {"id": 2})
            for _ in range(2):
                found = [_rows(await ours.execute(_of(make()))) for make in _EXPRESSIONS]
                assert found == expected
            await ours.rollback()
        async with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as ours:
            found = [_rows(await ours.execute(_of(make()))) for make in _EXPRESSIONS[:3]]
            assert found == [rows[:1] for rows in expected[:3]]


def _of(expression: Any) -> Any:
    return select(expression).select_from(Item)


def _rows(result: Any) -> list[tuple[Any, ...]]:
    return sorted((tuple(row) for row in result), key=repr)


async def test_what_groups_is_one_expression_still(tmp_path: Path, driver: str) -> None:
    async with _engines(tmp_path, driver) as (sync, engine):
        parts = [
            lambda: func.date_trunc("day", Item.moment),
            lambda: func.coalesce(Item.day, "2026-02-01"),
        ]
        if driver == "asyncpg":  # with psycopg SQLAlchemy sends an interval without its type
            parts.append(lambda: Item.moment - cast("1 day", Interval))
        for part in parts:
            statement = select(part(), func.count()).group_by(part())
            with sync.connect() as connection:
                expected = connection.execute(statement).all()
            async with engine.connect() as ours:
                assert (await ours.execute(statement)).all() == expected


async def test_errors_are_the_servers_and_end_the_transaction(tmp_path: Path, driver: str) -> None:
    async with _engines(tmp_path, driver) as (_, engine):
        wrong = [func.no_such_function("a"), func.coalesce(Item.id, "five"), func.json_agg(1, "x")]
        for expression in wrong:
            async with engine.connect() as ours:
                with pytest.raises(DBAPIError):
                    await ours.execute(_of(expression))
                with pytest.raises(DBAPIError, match="current transaction is aborted"):
                    await ours.execute(text("select 1"))


async def test_what_needs_the_type_keeps_it(tmp_path: Path, driver: str) -> None:
    """psycopg2 fails here; code that was written for the async driver goes on working."""
    async with _engines(tmp_path, driver) as (_, engine), engine.connect() as ours:
        for _ in range(2):
            assert await ours.scalar(select(func.to_jsonb("x"))) == "x"
        assert await ours.scalar(_of(func.coalesce(Item.id, "5"))) == 1


async def test_rows_of_one_statement(tmp_path: Path, driver: str) -> None:
    async with _engines(tmp_path, driver) as (_, engine), engine.connect() as ours:
        rows = [{"id": 2, "note": "$.n"}, {"id": 3, "note": "$.a"}]
        exists = func.jsonb_path_exists('{"n": 1}', bindparam("note"))
        await ours.execute(insert(Item).values(is_new=exists), rows)
        query = select(Item.is_new).where(Item.id > 1).order_by(Item.id)
        assert (await ours.scalars(query)).all() == [True, False]
        raised = update(Item).where(Item.id == bindparam("number")).values(id=Item.id + "10")
        await ours.execute(raised, [{"number": 2}, {"number": 3}])
        named = update(Item).where(Item.id == bindparam("number")).values(name=func.lower("ABC"))
        await ours.execute(named, [{"number": 12}, {"number": 13}])
        query = select(Item.id).where(Item.name == "abc").order_by(Item.id)
        assert (await ours.scalars(query)).all() == [12, 13]


async def test_streams(tmp_path: Path, driver: str) -> None:
    async with _engines(tmp_path, driver) as (_, engine), engine.connect() as ours:
        statement = select(Item.id).where(func.lower(Item.name) == "a fat cat")
        assert [row.id async for row in await ours.stream(statement)] == [1]


async def test_a_column_of_another_type(tmp_path: Path) -> None:
    """What was remembered is forgotten with the first error."""
    async with _engines(tmp_path, "asyncpg") as (sync, engine):
        statement = _of(func.coalesce(text("items.id"), "5"))
        async with engine.connect() as ours:
            assert await ours.scalar(statement) == 1
        with sync.begin() as connection:
            connection.execute(text("alter table items alter id type varchar"))
        async with engine.connect() as ours:
            with pytest.raises(DBAPIError):
                await ours.scalar(statement)
        async with engine.connect() as ours:
            assert await ours.scalar(statement) == "1"


async def test_other_databases_are_left_alone(tmp_path: Path) -> None:
    engine = async_engine_from_url(f"sqlite:///{tmp_path}/items.db")
    assert "statement_compiler" not in vars(engine.dialect)
    await engine.dispose()
