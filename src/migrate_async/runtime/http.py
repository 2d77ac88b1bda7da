"""The database as an application's neighbours see it: health, start and stop, busy signals.

::

    app = FastAPI(lifespan=lifespan)
    app.include_router(health_router())
    install_error_handlers(app)
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import Any

from sqlalchemy import exc

from migrate_async.runtime.database import (
    CHECK_TIMEOUT_SECONDS,
    Database,
    close_db,
    get_database,
)
from migrate_async.runtime.dependencies import BUSY
from migrate_async.runtime.errors import MissingDependencyError, is_pool_exhausted

try:
    from fastapi import APIRouter
    from starlette.requests import Request
    from starlette.responses import JSONResponse, Response
except ImportError as error:
    raise MissingDependencyError("fastapi", "fastapi") from error

DEFAULT_RETRY_AFTER = 1


@asynccontextmanager
async def lifespan(_app: object = None) -> AsyncIterator[None]:
    """Check that the default database is configured, and close all databases at the end.

    Pass it as `FastAPI(lifespan=lifespan)`, or enter it inside a lifespan of your own.

    :raises DatabaseNotInitialised: at start-up, if neither `init_db()` nor DATABASE_URL names one.
    """
    get_database()
    try:
        yield
    finally:
        await close_db()


def health_router(
    *databases: Database, prefix: str = "/health", timeout: float = CHECK_TIMEOUT_SECONDS
) -> APIRouter:
    """Routes for probes, of the given databases or the default one.

    `GET {prefix}/live` answers 200 while the process can answer at all. `GET {prefix}` and
    `GET {prefix}/ready` ask each database with a time limit of `timeout` seconds, and answer 503
    if one fails. No answer holds a URL, a host or a message of the server.
    """
    router = APIRouter(prefix=prefix, tags=["health"])

    async def live() -> dict[str, str]:
        return {"status": "ok"}

    async def ready() -> Response:
        states = {
            database.name: await _state(database, timeout)
            for database in databases or (get_database(),)
        }
        ok = all(state["ok"] for state in states.values())
        body = {"status": "ok" if ok else "unavailable", "databases": states}
        return JSONResponse(body, 200 if ok else 503)

    router.add_api_route("/live", live, methods=["GET"])
    router.add_api_route("/ready", ready, methods=["GET"])
    router.add_api_route("", ready, methods=["GET"], name="health")
    return router


async def _state(database: Database, timeout: float) -> dict[str, Any]:
    check = await database.check(timeout)
    info = database.info()
    return {
        **asdict(check),
        "driver": info.driver,
        "server_version": info.server_version,
        "pool": asdict(info.pool),
    }


def install_error_handlers(app: Any, *, retry_after: int = DEFAULT_RETRY_AFTER) -> None:
    """Answer 503 with Retry-After when the pool is exhausted.

    Routes with `get_db` do so without this; it adds the sessions that were opened otherwise.

    :param app: a FastAPI or Starlette application, before its first request.
    """

    async def handle(_request: Request, error: Exception) -> Response:
        if not is_pool_exhausted(error):
            raise error
        return JSONResponse({"detail": BUSY}, 503, {"Retry-After": str(retry_after)})

    app.add_exception_handler(exc.TimeoutError, handle)
