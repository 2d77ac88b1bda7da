"""The sync engine over the pool and driver of an async engine."""

import asyncio
import gc
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import event, func, inspect, select, text
from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from migrate_async.runtime.database import Database
from migrate_async.runtime.frames import Location
from migrate_async.runtime.legacy.bridge import BlockingCallOnLoop, drive, run_awaiting
from migrate_async.runtime.legacy.engine import BridgedEngine, bridged_engine
from migrate_async.runtime.tracking import on_dropped_connection, request_scope
from support.legacy_books import Author, Base, Book, checked_out, until


@pytest.fixture
def engine(database: Database) -> BridgedEngine:
    return bridged_engine(database.engine)


async def in_a_request(function, *args):  # type: ignore[no-untyped-def]
    """Call a function in a worker thread which serves a request of this loop."""
    async with request_scope():
        return await asyncio.to_thread(function, *args)


def test_an_async_engine_has_one_sync_face(database: Database) -> None:
    assert bridged_engine(database.engine) is bridged_engine(database.engine)


def read_lazily(engine: BridgedEngine) -> list[str]:
    with Session(engine) as session:
        author = session.query(Author).one()
        return sorted(book.title for book in author.books)


async def test_a_thread_reads_lazily(engine: BridgedEngine, database: Database) -> None:
    assert await in_a_request(read_lazily, engine) == ["Letters", "Notes"]
    assert checked_out(database) == 0


async def test_a_greenlet_reads_lazily(engine: BridgedEngine, database: Database) -> None:
    assert await run_awaiting(read_lazily, engine) == ["Letters", "Notes"]
    assert checked_out(database) == 0


async def test_async_code_reads_lazily_when_driven(engine: BridgedEngine) -> None:
    async def route() -> list[str]:
        await asyncio.sleep(0)
        return read_lazily(engine)

    assert await drive(route()) == ["Letters", "Notes"]


async def test_async_code_which_is_not_driven_is_told_so(engine: BridgedEngine) -> None:
    with pytest.raises(BlockingCallOnLoop):
        read_lazily(engine)


async def test_the_pool_is_shared_with_async_code(
    engine: BridgedEngine, database: Database
) -> None:
    """Both halves of an application stay within one limit of connections."""
    if database.engine.dialect.name == "sqlite":
        pytest.skip("its writers would wait for each other")

    def hold() -> int:
        with engine.connect() as connection:
            connection.execute(text("SELECT 1"))
            return checked_out(database)

    async with database.engine.connect():
        assert await in_a_request(hold) == 2
    assert checked_out(database) == 0


async def test_more_threads_than_connections_wait_their_turn(
    engine: BridgedEngine, database: Database
) -> None:
    def count() -> int:
        with Session(engine) as session:
            return session.scalar(select(func.count(Book.id))) or 0

    async with request_scope():
        counts = await asyncio.gather(*[asyncio.to_thread(count) for _ in range(30)])
    assert counts == [2] * 30
    assert checked_out(database) == 0


async def test_the_loop_stays_free_while_a_thread_blocks(engine: BridgedEngine) -> None:
    release = threading.Event()

    def work() -> str:
        with Session(engine) as session:
            session.scalar(select(1))
            assert release.wait(10)
            return session.scalars(select(Author.name)).one()

    async with request_scope():
        working = asyncio.create_task(asyncio.to_thread(work))
        await asyncio.sleep(0.01)
        release.set()
        assert await working == "Ada"


def rename(session: Session) -> None:
    session.get_one(Author, 1).name = "Grace"
    session.commit()
    assert session.get_one(Author, 1).name == "Grace", "expired, and loaded again"
    session.get_one(Author, 1).name = "nobody"
    session.flush()
    session.rollback()


def savepoint(session: Session) -> None:
    session.get_one(Author, 1).name = "Grace"
    with pytest.raises(IntegrityError), session.begin_nested():
        session.add(Author(id=1, name="again"))
    session.commit()


def in_a_block(session: Session) -> None:
    with session.begin():
        session.get_one(Author, 1).name = "Grace"


def core(session: Session) -> None:
    connection = session.connection()
    connection.execute(Author.__table__.update().values(name="Grace"))
    session.commit()


def bulk(session: Session) -> None:
    session.bulk_update_mappings(Author, [{"id": 1, "name": "Grace"}])
    session.bulk_insert_mappings(Book, [{"title": f"t{n}", "author_id": 1} for n in range(50)])
    session.query(Book).filter(Book.title.startswith("t")).delete(synchronize_session=False)
    session.commit()


@pytest.mark.parametrize("work", [rename, savepoint, in_a_block, core, bulk])
@pytest.mark.parametrize("caller", [in_a_request, run_awaiting], ids=["thread", "greenlet"])
async def test_sessions_work_as_on_any_engine(  # type: ignore[no-untyped-def]
    engine: BridgedEngine, database: Database, work, caller
) -> None:
    def run() -> None:
        with Session(engine) as session:
            work(session)

    await caller(run)
    async with AsyncSession(database.engine) as session:
        assert await session.scalar(select(Author.name)) == "Grace"
        assert await session.scalar(select(func.count(Book.id))) == 2
    assert checked_out(database) == 0


async def test_rows_are_streamed(engine: BridgedEngine) -> None:
    def work() -> tuple[int, list[int]]:
        with Session(engine) as session:
            session.add_all(Book(title=str(number), author_id=1) for number in range(100))
            session.commit()
            rows = session.scalars(select(Book.id).execution_options(yield_per=7))
            sizes = [len(part) for part in rows.partitions()]
            return sum(sizes), sizes[:2]

    assert await in_a_request(work) == (102, [7, 7])


async def test_a_raw_cursor_works(engine: BridgedEngine) -> None:
    def work() -> tuple[list[object], object]:
        connection = engine.raw_connection()
        try:
            with connection.cursor() as cursor:
                assert cursor.description is None
                cursor.execute("SELECT name FROM author")
                return list(cursor), cursor.description[0][0]
        finally:
            connection.close()

    rows, column = await in_a_request(work)
    assert [tuple(row) for row in rows] == [("Ada",)]  # type: ignore[attr-defined]
    assert column == "name"


async def test_tables_are_made_and_inspected(engine: BridgedEngine) -> None:
    def work() -> list[str]:
        Base.metadata.drop_all(engine)
        Base.metadata.create_all(engine)
        return sorted(inspect(engine).get_table_names())

    assert await in_a_request(work) == ["author", "book"]


async def test_events_of_the_async_engine_fire(engine: BridgedEngine, database: Database) -> None:
    statements: list[str] = []
    event.listen(
        database.engine.sync_engine,
        "before_cursor_execute",
        lambda *args: statements.append(args[2]),
    )
    await in_a_request(read_lazily, engine)
    assert any("FROM book" in statement for statement in statements)


async def test_errors_are_those_of_sqlalchemy(engine: BridgedEngine) -> None:
    def work() -> None:
        with engine.connect() as connection:
            connection.execute(text("SELECT * FROM nowhere"))

    with pytest.raises((ProgrammingError, OperationalError), match="nowhere"):
        await in_a_request(work)


async def test_isolation_levels_can_be_chosen(engine: BridgedEngine) -> None:
    def work() -> str:
        with engine.connect() as connection:
            level = connection.execution_options(isolation_level="SERIALIZABLE")
            return level.get_isolation_level()

    assert await in_a_request(work) == "SERIALIZABLE"


async def test_a_session_may_move_between_threads_and_the_loop(engine: BridgedEngine) -> None:
    """A dependency opens it in a thread, an async route uses it, a thread serialises."""

    async def route() -> str:
        session = await asyncio.to_thread(Session, engine)
        author = await asyncio.to_thread(session.get_one, Author, 1)
        titles = sorted(book.title for book in author.books)
        await asyncio.to_thread(session.close)
        return " ".join(titles)

    async with request_scope():
        assert await drive(route()) == "Letters Notes"


async def test_a_dropped_connection_goes_back_to_the_pool(
    engine: BridgedEngine, database: Database
) -> None:
    dropped: list[Location] = []
    on_dropped_connection(dropped.append)

    def work() -> None:
        engine.connect().execute(text("SELECT 1"))

    for _ in range(5):
        await in_a_request(work)
        gc.collect()
        await until(lambda: not checked_out(database))
    assert [location.function for location in dropped] == ["work"] * 5


async def test_an_application_s_own_threads_may_use_it(
    engine: BridgedEngine, database: Database
) -> None:
    def work() -> list[str]:
        with ThreadPoolExecutor(2) as threads:
            return [*threads.map(lambda _: read_lazily(engine)[0], range(4))]

    assert await in_a_request(work) == ["Letters"] * 4
    await asyncio.to_thread(engine.dispose)


async def test_disposing_closes_the_pools_of_all_loops(
    engine: BridgedEngine, database: Database
) -> None:
    await asyncio.to_thread(read_lazily, engine)  # no request: on the process's loop thread
    await in_a_request(read_lazily, engine)
    others = engine.pools.others()
    await in_a_request(engine.dispose)
    assert sum(pool.checkedin() for _, pool in others) == 0  # type: ignore[attr-defined]


async def test_a_session_takes_its_connection_with_its_first_statement(
    engine: BridgedEngine, database: Database
) -> None:
    def work() -> list[int]:
        taken = []
        with Session(engine.for_sessions) as session:
            session.connection()
            taken.append(checked_out(database))
            session.scalar(select(1))
            taken.append(checked_out(database))
            session.commit()
            taken.append(checked_out(database))
            session.connection()
            session.rollback()
        with engine.connect():
            return [*taken, checked_out(database)]

    lazy = database.engine.dialect.name != "sqlite"
    assert await in_a_request(work) == [0 if lazy else 1, 1, 0, 1]
    assert checked_out(database) == 0


@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize(
    "url", ["sqlite:////no/such/folder/x.db", "postgresql://nobody@127.0.0.1:1/nothing"]
)
async def test_a_database_which_is_down(url: str, lazy: bool) -> None:
    """The session of the lazy engine can be closed, and used again, all the same."""
    database = Database(url, engine_options={"pool_size": 1})
    engine = bridged_engine(database.engine)

    def work() -> None:
        with Session(engine.for_sessions if lazy else engine) as session:
            for _ in range(2):
                with pytest.raises((OperationalError, OSError)):
                    session.scalar(select(1))
                session.rollback()

    await in_a_request(work)
    assert checked_out(database) == 0
