"""The current user, set by a dependency."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated

import pytest
from fastapi import Depends, FastAPI, Header
from httpx import AsyncClient
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from migrate_async.runtime.current_user import current_user_id, track_user
from migrate_async.runtime.database import Database
from migrate_async.runtime.testing.client import async_client
from support.library import Author, LibraryBase


def user_id(x_user: str | None = Header(default=None)) -> str | None:
    """Sync on purpose: FastAPI runs it in a thread, whose context is a copy."""
    return x_user


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[AsyncClient]:
    database = Database(f"sqlite:///{tmp_path}/library.db")
    async with database.engine.begin() as connection:
        await connection.run_sync(LibraryBase.metadata.create_all)
    app = FastAPI()

    @app.post("/authors/{name}", dependencies=[Depends(track_user(user_id))])
    async def create(name: str, db: Annotated[AsyncSession, Depends(database.get_db)]) -> None:
        db.add(Author(name=name))  # flushed by the commit, after this function

    @app.get("/authors/{name}")
    async def created_by(
        name: str, db: Annotated[AsyncSession, Depends(database.get_db)]
    ) -> str | None:
        return await db.scalar(select(Author.created_by).where(Author.name == name))

    @app.get("/sync")
    def in_a_thread(user: str | None = Depends(track_user(user_id))) -> list[str | None]:
        return [user, current_user_id()]

    @app.get("/untracked")
    async def untracked() -> str | None:
        return current_user_id()

    async with async_client(app) as client:
        yield client
    await database.close()


async def test_the_user_is_still_known_when_the_commit_flushes(client: AsyncClient) -> None:
    await client.post("/authors/ada", headers={"x-user": "alice"})
    await client.post("/authors/bob", headers={"x-user": "carol"})
    await client.post("/authors/eve")
    found = [(await client.get(f"/authors/{name}")).json() for name in ("ada", "bob", "eve")]
    assert found == ["alice", "carol", None]


async def test_sync_routes_see_the_user(client: AsyncClient) -> None:
    assert (await client.get("/sync", headers={"x-user": "alice"})).json() == ["alice", "alice"]


async def test_the_user_does_not_leak_into_the_next_request(client: AsyncClient) -> None:
    await client.get("/sync", headers={"x-user": "alice"})
    assert (await client.get("/untracked")).json() is None
