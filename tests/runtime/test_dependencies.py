"""`get_db` beyond one database and one request: several databases, overrides, missing extras."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated

import httpx
import pytest
from fastapi import BackgroundTasks, Depends, FastAPI, HTTPException
from sqlalchemy import event, insert, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from migrate_async.runtime import route_hooks
from migrate_async.runtime.database import Database, close_db, init_db
from migrate_async.runtime.dependencies import DbSession, _scoped_dependency, get_db
from migrate_async.runtime.errors import UncommittedWorkWarning

app = FastAPI()


class Base(DeclarativeBase):
    pass


class Number(Base):
    __tablename__ = "number"
    id: Mapped[int] = mapped_column(primary_key=True)


@app.post("/numbers/{id_}")
async def create(id_: int, db: DbSession) -> None:
    await db.execute(insert(Number).values(id=id_))


@app.post("/forgotten")
async def forgotten(tasks: BackgroundTasks, db: DbSession) -> None:
    tasks.add_task(db.add, Number(id=1))


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = init_db(f"sqlite:///{tmp_path / 'data.db'}")
    await make_table(database)
    yield database
    await close_db()


async def make_table(database: Database) -> None:
    async with database.engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)


async def numbers(database: Database) -> list[int]:
    async with database.session() as session:
        return list(await session.scalars(text("SELECT id FROM number ORDER BY id")))


async def post(app: FastAPI, path: str) -> httpx.Response:
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        return await client.post(path)


async def test_two_databases_in_one_route(database: Database, tmp_path: Path) -> None:
    """Each with a session of its own, both committed."""
    other = Database(f"sqlite:///{tmp_path / 'other.db'}", name="other")
    await make_table(other)
    app = FastAPI()

    async def route(first: AsyncSession, second: AsyncSession) -> bool:
        await first.execute(insert(Number).values(id=1))
        await second.execute(insert(Number).values(id=2))
        return first is not second

    route.__annotations__ = {
        "first": Annotated[AsyncSession, Depends(database.get_db)],
        "second": Annotated[AsyncSession, Depends(other.get_db)],
        "return": bool,
    }
    app.post("/")(route)

    assert (await post(app, "/")).json() is True
    assert await numbers(database) == [1]
    assert await numbers(other) == [2]
    await other.close()


async def test_the_default_database_has_one_session_under_both_names(database: Database) -> None:
    """`get_db` and `init_db(...).get_db` in one request."""
    app = FastAPI()

    async def route(first: AsyncSession, second: AsyncSession) -> bool:
        await first.execute(insert(Number).values(id=1))
        return first is second

    route.__annotations__ = {
        "first": DbSession,
        "second": Annotated[AsyncSession, Depends(database.get_db)],
        "return": bool,
    }
    app.post("/")(route)

    assert (await post(app, "/")).json() is True
    assert await numbers(database) == [1]


async def test_it_can_be_overridden_for_tests(database: Database) -> None:
    """`app.dependency_overrides[get_db]` replaces it as a whole: nothing is committed for it."""

    async def override() -> AsyncIterator[AsyncSession]:
        async with database.session() as session:
            yield session

    app.dependency_overrides[get_db] = override
    await post(app, "/numbers/1")
    app.dependency_overrides.clear()
    await post(app, "/numbers/2")

    assert await numbers(database) == [2]


async def test_pending_objects_of_a_background_task_are_announced(database: Database) -> None:
    """Added, and neither flushed nor committed."""
    with pytest.warns(UncommittedWorkWarning, match="unflushed Number"):
        await post(app, "/forgotten")


def test_the_runtime_needs_fastapi_only_for_this() -> None:
    """Without it the database works, and the dependency names the extra to install."""
    code = """
import sys
sys.modules["fastapi"] = None
from migrate_async import Database
from migrate_async.runtime.errors import MissingDependencyError
database = Database("sqlite://")
try:
    database.get_db
except MissingDependencyError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "migrate-async[fastapi]" in done.stdout


@pytest.mark.skipif(not route_hooks.HAS_FUNCTION_SCOPE, reason="FastAPI before 0.121")
async def test_without_fastapi_s_stacks_two_scopes_do_the_same(database: Database) -> None:
    """Should a release call its stacks otherwise: commit before the response, close after it."""
    scoped = Depends(_scoped_dependency(lambda: database))
    app = FastAPI()
    seen: list[object] = []

    @app.post("/write")
    async def write(tasks: BackgroundTasks, db: AsyncSession = scoped) -> None:
        await db.execute(insert(Number).values(id=1))

        async def later() -> None:
            seen.extend(await numbers(database))
            seen.append((await db.execute(text("SELECT 2"))).scalar())

        tasks.add_task(later)

    @app.post("/fail")
    async def fail(db: AsyncSession = scoped) -> None:
        await db.execute(insert(Number).values(id=2))
        event.listen(db.sync_session, "before_commit", refuse)

    def refuse(_session: object) -> None:
        raise HTTPException(409)

    assert (await post(app, "/write")).status_code == 200
    assert (await post(app, "/fail")).status_code == 409
    assert seen == [1, 2]
    assert await numbers(database) == [1]


def test_fastapi_s_stacks_are_known() -> None:
    """A canary: without them `get_db` works, and costs more."""
    assert route_hooks.HAS_STACKS
