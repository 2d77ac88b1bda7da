"""Alembic on an async engine: in a running event loop, outside of one, and in tests.

The trouble with the usual async `env.py` is that it calls `asyncio.run`, which fails as soon as
migrations are run by a program instead of the command line. Here `env.py` is three lines::

    from migrate_async.runtime.migrations import run_environment
    from app.models import Base

    run_environment(Base.metadata)

and `alembic upgrade head`, `await run_migrations(engine)` in a lifespan, and a test which passes
its own connection all use it.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from logging.config import fileConfig
from pathlib import Path
from typing import Any, Literal, TypeVar

from sqlalchemy import Connection, MetaData, NullPool
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.pool import StaticPool

from migrate_async.runtime.database import URL_VARIABLE, Database
from migrate_async.runtime.datetimes import UTCDateTime
from migrate_async.runtime.engine import create_async_engine
from migrate_async.runtime.errors import MigrateAsyncRuntimeError, MissingDependencyError
from migrate_async.runtime.urls import to_async_url

try:
    from alembic import command, context
    from alembic.autogenerate.api import AutogenContext
    from alembic.config import Config
except ImportError as error:
    raise MissingDependencyError("alembic", "alembic") from error

T = TypeVar("T")
Target = AsyncEngine | AsyncConnection | Database
ConfigSource = Config | str | Path | None

CONNECTION = "connection"
"""The key in `Config.attributes` under which Alembic's recipes pass a connection."""


class MigrationConfigError(MigrateAsyncRuntimeError):
    """Alembic's configuration was not found, or names no database."""


async def run_migrations(
    target: Target, revision: str = "head", *, config: ConfigSource = None
) -> None:
    """Upgrade a database to a revision, from async code such as a lifespan.

    :param target: an engine, a `Database`, or a connection. In the transaction of a given
        connection everything happens and nothing is committed.
    :param config: `alembic.ini`, a folder with `env.py`, or a `Config`; default: `alembic.ini`.
    :raises MigrationConfigError: the configuration does not exist.
    """
    await run_alembic(target, command.upgrade, revision, config=config)


async def run_alembic(
    target: Target,
    operation: Callable[..., T],
    *arguments: Any,
    config: ConfigSource = None,
    **options: Any,
) -> T:
    """Run any function of `alembic.command`: `await run_alembic(engine, command.downgrade, "-1")`.

    Parameters as of `run_migrations`.
    """
    loaded = load_config(config)

    def call(connection: Connection) -> T:
        loaded.attributes[CONNECTION] = connection
        try:
            return operation(loaded, *arguments, **options)
        finally:
            del loaded.attributes[CONNECTION]

    if isinstance(target, AsyncConnection):
        if not target.in_transaction():
            await target.begin()  # Alembic commits only what it has begun itself
        return await target.run_sync(call)
    engine = target.engine if isinstance(target, Database) else target
    async with engine.connect() as connection:
        return await connection.run_sync(_in_own_connection, call)


def run_migrations_sync(
    target: AsyncEngine | Database | str | URL,
    revision: str = "head",
    *,
    config: ConfigSource = None,
) -> None:
    """Upgrade a database from sync code: a script, a command, a sync fixture.

    Parameters as of `run_migrations`; a URL may also be that of a sync driver. An engine's idle
    connections are closed at the end, since they belong to an event loop that is over.

    :raises RuntimeError: an event loop runs in this thread: `await run_migrations(...)` there.
    """

    async def run() -> None:
        engine = _engine_of(target)
        try:
            await run_migrations(engine, revision, config=config)
        finally:
            if not isinstance(engine.pool, StaticPool):  # that would be the database itself
                await engine.dispose()

    if _loop_is_running():
        raise RuntimeError("an event loop is running: `await run_migrations(...)` instead")
    asyncio.run(run())


def _engine_of(target: AsyncEngine | Database | str | URL) -> AsyncEngine:
    if isinstance(target, (str, URL)):
        return create_async_engine(target, poolclass=NullPool)
    return target.engine if isinstance(target, Database) else target


def load_config(source: ConfigSource = None) -> Config:
    """Return Alembic's configuration from a file, from a folder with `env.py`, or as it is.

    :raises MigrationConfigError: there is no such file or folder.
    """
    if isinstance(source, Config):
        return source
    path = Path("alembic.ini" if source is None else source)
    if path.is_dir() and (path / "env.py").exists():
        config = Config()
        config.set_main_option("script_location", str(path).replace("%", "%%"))
        return config
    if not path.is_file():
        raise MigrationConfigError(
            f"no Alembic configuration at {path}: `migrate-async init alembic` makes one"
        )
    return Config(str(path))


def run_environment(
    metadata: MetaData | list[MetaData], *, url: str | URL | None = None, **options: Any
) -> None:
    """Do what `env.py` is there for: to be called in it, with the tables of the application.

    The database is, in this order: the connection passed by `run_migrations`;
    `alembic -x url=...`; `url`; DATABASE_URL; `sqlalchemy.url` in the configuration.

    :param options: for Alembic's `context.configure`: `include_object`, `version_table` and so on.
    :raises MigrationConfigError: none of them is given.
    """
    config = context.config
    settings = {"target_metadata": metadata, "render_item": render_item, **options}
    connection = config.attributes.get(CONNECTION)
    if connection is not None:
        _migrate(connection, settings)
        return
    if config.config_file_name is not None and config.get_section("loggers"):
        fileConfig(config.config_file_name, disable_existing_loggers=False)
    database = _find_url(url)
    if context.is_offline_mode():
        _write_sql(database, settings)
    else:
        run_blocking(_connect_and_migrate(database, settings))


def _find_url(given: str | URL | None) -> URL:
    url = (
        context.get_x_argument(as_dictionary=True).get("url")
        or given
        or os.environ.get(URL_VARIABLE)
        or context.config.get_main_option("sqlalchemy.url")
    )
    if not url:
        raise MigrationConfigError(
            f"no database to migrate: set {URL_VARIABLE}, sqlalchemy.url in alembic.ini, "
            "or call `alembic -x url=... upgrade head`"
        )
    return to_async_url(url)


async def _connect_and_migrate(url: URL, settings: dict[str, Any]) -> None:
    engine = create_async_engine(url, poolclass=NullPool)
    try:
        async with engine.connect() as connection:
            await connection.run_sync(_in_own_connection, lambda c: _migrate(c, settings))
    finally:
        await engine.dispose()


def _migrate(connection: Connection, settings: dict[str, Any]) -> None:
    # SQLite can hardly alter a table: Alembic's batch mode copies it instead.
    batch = {"render_as_batch": connection.dialect.name == "sqlite"}
    context.configure(connection=connection, **{**batch, **settings})
    with context.begin_transaction():
        context.run_migrations()


def _write_sql(url: URL, settings: dict[str, Any]) -> None:
    context.configure(
        url=url,
        literal_binds=True,
        dialect_opts={"paramstyle": "named"},
        **{"render_as_batch": url.get_backend_name() == "sqlite", **settings},
    )
    with context.begin_transaction():
        context.run_migrations()


def _in_own_connection(connection: Connection, call: Callable[[Connection], T]) -> T:
    with _without_foreign_keys(connection):
        result = call(connection)
        # Databases without transactional DDL leave the last statement to us.
        connection.commit()
    return result


@contextmanager
def _without_foreign_keys(connection: Connection) -> Iterator[None]:
    """Switch foreign keys off on SQLite, where batch mode drops and renames tables.

    Otherwise dropping the old table would delete, by ON DELETE CASCADE, the rows that refer to it.
    """
    if connection.dialect.name != "sqlite":
        yield
        return
    before = _pragma(connection, "foreign_keys")
    _pragma(connection, "foreign_keys = OFF")
    try:
        yield
    finally:
        connection.rollback()  # in a transaction, SQLite ignores the PRAGMA
        _pragma(connection, f"foreign_keys = {before}")


def _pragma(connection: Connection, text: str) -> int:
    """Execute a PRAGMA below SQLAlchemy, which would begin a transaction first."""
    cursor = connection.connection.cursor()
    cursor.execute(f"PRAGMA {text}")
    row = cursor.fetchone()
    cursor.close()
    return int(row[0]) if row else 0


def render_item(kind: str, item: Any, autogenerate: AutogenContext) -> str | Literal[False]:
    """Write `UTCDateTime` columns into migrations as plain SQLAlchemy types.

    A migration must go on working when the application has dropped this library.
    """
    if kind != "type" or not isinstance(item, UTCDateTime):
        return False
    autogenerate.imports.add("from sqlalchemy.dialects import mysql")
    return "sa.DateTime(timezone=True).with_variant(mysql.DATETIME(fsp=6), 'mysql', 'mariadb')"


def run_blocking(coroutine: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine to its end, even if this thread runs an event loop: it is blocked then.

    For an `env.py` that a program runs through `alembic.command`; the command line needs no more
    than `asyncio.run`.
    """
    if not _loop_is_running():
        asyncio.run(coroutine)
        return
    with ThreadPoolExecutor(max_workers=1) as thread:
        thread.submit(asyncio.run, coroutine).result()


def _loop_is_running() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
