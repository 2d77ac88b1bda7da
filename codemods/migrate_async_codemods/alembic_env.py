"""Alembic's `env.py` on an async engine."""

from __future__ import annotations

from migrate_async.model.plan import Step
from migrate_async.rewrite.codemod import Example, PlannedCodemod


class AlembicEnv(PlannedCodemod):
    """Run the migrations of an `env.py` on an async engine.

    ## Why

    An `env.py` that connects on the application's engine fails once that is async. One with an
    engine of its own goes on working as long as a sync driver is installed.

    ## What it does

    The block that holds the connection becomes a function, which an async connection runs with
    `run_sync`, as in Alembic's async template; the function around it becomes a coroutine, run
    with `asyncio.run`. Where the project calls `alembic.command` itself, `run_blocking` of the
    runtime takes its place: that also works inside an event loop. What is configured, where the URL
    comes from and the offline mode stay as they are.

    With the steps `async` and `all` this happens where the engine is the application's; with the
    step `alembic` everywhere.

    ## Left alone

    Environments that are async already. Left and reported (`MA561`): an engine that a function of
    the project makes or whose use goes beyond connecting, connections of several databases kept in
    a dict, blocks that are left half-way, a connection that the caller passes. Revisions with
    several statements in one string are reported as `MA562`: asyncpg refuses them.
    """

    NAME = "alembic-env"
    CODE = "MA560"
    STEP = Step.ALEMBIC
    AFTER = ("async-engine",)
    EXAMPLES = (
        Example(
            "Alembic's own template",
            before='''\
from alembic import context
from sqlalchemy import engine_from_config, pool

from app.models import Base

config = context.config


def run_migrations_online() -> None:
    """Run migrations in 'online' mode."""
    connectable = engine_from_config(
        config.get_section(config.config_ini_section, {}),
        prefix="sqlalchemy.",
        poolclass=pool.NullPool,
    )

    with connectable.connect() as connection:
        context.configure(connection=connection, target_metadata=Base.metadata, compare_type=True)

        with context.begin_transaction():
            context.run_migrations()


run_migrations_online()
''',
            after='''\
import asyncio

from alembic import context
from sqlalchemy import pool

from app.models import Base
from migrate_async import async_engine_from_config
from sqlalchemy.engine import Connection

config = context.config


async def run_migrations_online() -> None:
    """Run migrations in 'online' mode."""
    connectable = async_engine_from_config(
        config.get_section(config.config_ini_section, {}),
        prefix="sqlalchemy.",
        poolclass=pool.NullPool,
    )

    def do_run_migrations(connection: Connection) -> None:
        context.configure(connection=connection, target_metadata=Base.metadata, compare_type=True)

        with context.begin_transaction():
            context.run_migrations()

    async with connectable.connect() as connection:
        await connection.run_sync(do_run_migrations)

    await connectable.dispose()


asyncio.run(run_migrations_online())
''',
        ),
        Example(
            "the template of old versions, a connection closed by hand",
            before="""\
from alembic import context
from sqlalchemy import create_engine


def run_migrations_online():
    engine = create_engine("postgresql://localhost/app")
    connection = engine.connect()
    context.configure(connection=connection)  # no metadata

    try:
        with context.begin_transaction():
            context.run_migrations()
    finally:
        connection.close()


run_migrations_online()
""",
            after="""\
import asyncio

from alembic import context
from sqlalchemy.ext.asyncio import create_async_engine


async def run_migrations_online():
    engine = create_async_engine("postgresql+asyncpg://localhost/app")

    def do_run_migrations(connection):
        context.configure(connection=connection)  # no metadata

        with context.begin_transaction():
            context.run_migrations()

    try:
        async with engine.connect() as connection:
            await connection.run_sync(do_run_migrations)
    finally:
        await engine.dispose()


asyncio.run(run_migrations_online())
""",
        ),
        Example(
            "the connection of a caller may be a sync one",
            before="""\
from alembic import context
from sqlalchemy import engine_from_config

config = context.config


def run_migrations_online():
    connectable = config.attributes.get("connection", None)
    if connectable is None:
        connectable = engine_from_config(config.get_section(config.config_ini_section))

    with connectable.connect() as connection:
        context.configure(connection=connection)
        with context.begin_transaction():
            context.run_migrations()


run_migrations_online()
""",
        ),
        Example(
            "an environment that is async already",
            before="""\
import asyncio

from alembic import context
from sqlalchemy.ext.asyncio import create_async_engine


def do_run_migrations(connection):
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()


async def run_migrations_online():
    connectable = create_async_engine("sqlite+aiosqlite:///app.db")
    async with connectable.connect() as connection:
        await connection.run_sync(do_run_migrations)
    await connectable.dispose()


asyncio.run(run_migrations_online())
""",
        ),
    )
