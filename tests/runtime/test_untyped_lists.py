"""Lists of which nothing says the type over asyncpg, against what psycopg2 makes of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, create_engine, func, literal, select, text
from sqlalchemy.engine import make_url

from migrate_async.runtime.engine import async_engine_from_url
from support.databases import fresh_database

_QUESTIONS: list[Callable[[], Any]] = [
    lambda: select(func.unnest([1, 2])),
    lambda: select(func.unnest([2**40, 1, None])),
    lambda: select(func.unnest(["a", "b"])),
    lambda: select(func.unnest([0.1, 2.5])),
    lambda: select(func.unnest([True])),
    lambda: select(func.unnest([UUID(int=1)])),
    lambda: select(func.unnest([date(2026, 1, 2)])),
    lambda: select(func.cardinality([1, 2])),
    lambda: select(literal(1) == func.any([1, 2])),
    lambda: select(func.array_to_string(["a", "b"], ",")),
    lambda: select(func.array_append([1], 2)),
    lambda: text("select unnest(:given)").bindparams(given=[1, 2]),
    lambda: text("select * from unnest(:given) as key").bindparams(given=["a"]),
    lambda: text("select 1 = any(:given)").bindparams(given=[1, 2]),
]


def _answers(connection: Connection) -> list[str]:
    return [repr(connection.execute(make()).all()) for make in _QUESTIONS]


async def test_their_elements_tell(tmp_path: Path) -> None:
    async with fresh_database("postgresql", tmp_path) as url:
        given = make_url(url).set(drivername="postgresql+psycopg2")
        sync = create_engine(given)
        with sync.begin() as connection:
            expected = _answers(connection)
        engine = async_engine_from_url(given)
        async with engine.begin() as connection_:
            found = await connection_.run_sync(_answers)
        await engine.dispose()
        sync.dispose()
    assert found == expected
