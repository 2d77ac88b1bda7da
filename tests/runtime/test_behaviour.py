"""What a request's session does, seen by the client and the database.

Runs against whatever FastAPI is installed; `tests/matrix/run.py` runs it against each line of
FastAPI's releases. The server is real: disconnects cannot be simulated in process.
"""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, InvalidRequestError

from migrate_async.runtime.database import Database, close_db, init_db
from migrate_async.runtime.errors import UncommittedWorkWarning
from support.behaviour_app import Signals, create_tables, make_app
from support.databases import BACKENDS, fresh_database
from support.server import eventually, open_request, serve

POOL = {"pool_size": 2, "max_overflow": 0, "pool_timeout": 0.2}
RUNNING_QUERIES = {
    "postgresql": "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' "
    "AND datname = current_database() AND query LIKE '%pg_sleep%' AND pid <> pg_backend_pid()",
    "mysql": "SELECT count(*) FROM information_schema.processlist WHERE db = database() "
    "AND info LIKE '%SLEEP%' AND id <> connection_id()",
}
servers = pytest.mark.parametrize("backend", ["postgresql", "mariadb"], indirect=True)
loses_writes = pytest.mark.filterwarnings(
    "ignore::migrate_async.runtime.errors.UncommittedWorkWarning"
)
deferring = pytest.mark.parametrize("backend", ["sqlite", "postgresql"], indirect=True)


class World:
    """The application on the default database, and an observer who reads what is committed."""

    def __init__(self, database: Database, observer: Database) -> None:
        self.database = database
        self.observer = observer
        self.app = make_app()
        self.signals: Signals = self.app.state.signals
        self.client: httpx.AsyncClient
        self.base_url = ""

    async def ids(self) -> list[int]:
        """The committed rows."""
        async with self.observer.session() as session:
            return list(await session.scalars(text("SELECT id FROM item ORDER BY id")))

    async def running_queries(self) -> int:
        statement = text(RUNNING_QUERIES[self.observer.engine.dialect.name])
        async with self.observer.session() as session:
            return int((await session.execute(statement)).scalar_one())

    async def no_query_runs(self) -> bool:
        return await self.running_queries() == 0

    async def all_returned(self) -> None:
        """No connection stays out of the pool."""
        await eventually(lambda: self.database.info().pool.checked_out == 0)


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
async def world(backend: str, tmp_path: Path) -> AsyncIterator[World]:
    """The application served over HTTP; at the end every connection must be back."""
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(fresh_database(backend, tmp_path))
        stack.push_async_callback(close_db)
        database = init_db(url, engine_options=POOL)
        # Deferred, so that reading does not wait for SQLite's one writer.
        deferred = {"sqlite_begin": "DEFERRED", "pool_size": 1}
        observer = init_db(url, name="observer", engine_options=deferred)
        await create_tables(observer)
        world = World(database, observer)
        world.base_url = await stack.enter_async_context(serve(world.app))
        client = httpx.AsyncClient(base_url=world.base_url, timeout=30)
        world.client = await stack.enter_async_context(client)
        yield world
        await world.all_returned()


async def test_what_a_route_writes_is_committed(world: World) -> None:
    """No commit in the route, and the row is there when the client has the answer."""
    response = await world.client.post("/items/7")

    assert response.status_code == 200
    assert await world.ids() == [7]


async def test_dependencies_share_the_session_of_the_route(world: World) -> None:
    """A dependency with `yield` may depend on `get_db`, and gets the same session."""
    response = await world.client.post("/twice")

    assert response.json() is True
    assert await world.ids() == [1]


async def test_a_sync_route_may_depend_on_it(world: World) -> None:
    """An unmigrated `def` route beside a migrated dependency still works."""
    assert (await world.client.post("/sync-route")).json() is True


@deferring
async def test_a_failed_commit_reaches_the_exception_handlers(world: World) -> None:
    """The client learns of it: the application's own handler turns it into a 409."""
    response = await world.client.post("/commit-fails")

    assert response.status_code == 409
    assert await world.ids() == []


@deferring
async def test_a_failed_commit_without_a_handler_is_an_error(world: World) -> None:
    """Never a 200 for what was not saved."""
    world.app.exception_handlers.pop(IntegrityError)

    response = await world.client.post("/commit-fails")

    assert response.status_code == 500
    assert await world.ids() == []


async def test_a_returned_error_status_commits_by_default(world: World) -> None:
    """A returned response is a decision of the route, so its writes are kept."""
    await world.client.post("/returns/400")

    assert await world.ids() == [400]


async def test_a_returned_error_status_rolls_back_by_policy(world: World) -> None:
    """With `commit_policy="status"` an answer from 400 on keeps nothing."""
    world.database.commit_policy = "status"

    for status in (201, 302, 400, 503):
        await world.client.post(f"/returns/{status}")

    assert await world.ids() == [201, 302]


async def test_nothing_is_committed_by_manual_policy(world: World) -> None:
    """With `commit_policy="manual"` the route commits, or nobody does."""
    world.database.commit_policy = "manual"

    await world.client.post("/items/7")

    assert await world.ids() == []


@pytest.mark.parametrize(("path", "status"), [("/http-error", 418), ("/error", 500)])
async def test_an_exception_rolls_back(world: World, path: str, status: int) -> None:
    """HTTPException and any other."""
    response = await world.client.post(path)

    assert response.status_code == status
    assert await world.ids() == []


async def test_a_route_may_commit_and_close_by_itself(world: World) -> None:
    """Habits of the sync code do no harm."""
    response = await world.client.post("/closes-itself")

    assert response.status_code == 200
    assert await world.ids() == [1]


async def test_a_session_is_of_no_use_after_its_request(world: World) -> None:
    """A task that outlives the request gets an error, not a connection nobody returns."""
    await world.client.get("/keeps")

    async def is_closed() -> bool:
        try:
            await world.signals.sessions[0].execute(text("SELECT 1"))
        except InvalidRequestError:
            return True
        await world.signals.sessions[0].rollback()
        return False

    await eventually(is_closed)


async def test_a_stream_may_use_the_session(world: World) -> None:
    """The session lives until the last chunk; what the route wrote is already committed."""
    response = await world.client.get("/stream")

    assert response.text == "123"
    assert await world.ids() == [1]


@loses_writes
async def test_an_aborted_stream_commits_nothing(world: World) -> None:
    """The client goes away between two statements of the stream."""
    await abort_stream(world, "/stream-writes")

    assert await world.ids() == []


@servers
@loses_writes
async def test_a_stream_aborted_in_a_query_commits_nothing(world: World) -> None:
    """The client goes away while the database works; the query is stopped, too."""
    await abort_stream(world, "/stream-writes?in_query=true", in_query=True)

    await eventually(world.no_query_runs)
    assert await world.ids() == []


async def abort_stream(world: World, path: str, *, in_query: bool = False) -> None:
    async with open_request(world.base_url, path) as reader:
        await asyncio.wait_for(reader.readuntil(b"line 3"), 10)
        if in_query:
            await eventually(world.running_queries)
    await asyncio.wait_for(world.signals.reached.wait(), 10)
    await world.all_returned()


async def test_a_background_task_may_commit(world: World) -> None:
    """The session is still open when background tasks run."""
    response = await world.client.post("/background?commit=true")

    assert response.status_code == 200
    await world.all_returned()
    assert await world.ids() == [1, 2]


async def test_a_write_lost_in_a_background_task_is_announced(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """A task that forgets to commit loses its write, and the log names the route."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UncommittedWorkWarning)
        await world.client.post("/background?commit=false")
        await eventually(lambda: "POST /background" in caplog.text)

    assert UncommittedWorkWarning in [warning.category for warning in caught]
    assert await world.ids() == [1]


@servers
async def test_a_cancelled_request_leaves_no_query_behind(world: World) -> None:
    """A timeout in middleware: connection back, write undone, query stopped on the server."""
    request = asyncio.create_task(world.client.get("/slow"))
    await eventually(world.running_queries)

    world.signals.timeout.cancel()

    assert (await request).status_code == 504
    await eventually(world.no_query_runs)
    await world.all_returned()
    assert await world.ids() == []


async def test_a_disconnect_does_not_interrupt_an_ordinary_route(world: World) -> None:
    """The client goes away, the route finishes, its work is committed."""
    async with open_request(world.base_url, "/waits"):
        await asyncio.wait_for(world.signals.reached.wait(), 10)
    world.signals.go_on.set()

    async def committed() -> bool:
        return await world.ids() == [1]

    await eventually(committed)


async def test_an_exhausted_pool_answers_503(world: World) -> None:
    """With Retry-After, as soon as `pool_timeout` is over; later requests succeed again."""
    async with world.database.engine.connect(), world.database.engine.connect():
        response = await world.client.post("/items/1")

    assert response.status_code == 503
    assert response.headers["Retry-After"] == "1"
    assert (await world.client.post("/items/2")).status_code == 200
    assert await world.ids() == [2]


@pytest.mark.parametrize(("path", "expected"), [("/ws", [1]), ("/ws?fail=true", [])])
async def test_a_websocket_commits_when_it_ends(
    world: World, path: str, expected: list[int]
) -> None:
    """Committed at the end of the endpoint, rolled back if that raised."""
    sent: list[dict[str, Any]] = []
    incoming = iter(
        [
            {"type": "websocket.connect"},
            {"type": "websocket.receive", "text": "1"},
            {"type": "websocket.disconnect", "code": 1000},
        ]
    )

    async def receive() -> dict[str, Any]:
        return next(incoming)

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    try:
        await world.app(websocket_scope(path), receive, send)
    except ValueError:
        assert "fail" in path

    assert sent[0]["type"] == "websocket.accept"
    assert await world.ids() == expected


def websocket_scope(url: str) -> dict[str, Any]:
    path, _, query = url.partition("?")
    return {
        "type": "websocket",
        "asgi": {"version": "3.0"},
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "scheme": "ws",
        "headers": [],
        "subprotocols": [],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }
