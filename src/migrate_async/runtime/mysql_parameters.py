"""Bytes and sequences as parameters of aiomysql, beside a PyMySQL that is newer than it knows.

    db.add(File(data=b"..."))
    db.execute(text("select * from items where id in :ids"), {"ids": (1, 2)})

aiomysql writes parameters into the statement by functions of PyMySQL. The one for bytes is gone
since PyMySQL 1.2, and that for all others takes no sequences any more: both end in a `TypeError`.
"""

from __future__ import annotations

import sys
from typing import Any

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

_SEQUENCES = (tuple, list, set, frozenset)


def escape_as_pymysql(engine: AsyncEngine) -> AsyncEngine:
    """Let connections of `engine` write these as PyMySQL 1.2 does, if so; it is given back."""
    if engine.dialect.driver == "aiomysql" and not callable(_function_of_old()):
        event.listen(engine.sync_engine, "connect", _escape)
    return engine


def _function_of_old() -> Any:
    return getattr(sys.modules.get("aiomysql.connection"), "escape_bytes_prefixed", None)


def _escape(dbapi_connection: Any, _record: object) -> None:
    connection = dbapi_connection.driver_connection
    others = connection.escape

    def escape(value: Any) -> Any:
        if isinstance(value, bytes | bytearray):
            return f"X'{value.hex()}'"
        if isinstance(value, _SEQUENCES):
            return f"({','.join(map(escape, value))})"
        return others(value)

    connection.escape = escape
