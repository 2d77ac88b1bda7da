"""Alembic: the files of `init`, and migrations in and outside of an event loop."""

import asyncio
import logging
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import event, inspect, text
from sqlalchemy.ext.asyncio import AsyncEngine

from migrate_async.runtime.database import URL_VARIABLE, Database
from migrate_async.runtime.engine import create_async_engine
from migrate_async.runtime.migrations import (
    MigrationConfigError,
    load_config,
    run_alembic,
    run_migrations,
    run_migrations_sync,
)
from migrate_async.runtime.scaffold import alembic_files
from support.databases import BACKENDS, fresh_database

MODELS = """
from sqlalchemy import CheckConstraint, ForeignKey, String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from migrate_async.runtime.base import Base as Library
from migrate_async.runtime.mixins import SoftDeleteMixin, TimestampMixin, UserTrackingMixin

class Base(DeclarativeBase):
    metadata = type(Library.metadata)(naming_convention=Library.metadata.naming_convention)

class Shelf(TimestampMixin, SoftDeleteMixin, UserTrackingMixin, Base):
    __tablename__ = "shelves"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(50), unique=True)
    width: Mapped[int]
    __table_args__ = (CheckConstraint("width > 0"),)

class Book(Base):
    __tablename__ = "books"
    id: Mapped[int] = mapped_column(primary_key=True)
    shelf_id: Mapped[int] = mapped_column(ForeignKey("shelves.id", ondelete="CASCADE"))
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project in the current folder, as `migrate-async init alembic` leaves it, and models."""
    models = f"models_{uuid.uuid4().hex}"
    folder = tmp_path / "project"
    for name, content in alembic_files(f"{models}:Base.metadata").items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    (folder / f"{models}.py").write_text(MODELS)
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delenv(URL_VARIABLE, raising=False)
    return folder


@pytest.fixture(params=BACKENDS)
async def url(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    async with fresh_database(request.param, tmp_path) as url:
        yield url


@pytest.fixture
async def sqlite_url(tmp_path: Path) -> AsyncIterator[str]:
    async with fresh_database("sqlite", tmp_path) as url:
        yield url


async def _tables(engine: AsyncEngine) -> set[str]:
    async with engine.connect() as connection:
        return set(await connection.run_sync(lambda sync: inspect(sync).get_table_names()))


async def _revision(engine: AsyncEngine, message: str = "first") -> None:
    await run_alembic(engine, command.revision, message=message, autogenerate=True)


async def test_autogenerate_upgrade_check_and_downgrade_inside_a_loop(
    project: Path, url: str
) -> None:
    """`check` finds nothing to add: what autogenerate writes is what the models say."""
    engine = create_async_engine(url)
    await _revision(engine)
    await run_migrations(engine)
    assert await _tables(engine) == {"alembic_version", "books", "shelves"}
    await run_alembic(engine, command.check)
    await run_alembic(engine, command.downgrade, "base")
    assert await _tables(engine) == {"alembic_version"}
    await engine.dispose()


async def test_migrations_do_not_depend_on_this_library(project: Path, sqlite_url: str) -> None:
    engine = create_async_engine(sqlite_url)
    await _revision(engine)
    (script,) = (project / "migrations" / "versions").glob("*.py")
    assert "import migrate_async" not in script.read_text()
    assert "migrate_async." not in script.read_text()
    assert "sa.DateTime(timezone=True).with_variant(mysql.DATETIME(fsp=6)" in script.read_text()
    await engine.dispose()


async def test_the_command_line_works_in_a_running_loop_too(
    project: Path, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Programs call `command.upgrade` in a lifespan; a usual async env.py fails there."""
    monkeypatch.setenv(URL_VARIABLE, sqlite_url)
    engine = create_async_engine(sqlite_url)
    await _revision(engine)
    command.upgrade(Config("alembic.ini"), "head")
    assert "shelves" in await _tables(engine)
    await engine.dispose()


def test_outside_of_a_loop(project: Path, tmp_path: Path) -> None:
    engine = create_async_engine(f"sqlite:///{tmp_path}/x.db")
    asyncio.run(_revision(engine))
    run_migrations_sync(engine)
    run_migrations_sync(f"sqlite:///{tmp_path}/y.db")
    run_migrations_sync(Database(f"sqlite:///{tmp_path}/z.db"))
    for name in "xyz":
        found = create_async_engine(f"sqlite:///{tmp_path}/{name}.db")
        assert "shelves" in asyncio.run(_tables(found))


def test_the_command_line_outside_of_a_loop(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(URL_VARIABLE, f"sqlite:///{tmp_path}/x.db")
    command.revision(Config("alembic.ini"), message="first", autogenerate=True)
    command.upgrade(Config("alembic.ini"), "head")
    assert "shelves" in asyncio.run(_tables(create_async_engine(f"sqlite:///{tmp_path}/x.db")))


async def test_the_sync_form_refuses_to_block_a_loop(project: Path, sqlite_url: str) -> None:
    with pytest.raises(RuntimeError, match="await run_migrations"):
        run_migrations_sync(sqlite_url)


async def test_a_given_connection_is_not_committed(project: Path, tmp_path: Path) -> None:
    async with fresh_database("sqlite", tmp_path) as url:
        engine = create_async_engine(url)
        await _revision(engine)
        async with engine.connect() as connection:
            await run_migrations(connection)
            await connection.rollback()
        assert "shelves" not in await _tables(engine)
        async with engine.begin() as connection:
            await run_migrations(connection)
        assert "shelves" in await _tables(engine)
        await engine.dispose()


async def test_a_failed_migration_is_raised_and_the_connection_given_back(
    project: Path, url: str
) -> None:
    engine = create_async_engine(url)
    await _revision(engine)
    (script,) = (project / "migrations" / "versions").glob("*.py")
    script.write_text(script.read_text() + "\n\nupgrade = lambda: 1 / 0\n")
    with pytest.raises(ZeroDivisionError):
        await run_migrations(engine)
    with pytest.raises(CommandError):
        await run_migrations(engine, "nonsense")
    assert "shelves" not in await _tables(engine)
    await engine.dispose()


async def test_batch_mode_on_sqlite_keeps_the_rows_that_refer_to_a_table(
    project: Path, sqlite_url: str
) -> None:
    """Batch mode drops the old table; with foreign keys on, that would delete the books."""
    engine = create_async_engine(sqlite_url, pool_size=1)
    await _revision(engine)
    await run_migrations(engine)
    async with engine.begin() as connection:
        await connection.execute(text("INSERT INTO shelves (id, name, width) VALUES (1, 'a', 1)"))
        await connection.execute(text("INSERT INTO books (id, shelf_id) VALUES (1, 1)"))
    await run_alembic(engine, command.revision, message="wider")
    (script,) = (project / "migrations" / "versions").glob("*wider*.py")
    body = "with op.batch_alter_table('shelves', recreate='always') as table:\n        "
    body += "table.add_column(sa.Column('height', sa.Integer()))"
    script.write_text(script.read_text().replace("pass", body, 1))
    await run_migrations(engine)
    async with engine.connect() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM books")) == 1
        assert await connection.scalar(text("PRAGMA foreign_keys")) == 1
    await engine.dispose()


def test_offline_mode_writes_sql(
    project: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv(URL_VARIABLE, f"sqlite:///{tmp_path}/x.db")
    command.revision(Config("alembic.ini"), message="first", autogenerate=True)
    monkeypatch.setenv(URL_VARIABLE, "postgresql://nobody@nowhere/nothing")
    command.upgrade(Config("alembic.ini"), "head", sql=True)
    sql = capsys.readouterr().out
    assert "CREATE TABLE shelves" in sql
    assert "TIMESTAMP WITH TIME ZONE" in sql


def test_the_url_on_the_command_line_wins(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(URL_VARIABLE, "postgresql://nobody@127.0.0.1:9/nothing")
    config = Config("alembic.ini")
    config.cmd_opts = _Options(x=[f"url=sqlite:///{tmp_path}/x.db"])  # type: ignore[assignment]
    command.upgrade(config, "head")
    assert (tmp_path / "x.db").exists()


class _Options:
    def __init__(self, x: list[str]) -> None:
        self.x = x


def test_without_any_url_the_error_says_what_to_set(project: Path) -> None:
    with pytest.raises(MigrationConfigError, match=URL_VARIABLE):
        command.upgrade(Config("alembic.ini"), "head")


def test_loggers_of_the_application_stay_enabled(project: Path, tmp_path: Path) -> None:
    logger = logging.getLogger(f"app.{uuid.uuid4().hex}")
    config = Config("alembic.ini")
    config.set_main_option("sqlalchemy.url", f"sqlite:///{tmp_path}/x.db")
    command.upgrade(config, "head")
    assert not logger.disabled


def test_a_configuration_is_a_file_a_folder_or_an_object(project: Path, tmp_path: Path) -> None:
    config = Config()
    assert load_config(config) is config
    assert load_config().get_main_option("script_location") == str(project / "migrations")
    assert load_config(project / "migrations").get_main_option("script_location") == str(
        project / "migrations"
    )
    with pytest.raises(MigrationConfigError, match="init alembic"):
        load_config(tmp_path / "missing.ini")


async def test_a_shared_engine_event_sees_one_connection(project: Path, sqlite_url: str) -> None:
    """The migration uses the engine that it was given, not one of its own."""
    engine = create_async_engine(sqlite_url)
    connects: list[object] = []
    event.listen(engine.sync_engine, "connect", lambda *given: connects.append(given))
    await run_migrations(engine)
    assert len(connects) == 1
    await engine.dispose()


@pytest.mark.parametrize("metadata", ["app.models", "app.models:", ":Base", "app models:Base"])
def test_a_malformed_name_of_the_tables_is_refused(metadata: str) -> None:
    with pytest.raises(ValueError, match=r"package\.module:Base"):
        alembic_files(metadata)


def test_the_files_go_where_they_are_asked_to() -> None:
    files = alembic_files("app.models:Base.metadata", folder="src/db")
    assert set(files) == {
        "alembic.ini",
        "src/db/env.py",
        "src/db/script.py.mako",
        "src/db/versions/.gitkeep",
    }
    assert "script_location = %(here)s/src/db" in files["alembic.ini"]
    assert "from app.models import Base\n" in files["src/db/env.py"]
    assert "run_environment(Base.metadata)" in files["src/db/env.py"]
