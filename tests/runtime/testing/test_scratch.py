"""Databases for a test run, and sessions that share one transaction in any order."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, inspect, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, IntegrityError, StatementError
from sqlalchemy.orm import Session

from migrate_async.runtime.testing import LostWorkWarning, ScratchDatabase, SharedTransaction
from support.databases import BACKENDS, mariadb_url, postgresql_url
from support.library import Author, Book, LibraryBase


def _server(backend: str, folder: Path) -> str:
    if backend == "sqlite":
        return f"sqlite:///{folder}/app.db"
    return postgresql_url() if backend == "postgresql" else mariadb_url()


@pytest.fixture(params=BACKENDS, scope="module")
def database(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ScratchDatabase]:
    with ScratchDatabase(_server(request.param, tmp_path_factory.mktemp("scratch"))) as database:
        database.create_tables(LibraryBase.metadata)
        yield database


@pytest.fixture
def shared(database: ScratchDatabase) -> Iterator[SharedTransaction]:
    with database.transaction() as transaction:
        yield transaction


def _add(session: Session, *names: str) -> None:
    session.add_all([Author(name=name) for name in names])
    session.flush()


def _names(shared: SharedTransaction) -> list[str]:
    with shared.session() as session:
        return sorted(session.scalars(select(Author.name)))


def test_each_database_is_new_and_dropped_at_the_end(
    tmp_path: Path, database: ScratchDatabase
) -> None:
    with ScratchDatabase(_server(database.url.get_backend_name(), tmp_path)) as other:
        assert other.url != database.url
        assert not other.run(_tables(other))
        with pytest.raises(RuntimeError, match="end"), other.transaction():
            raise RuntimeError("end")
    with pytest.raises(RuntimeError, match="open the database first"):
        assert other.engine


async def _tables(database: ScratchDatabase) -> list[str]:
    async with database.engine.connect() as connection:
        return await connection.run_sync(lambda sync: inspect(sync).get_table_names())


def test_the_given_database_is_never_touched(tmp_path: Path) -> None:
    url = make_url(f"sqlite:///{tmp_path}/app.db")
    with ScratchDatabase(url) as database:
        database.create_tables(LibraryBase.metadata)
        assert Path(database.url.database or "").exists()
    assert list(tmp_path.iterdir()) == []


def test_the_given_database_can_be_used_as_it_is(tmp_path: Path) -> None:
    with ScratchDatabase(f"sqlite:///{tmp_path}/app.db", create=False) as database:
        database.create_tables(LibraryBase.metadata)
    assert (tmp_path / "app.db").exists()


def test_nothing_outlives_the_transaction(database: ScratchDatabase) -> None:
    for _ in range(2):
        with database.transaction() as shared:
            assert _names(shared) == []
            with shared.session() as session:
                _add(session, "Ada")
                session.commit()
            assert _names(shared) == ["Ada"]


def test_sessions_that_overlap_may_commit_in_any_order(shared: SharedTransaction) -> None:
    with shared.session() as first, shared.session() as second, shared.session() as third:
        _add(first, "Ada")
        _add(second, "Bob")
        _add(third, "Cleo")
        first.commit()
        _add(first, "Dan")
        third.commit()
        second.commit()
        first.commit()
    assert _names(shared) == ["Ada", "Bob", "Cleo", "Dan"]


def test_the_later_session_rolls_back_alone(shared: SharedTransaction) -> None:
    with shared.session() as first, shared.session() as second:
        _add(first, "Ada")
        _add(second, "Bob")
        second.rollback()
        first.commit()
    assert _names(shared) == ["Ada"]


def test_a_session_that_has_only_read_undoes_nothing(shared: SharedTransaction) -> None:
    with shared.session() as reader, shared.session() as writer:
        assert reader.scalar(select(func.count(Author.id))) == 0
        _add(writer, "Ada")
        writer.commit()
        reader.rollback()
    assert _names(shared) == ["Ada"]


def test_a_session_that_wrote_after_the_other_undoes_only_its_own(
    shared: SharedTransaction,
) -> None:
    with shared.session() as first, shared.session() as second:
        first.scalar(select(func.count(Author.id)))
        _add(second, "Ada")
        second.commit()
        _add(first, "Bob")
        first.rollback()
    assert _names(shared) == ["Ada"]


def test_the_order_that_cannot_be_emulated_is_reported(shared: SharedTransaction) -> None:
    with shared.session() as first, shared.session() as second:
        _add(first, "Ada")
        _add(second, "Bob")
        second.commit()
        with pytest.warns(LostWorkWarning, match="commit the first session"):
            first.rollback()
    assert _names(shared) == []


def test_a_session_goes_on_after_a_violated_constraint(shared: SharedTransaction) -> None:
    with shared.session() as session:
        _add(session, "Ada")
        session.commit()
        with pytest.raises(IntegrityError):
            _add(session, "Ada")
        session.rollback()
        _add(session, "Bob")
        session.commit()
    assert _names(shared) == ["Ada", "Bob"]


def test_a_failing_query_undoes_nothing_of_others(shared: SharedTransaction) -> None:
    with shared.session() as writer, shared.session() as reader:
        _add(writer, "Ada")
        writer.commit()
        with pytest.raises(DBAPIError):
            reader.scalar(text("SELECT nonsense FROM nowhere"))
        reader.rollback()
        assert reader.scalar(select(func.count(Author.id))) == 1
    assert _names(shared) == ["Ada"]


def test_savepoints_of_a_session_work(shared: SharedTransaction) -> None:
    with shared.session() as session:
        _add(session, "Ada")
        nested = session.begin_nested()
        _add(session, "Bob")
        nested.rollback()
        with session.begin_nested():
            _add(session, "Cleo")
        session.commit()
    assert _names(shared) == ["Ada", "Cleo"]


def test_lazy_loads_and_bulk_inserts_work_in_a_thread(shared: SharedTransaction) -> None:
    with shared.session() as session:
        author = Author(name="Ada", books=[Book(title=str(n)) for n in range(100)])
        session.add(author)
        session.commit()
        assert len(author.books) == 100


async def test_async_sessions_on_the_loop_of_the_test(shared: SharedTransaction) -> None:
    async with shared.async_session() as session:
        session.add_all([Author(name=str(n)) for n in range(20)])
        await session.commit()
        result = await session.stream_scalars(select(Author).execution_options(yield_per=5))
        assert len([author async for author in result]) == 20


async def test_isolation_levels_are_accepted_and_ignored(shared: SharedTransaction) -> None:
    async with shared.async_session() as session:
        await session.connection(execution_options={"isolation_level": "AUTOCOMMIT"})
        session.add(Author(name="Ada"))
        await session.flush()
        await session.rollback()
        assert await session.scalar(select(func.count(Author.id))) == 0


def test_core_connections_are_in_the_transaction_too(shared: SharedTransaction) -> None:
    with shared.sync_engine.begin() as connection:
        connection.execute(text("INSERT INTO authors (name) VALUES ('Ada')"))
    with shared.sync_engine.connect() as connection:
        connection.execute(text("INSERT INTO authors (name) VALUES ('Bob')"))
    assert _names(shared) == ["Ada"]


def test_a_session_used_after_the_test_is_refused(database: ScratchDatabase) -> None:
    with database.transaction() as shared:
        session = shared.session()
        _add(session, "Ada")
    with pytest.raises(StatementError, match="after the test"):
        session.scalar(select(Author.id))
    session.close()
