"""On SQLite, a sync session takes the write lock with its first write, not before."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from migrate_async.runtime.database import Database
from migrate_async.runtime.legacy.bridge import run_awaiting
from migrate_async.runtime.legacy.engine import BridgedEngine, bridged_engine
from migrate_async.runtime.tracking import request_scope
from support.legacy_books import Author, Book, fill


@pytest.fixture
async def engine(tmp_path: Path) -> BridgedEngine:
    database = Database(f"sqlite:///{tmp_path}/books.db")
    await fill(database.engine)
    return bridged_engine(database.engine)


async def test_a_reader_and_a_writer_do_not_wait_for_each_other(engine: BridgedEngine) -> None:
    """A request which has read, while its background task writes."""

    def work() -> list[str]:
        with Session(engine) as reader, Session(engine) as writer:
            before = reader.scalars(select(Author.name)).all()
            writer.add(Author(name="Grace"))
            writer.commit()
            return [*before, *reader.scalars(select(Author.name).order_by(Author.id))]

    assert await run_awaiting(work) == ["Ada", "Ada", "Grace"]


async def test_writers_which_read_first_queue_up(engine: BridgedEngine) -> None:
    """With a deferred BEGIN all but one would fail with "database is locked"."""

    def work(number: int) -> None:
        with Session(engine) as session:
            session.scalars(select(Book)).all()
            session.add(Book(title=str(number), author_id=1))
            session.commit()

    async with request_scope():
        await asyncio.gather(*[asyncio.to_thread(work, number) for number in range(20)])

    def count() -> int:
        with Session(engine) as session:
            return len(session.scalars(select(Book)).all())

    assert await run_awaiting(count) == 22


@pytest.mark.parametrize("nested", [False, True])
async def test_writes_are_rolled_back_whole(engine: BridgedEngine, nested: bool) -> None:
    def work() -> list[str]:
        with Session(engine) as session:
            session.get_one(Author, 1).name = "Grace"
            if nested:
                with session.begin_nested():
                    session.add(Author(name="Edith"))
            session.flush()
            session.rollback()
            return list(session.scalars(select(Author.name)))

    assert await run_awaiting(work) == ["Ada"]


async def test_begin_is_sent_once_and_only_for_writes(engine: BridgedEngine) -> None:
    sent: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *args: sent.append(args[2]))

    def work() -> None:
        with Session(engine) as session:
            session.scalars(select(Author.name)).all()
            assert "BEGIN IMMEDIATE" not in sent
            session.add_all([Author(name="Grace"), Author(name="Edith")])
            session.flush()
            session.get_one(Author, 1).name = "Lovelace"
            session.commit()

    await run_awaiting(work)
    assert sent.count("BEGIN IMMEDIATE") == 1


async def test_autocommit_stays_autocommit(engine: BridgedEngine) -> None:
    def work() -> bool:
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("DELETE FROM book")
            return bool(connection.connection.driver_connection.in_transaction)  # type: ignore[union-attr]

    assert await run_awaiting(work) is False
