"""Health routes, lifespan and the answer to a busy pool."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import exc

from migrate_async.runtime.database import Database, close_db, init_db, known_databases
from migrate_async.runtime.errors import DatabaseNotInitialised
from migrate_async.runtime.http import health_router, install_error_handlers, lifespan


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    yield init_db(f"sqlite:///{tmp_path / 'data.db'}", engine_options={"pool_size": 1})
    await close_db()


async def get(app: FastAPI, path: str) -> httpx.Response:
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        return await client.get(path)


def with_health(*databases: Database, **options: Any) -> FastAPI:
    app = FastAPI()
    app.include_router(health_router(*databases, **options))
    return app


@pytest.mark.parametrize("path", ["/health", "/health/ready"])
async def test_a_healthy_database(database: Database, path: str) -> None:
    """The default database; the answer has what a dashboard needs and nothing secret."""
    response = await get(with_health(), path)

    assert response.status_code == 200
    body = response.json()
    assert body["status"] == "ok"
    state = body["databases"]["default"]
    assert state["ok"] is True
    assert state["driver"] == "aiosqlite"
    assert state["pool"]["checked_out"] == 0
    assert "url" not in state


async def test_one_database_down_is_not_ready(database: Database) -> None:
    """Of several, named in the call."""
    down = Database("postgresql://u:secret@127.0.0.1:1/d", name="down")

    response = await get(with_health(database, down, prefix="/up"), "/up")

    assert response.status_code == 503
    assert response.json()["status"] == "unavailable"
    assert response.json()["databases"]["default"]["ok"] is True
    assert response.json()["databases"]["down"]["ok"] is False
    assert "secret" not in response.text
    assert "127.0.0.1" not in response.text


async def test_liveness_asks_no_database() -> None:
    """A database that is down is no reason to restart the process."""
    response = await get(with_health(), "/health/live")

    assert (response.status_code, response.json()) == (200, {"status": "ok"})


async def test_the_lifespan_closes_every_database(database: Database) -> None:
    """At the end, also after an error."""
    init_db(database.url, name="second")
    async with lifespan(FastAPI()):
        assert len(known_databases()) == 2

    assert known_databases() == ()


async def test_the_lifespan_needs_a_database(monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing setting stops the start, not the first request."""
    monkeypatch.delenv("DATABASE_URL", raising=False)

    with pytest.raises(DatabaseNotInitialised):
        async with lifespan():
            pass


async def test_an_exhausted_pool_outside_of_get_db(database: Database) -> None:
    """503 with Retry-After, from any code that uses the pool."""
    database.engine_options["pool_timeout"] = 0.01
    database.engine_options["max_overflow"] = 0
    app = FastAPI()
    install_error_handlers(app, retry_after=7)

    @app.get("/")
    async def route() -> None:
        async with database.engine.connect(), database.engine.connect():
            pass

    response = await get(app, "/")

    assert response.status_code == 503
    assert response.headers["Retry-After"] == "7"


async def test_other_timeouts_stay_errors() -> None:
    """Only the pool's is a matter of trying again."""
    app = FastAPI()
    install_error_handlers(app)

    @app.get("/")
    async def route() -> None:
        raise exc.TimeoutError

    assert (await get(app, "/")).status_code == 500
