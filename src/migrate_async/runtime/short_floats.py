"""Values of the type `real` as psycopg2 read them, for asyncpg.

    ratio = Column(REAL)  # and 0.1 in it
    func.ts_rank(Item.words, query), func.similarity(Item.name, "ann")

psycopg2 reads the text that the server sends, 0.1. asyncpg takes the four bytes and makes
0.10000000149011612 of them, which all responses show. Here the server sends the text again.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine


def read_short_floats_as_psycopg2(engine: AsyncEngine) -> AsyncEngine:
    """Let `engine` read `real` values by their texts; it is given back.

    Other drivers than asyncpg do so by themselves.
    """
    if engine.dialect.driver == "asyncpg":
        event.listen(engine.sync_engine, "connect", _read_texts)
    return engine


def _read_texts(dbapi_connection: Any, _record: object) -> None:
    dbapi_connection.run_async(_set_codec)


async def _set_codec(connection: Any) -> None:
    await connection.set_type_codec(
        "float4", schema="pg_catalog", encoder=str, decoder=float, format="text"
    )
