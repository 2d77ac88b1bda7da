"""What counts as a write after the commit."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import text

from migrate_async.runtime.database import Database
from migrate_async.runtime.late_writes import is_write, pending_late_writes, watch_late_writes


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO t VALUES (1)",
        "  update t set a = 1",
        "/* hint */ DELETE FROM t",
        "-- why\nTRUNCATE t",
        "CREATE TABLE t (id int)",
        "WITH x AS (DELETE FROM t RETURNING *) SELECT * FROM x",
        "with x as (select 1) insert into t select * from x",
    ],
)
def test_writes(statement: str) -> None:
    """By the first word, or any in a common table expression."""
    assert is_write(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM t",
        "SELECT * FROM t FOR UPDATE",
        "WITH x AS (SELECT 1) SELECT * FROM x FOR UPDATE",
        "WITH x AS (SELECT 1) SELECT * FROM x FOR NO KEY UPDATE",
        "SELECT updated FROM inserts",
        "SAVEPOINT sa_savepoint_1",
        "SHOW server_version",
        "SET search_path = x",
    ],
)
def test_reads(statement: str) -> None:
    """A lock is no write."""
    assert not is_write(statement)


async def test_only_what_is_not_committed_counts(tmp_path: Path) -> None:
    """Watched from the first commit on, through any number of transactions."""
    database = Database(f"sqlite:///{tmp_path / 'data.db'}")
    async with database.session() as session:
        await session.execute(text("CREATE TABLE t (id INTEGER)"))
        await session.commit()
        assert pending_late_writes(session) is None
        watch_late_writes(session)

        await session.execute(text("SELECT 1"))
        assert pending_late_writes(session) is None
        await session.execute(text("INSERT INTO t VALUES (1)"))
        assert pending_late_writes(session) == "INSERT INTO t"
        await session.commit()
        assert pending_late_writes(session) is None
        await session.execute(text("DELETE FROM t"))
        assert pending_late_writes(session) == "DELETE FROM t"
        await session.rollback()
        assert pending_late_writes(session) is None
