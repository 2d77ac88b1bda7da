"""`get_db`: one session per request, committed before the response, closed after it.

Three steps, because FastAPI has two moments at which a dependency ends:

* the *session scope* opens the session and closes it when streams and background tasks are done;
* the *commit scope* ends after the handler and before the response, so that a failed COMMIT is
  still an exception: the exception handlers see it, the client gets an error;
* `get_db` itself is a plain function over both, which any other dependency may depend on. It
  enters them on the request's two exit stacks, where these are known: each dependency that FastAPI
  need not solve saves it a tenth of a millisecond.

Nothing is committed once the response has started: an aborted stream leaves nothing half done.
A background task which writes commits for itself; if it forgets, the loss is logged.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated, Any

from sqlalchemy.ext.asyncio import AsyncSession

from migrate_async.runtime.cancellation import close_shielded
from migrate_async.runtime.errors import MissingDependencyError, is_pool_exhausted
from migrate_async.runtime.late_writes import (
    announce_loss,
    pending_late_writes,
    watch_late_writes,
)
from migrate_async.runtime.route_hooks import (
    HAS_STACKS,
    function_stack,
    request_stack,
    response_status,
)

try:
    from fastapi import Depends, HTTPException
    from starlette.requests import HTTPConnection
    from starlette.types import Scope
except ImportError as error:
    raise MissingDependencyError("fastapi", "fastapi") from error

if TYPE_CHECKING:
    from migrate_async.runtime.database import Database

SessionDependency = Callable[..., Awaitable[AsyncSession]]

_SESSIONS_KEY = "migrate_async.sessions"
BUSY = "The service is busy, try again later."


def make_dependency(database: Callable[[], "Database"]) -> SessionDependency:
    """A `get_db` for the database which `database()` returns when a request asks for it."""
    maker = _stacked_dependency if HAS_STACKS else _scoped_dependency
    return maker(database)


def _scoped_dependency(database: Callable[[], "Database"]) -> SessionDependency:
    """With what FastAPI 0.121 and newer document: dependencies of two scopes."""

    async def session_scope(connection: HTTPConnection) -> AsyncIterator[AsyncSession]:
        async with request_session(database(), connection.scope) as session:
            yield session

    async def commit_scope(
        connection: HTTPConnection,
        session: Annotated[AsyncSession, Depends(session_scope)],
    ) -> AsyncIterator[None]:
        async with _Commit(database(), session, connection.scope):
            yield

    async def get_db(
        session: Annotated[AsyncSession, Depends(session_scope)],
        _: Annotated[None, Depends(commit_scope, scope="function")],
    ) -> AsyncSession:
        """The request's session; see `migrate_async.runtime.dependencies`."""
        return session

    return get_db


def _stacked_dependency(database: Callable[[], "Database"]) -> SessionDependency:
    """Through the stacks of `route_hooks`."""

    async def get_db(connection: HTTPConnection) -> AsyncSession:
        """The request's session; see `migrate_async.runtime.dependencies`."""
        scope, used = connection.scope, database()
        session, is_new = _session_of(used, scope)
        if is_new:
            request_stack(scope).push_async_callback(_close, used, session, scope)
        function_stack(scope).push_async_exit(_Commit(used, session, scope))
        return session

    return get_db


def _session_of(database: "Database", scope: Scope) -> tuple[AsyncSession, bool]:
    """The session of this database in a request, and whether it was made now.

    A database has one session in a request, also if both the default `get_db` and the
    database's own are asked for: two transactions in one request would wait for each other.
    """
    sessions: dict[Database, AsyncSession] = scope.setdefault(_SESSIONS_KEY, {})
    session = sessions.get(database)
    if session is not None:
        return session, False
    session = sessions[database] = database.sessionmaker()
    return session, True


async def _close(database: "Database", session: AsyncSession, scope: Scope) -> None:
    """Close a request's session, and say so if writes are lost with it."""
    # Nothing may be awaited before `close_shielded`, see there.
    del scope[_SESSIONS_KEY][database]
    lost = pending_late_writes(session)
    await close_shielded(session)
    if lost is not None:
        announce_loss(lost, _route_name(scope))


@asynccontextmanager
async def request_session(database: "Database", scope: Scope) -> AsyncIterator[AsyncSession]:
    """Open a session, close it whatever happens, and say so if writes were lost with it."""
    session, is_new = _session_of(database, scope)
    try:
        yield session
    finally:
        if is_new:
            await _close(database, session, scope)


class _Commit:
    """Commits when the handler has returned, as the database's commit policy says.

    :raises fastapi.HTTPException: 503 with Retry-After, when the pool was exhausted.
    """

    __slots__ = ("_database", "_scope", "_session")

    def __init__(self, database: "Database", session: AsyncSession, scope: Scope) -> None:
        self._database = database
        self._session = session
        self._scope = scope

    async def __aenter__(self) -> None:
        pass

    async def __aexit__(self, _kind: object, error: BaseException | None, _tb: object) -> None:
        try:
            if error is None:
                await _settle(self._database, self._session, response_status(self._scope))
        except Exception as failure:
            error = failure
            if not is_pool_exhausted(failure):
                raise
        if error is not None and is_pool_exhausted(error):
            raise pool_exhausted_response(self._database) from error


async def _settle(database: "Database", session: AsyncSession, status: int | None) -> None:
    if database.commit_policy == "manual":
        return
    if session.in_transaction():
        if database.commit_policy == "status" and status is not None and status >= 400:
            await session.rollback()
        else:
            await session.commit()
    watch_late_writes(session)


def pool_exhausted_response(database: "Database") -> HTTPException:
    """What a client is told when no connection became free in time."""
    return HTTPException(
        status_code=503,
        detail=BUSY,
        headers={"Retry-After": str(database.retry_after)},
    )


def _route_name(scope: Scope) -> str:
    route = scope.get("route")
    path: Any = getattr(route, "path", None) or scope.get("path", "?")
    return f"{scope.get('method', scope['type'].upper())} {path}"


def _default_database() -> "Database":
    from migrate_async.runtime.database import get_database  # noqa: PLC0415  it imports us

    return get_database()


get_db = make_dependency(_default_database)
DbSession = Annotated[AsyncSession, Depends(get_db)]
"""`async def route(db: DbSession)` is short for `db: AsyncSession = Depends(get_db)`."""
