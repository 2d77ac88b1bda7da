"""Errors over asyncpg, against what psycopg2 raises."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, OperationalError

from migrate_async.runtime.engine import async_engine_from_url
from support.databases import fresh_database

_TEAMS = """
create table teams (
    id integer primary key,
    name varchar(5) not null unique,
    points integer constraint enough check (points > 0),
    address inet
)
"""
_TABLES = (
    _TEAMS,
    "create table members (team_id integer references teams)",
    "insert into teams values (1, 'red', 1, '10.0.0.1/8')",
)
_STATEMENTS = {
    "a row that is there": "insert into teams values (2, 'red')",
    "no value": "insert into teams values (2, null)",
    "a check": "insert into teams values (2, 'blue', 0)",
    "no such row": "insert into members values (7)",
    "a text that is too long": "insert into teams values (2, 'purple')",
    "a division": "select 1 / 0",
    "no number": "select cast('x' as integer)",
    "a number that is too large": "select cast(3000000000 as integer)",
    "two rows": "select (select id from (values (1), (2)) as t (id))",
    "no such table": "select * from nowhere",
    "an exception": "do $$ begin raise exception 'no' using hint = 'yes'; end $$",
}


def _told(error: DBAPIError) -> dict[str, Any]:
    original: Any = error.orig
    diag = original.diag
    names = ("constraint_name", "table_name", "column_name", "message_primary", "sqlstate")
    told = {name: getattr(diag, name) for name in (*names, "message_detail", "message_hint")}
    shows_more = diag.statement_position or diag.context
    return {
        **told,
        "class": type(error).__name__,
        "code": original.pgcode,
        "text": None if shows_more else str(original),
    }


@pytest.mark.parametrize("statement", _STATEMENTS.values(), ids=_STATEMENTS)
async def test_they_tell_what_those_of_psycopg2_told(tmp_path: Path, statement: str) -> None:
    async with fresh_database("postgresql", tmp_path) as url:
        sync = create_engine(make_url(url).set(drivername="postgresql+psycopg2"))
        with sync.begin() as connection:
            for table in _TABLES:
                connection.execute(text(table))
        with sync.connect() as connection, pytest.raises(DBAPIError) as legacy:
            connection.execute(text(statement))
        sync.dispose()
        engine = async_engine_from_url(make_url(url).set(drivername="postgresql+psycopg2"))
        async with engine.connect() as connection:
            with pytest.raises(DBAPIError) as raised:
                await connection.execute(text(statement))
        await engine.dispose()
    assert _told(raised.value) == _told(legacy.value)


async def test_a_lock_that_somebody_holds(tmp_path: Path) -> None:
    async with fresh_database("postgresql", tmp_path) as url:
        engine = async_engine_from_url(url)
        asked = text("select id from teams for update nowait")
        async with engine.begin() as connection:
            for table in _TABLES:
                await connection.execute(text(table))
        async with engine.connect() as one, engine.connect() as two:
            await one.execute(asked)
            with pytest.raises(OperationalError):
                await two.execute(asked)
        await engine.dispose()


async def test_addresses_are_texts(tmp_path: Path) -> None:
    async with fresh_database("postgresql", tmp_path) as url:
        engine = async_engine_from_url(make_url(url).set(drivername="postgresql+psycopg2"))
        async with engine.begin() as connection:
            for table in _TABLES:
                await connection.execute(text(table))
            found = await connection.scalar(text("select address from teams"))
        await engine.dispose()
    assert found == "10.0.0.1/8"
