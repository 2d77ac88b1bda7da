"""An application whose routes do, with the request's session, what applications do.

The table is `item (id, parent_id)`. A foreign key deferred to the COMMIT makes commits fail.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any

import anyio
from fastapi import APIRouter, BackgroundTasks, Depends, FastAPI, HTTPException, WebSocket
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from migrate_async.runtime.database import Database
from migrate_async.runtime.dependencies import DbSession, get_db

SLOW_QUERY = {"postgresql": "SELECT pg_sleep(60)", "mysql": "SELECT SLEEP(60)"}

router = APIRouter()


class Signals:
    """What routes and tests tell each other; found as `app.state.signals`."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        """The route is where the test wants it."""
        self.go_on = asyncio.Event()
        """The test lets the route go on."""
        self.timeout = anyio.CancelScope()
        """Cancelled by the test to time `/slow` out."""
        self.sessions: list[AsyncSession] = []
        """Sessions that outlive their requests."""


def make_app() -> FastAPI:
    """The routes, an exception handler, and a timeout middleware around `/slow`."""
    app = FastAPI()
    app.state.signals = Signals()
    app.include_router(router)
    app.add_exception_handler(IntegrityError, conflict)
    app.add_middleware(TimeoutMiddleware, signals=app.state.signals)
    return app


async def create_tables(database: Database) -> None:
    """The tables, with deferred constraints where the server has them."""
    deferred = "" if database.engine.dialect.name == "mysql" else "DEFERRABLE INITIALLY DEFERRED"
    reference = f"INTEGER REFERENCES parent (id) {deferred}"
    async with database.transaction() as session:
        await session.execute(text("CREATE TABLE parent (id INTEGER PRIMARY KEY)"))
        await session.execute(
            text(f"CREATE TABLE item (id INTEGER PRIMARY KEY, parent_id {reference})")
        )


class TimeoutMiddleware:
    """Cancels a request the way a timeout does: the task is interrupted again and again."""

    def __init__(self, app: Any, signals: Signals) -> None:
        self.app = app
        self.timeout = signals.timeout

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope.get("path") != "/slow":
            await self.app(scope, receive, send)
            return
        with self.timeout:
            await self.app(scope, receive, send)
        if self.timeout.cancel_called:
            await Response(status_code=504)(scope, receive, send)


async def conflict(_request: Request, _error: Exception) -> Response:
    return JSONResponse({}, 409)


async def insert(db: AsyncSession, id_: int, parent: int | None = None) -> None:
    statement = text("INSERT INTO item (id, parent_id) VALUES (:id, :parent)")
    await db.execute(statement, {"id": id_, "parent": parent})


async def nested(db: DbSession) -> AsyncIterator[AsyncSession]:
    yield db


@router.post("/items/{id_}")
async def create(id_: int, db: DbSession) -> dict[str, int]:
    await insert(db, id_)
    return {"id": id_}


@router.post("/twice")
async def twice(
    db: Annotated[AsyncSession, Depends(get_db)], same: Annotated[AsyncSession, Depends(nested)]
) -> bool:
    await insert(db, 1)
    return db is same


@router.post("/sync-route")
def sync_route(db: DbSession) -> bool:
    return isinstance(db, AsyncSession)


@router.post("/commit-fails")
async def commit_fails(db: DbSession) -> None:
    await insert(db, 1, parent=404)


@router.post("/returns/{status}")
async def returns(status: int, db: DbSession) -> Response:
    await insert(db, status)
    return JSONResponse({}, status)


@router.post("/http-error")
async def http_error(db: DbSession) -> None:
    await insert(db, 1)
    raise HTTPException(418)


@router.post("/error")
async def error(db: DbSession) -> None:
    await insert(db, 1)
    raise ValueError


@router.post("/closes-itself")
async def closes_itself(db: DbSession) -> None:
    await insert(db, 1)
    await db.commit()
    await db.close()


@router.get("/keeps")
async def keeps(request: Request, db: DbSession) -> None:
    request.app.state.signals.sessions.append(db)


@router.get("/stream")
async def stream(db: DbSession) -> Response:
    async def lines() -> AsyncIterator[str]:
        for number in (1, 2, 3):
            found = await db.execute(text(f"SELECT {number}"))
            yield str(found.scalar_one())

    await insert(db, 1)
    return StreamingResponse(lines())


@router.get("/stream-writes")
async def stream_writes(request: Request, db: DbSession, in_query: bool = False) -> Response:
    """Three lines, then nothing more until the client goes away."""
    signals = request.app.state.signals

    async def lines() -> AsyncIterator[str]:
        try:
            for number in (1, 2, 3):
                await insert(db, number)
                yield f"line {number}\n"
            if in_query:
                await sleep_on_server(db)
            await signals.go_on.wait()
        finally:
            signals.reached.set()

    return StreamingResponse(lines())


@router.post("/background")
async def background(tasks: BackgroundTasks, commit: bool, db: DbSession) -> None:
    async def task() -> None:
        await insert(db, 2)
        if commit:
            await db.commit()

    await insert(db, 1)
    tasks.add_task(task)


@router.get("/slow")
async def slow(db: DbSession) -> None:
    await insert(db, 1)
    await sleep_on_server(db)


@router.get("/waits")
async def waits(request: Request, db: DbSession) -> None:
    await insert(db, 1)
    request.app.state.signals.reached.set()
    await request.app.state.signals.go_on.wait()


@router.websocket("/ws")
async def websocket(socket: WebSocket, db: DbSession, fail: bool = False) -> None:
    await socket.accept()
    await insert(db, int(await socket.receive_text()))
    if fail:
        raise ValueError
    await socket.close()


async def sleep_on_server(db: AsyncSession) -> None:
    await db.execute(text(SLOW_QUERY[db.get_bind().dialect.name]))
