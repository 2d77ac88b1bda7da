"""SQL text with parameters over asyncpg, against what psycopg2 gives."""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Column, Integer, String, bindparam, create_engine, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session, declarative_base

from migrate_async.runtime.engine import async_engine_from_url
from support.databases import fresh_database

Base = declarative_base()


class Item(Base):  # type: ignore[misc, valid-type]
    __tablename__ = "items"
    id = Column(Integer, primary_key=True)
    name = Column(String)


_FILL = """
create table items (
    id integer primary key, name varchar, day date, price numeric, key uuid, active boolean
);
insert into items
select n, 'item' || n, date '2026-01-01' + n, n * 1.5, cast(lpad(n::text, 32, '0') as uuid), n > 1
from generate_series(1, 4) as n;
"""
_QUESTIONS: list[tuple[str, dict[str, Any]]] = [
    ("select id from items where day >= :since order by id", {"since": "2026-01-04"}),
    ("select id from items where day = :day", {"day": dt.date(2026, 1, 3)}),
    ("select id from items where id = :id", {"id": "2"}),
    ("select id from items where id in :ids order by id", {"ids": (1, 3)}),
    ("select id from items where id = any(:ids) order by id", {"ids": [2, 4]}),
    ("select id from items where price > :price order by id", {"price": 2.5}),
    ("select id from items where price = :price", {"price": Decimal("4.5")}),
    ("select id from items where key = :key", {"key": str(uuid.UUID(int=0))}),
    ("select id from items where (:name is null or name = :name) order by id", {"name": None}),
    ("select id from items where (:name is null or name = :name)", {"name": "item2"}),
    ("select id from items where (:id is null or id = :id) order by id", {"id": 3}),
    ("select id from items where name like :like order by id limit :n", {"like": "item%", "n": 2}),
    ("select :a || 'x', :b", {"a": "y", "b": 1}),
    ("select id from items where active = :active order by id", {"active": True}),
    ("select coalesce(:name, name) from items where id = 1", {"name": None}),
    ("update items set name = :name where id = :id returning name", {"name": "new", "id": "1"}),
    ("select id from items where id > :id order by id;", {"id": 3}),
    ("delete from items where id = :id; select count(*) from items", {"id": 4}),
]


@pytest.mark.parametrize(("sql", "given"), _QUESTIONS, ids=[sql for sql, _ in _QUESTIONS])
async def test_it_gives_the_same(tmp_path: Path, sql: str, given: dict[str, Any]) -> None:
    async with fresh_database("postgresql", tmp_path) as url:
        sync = create_engine(make_url(url).set(drivername="postgresql+psycopg2"))
        with sync.begin() as connection:
            connection.execute(text(_FILL))
        with sync.connect() as connection:
            legacy = connection.execute(text(sql), given).all()
        sync.dispose()
        engine = async_engine_from_url(url)
        async with engine.connect() as connection:
            for _ in range(2):  # the second time it has been prepared
                found = (await connection.execute(text(sql), given)).all()
                await connection.rollback()
                assert found == legacy
        await engine.dispose()


async def test_texts_for_entities_and_many_rows(tmp_path: Path) -> None:
    insert = text("insert into items (id, name, day) values (:id, :name, :day)")
    rows = [{"id": str(n), "name": n, "day": f"2026-02-0{n}"} for n in (5, 6)]
    entities = select(Item).from_statement(text("select * from items where day > :day"))
    typed = text("select id from items where id in :ids").bindparams(
        bindparam("ids", expanding=True)
    )
    columns = text("select id, name from items where id = :id").columns(Item.id, Item.name)
    async with fresh_database("postgresql", tmp_path) as url:
        sync = create_engine(make_url(url).set(drivername="postgresql+psycopg2"))
        engine = async_engine_from_url(url)
        with Session(sync) as db:
            db.execute(text(_FILL))
            db.execute(insert, rows)
            legacy = [
                [item.name for item in db.scalars(entities, {"day": "2026-02-05"})],
                sorted(db.scalars(typed, {"ids": [1, 6]})),
                db.execute(columns, {"id": "6"}).all(),
            ]
            db.execute(text("drop table items"))
            db.commit()
        async with AsyncSession(engine) as session:
            await session.execute(text(_FILL))
            await session.execute(insert, rows)
            found = [
                [item.name for item in await session.scalars(entities, {"day": "2026-02-05"})],
                sorted(await session.scalars(typed, {"ids": [1, 6]})),
                (await session.execute(columns, {"id": "6"})).all(),
            ]
        sync.dispose()
        await engine.dispose()
    assert found == legacy


async def test_the_transaction_goes_on_after_it_has_been_prepared(tmp_path: Path) -> None:
    async with fresh_database("postgresql", tmp_path) as url:
        engine = async_engine_from_url(url)
        async with engine.begin() as connection:
            await connection.execute(text(_FILL))
            asked = text("select count(*) from items where (:name is null or name = :name)")
            assert await connection.scalar(asked, {"name": None}) == 4
        async with engine.connect() as connection:
            with pytest.raises(DBAPIError):
                await connection.execute(text("select * from items where id = :id"), {"id": "x"})
        await engine.dispose()
