"""One call puts the shim under an application; modes are chosen by one line each."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated

import pytest
from fastapi import APIRouter, BackgroundTasks, Depends, FastAPI, WebSocket
from fastapi.responses import StreamingResponse
from fastapi.testclient import TestClient
from sqlalchemy import select
from sqlalchemy.exc import MissingGreenlet, StatementError
from sqlalchemy.orm import Session
from starlette.applications import Starlette
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route

from migrate_async.runtime.database import Database
from migrate_async.runtime.legacy import hooks
from migrate_async.runtime.legacy.hooks import UnsupportedFramework
from migrate_async.runtime.legacy.install import SessionScopeMiddleware, install, uninstall
from migrate_async.runtime.legacy.modes import Mode, current_mode, in_mode, use_mode
from migrate_async.runtime.legacy.sessions import legacy_sessionmaker
from migrate_async.runtime.tracking import current_scope
from support.legacy_books import Author, Book, checked_out, client_of, until

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

LOOP_THREAD = "the event loop's thread"
WORKER = "a worker thread"


def where() -> str:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return WORKER
    return LOOP_THREAD


def application(database: Database) -> FastAPI:  # noqa: C901  a list of routes
    """Routes of every kind, all of which use a sync session."""
    app = FastAPI()
    factory = legacy_sessionmaker(database)

    def get_db():  # type: ignore[no-untyped-def]
        session = factory()
        try:
            yield session
        finally:
            session.close()

    Legacy = Annotated[Session, Depends(get_db)]  # noqa: N806

    def titles(session: Session) -> list[str]:
        return sorted(book.title for book in session.get_one(Author, 1).books)

    @app.get("/sync")
    def sync(session: Legacy) -> list[str]:
        return [where(), str(current_mode()), *titles(session)]

    @app.get("/async")
    async def asynchronous(session: Legacy) -> list[str]:
        await asyncio.sleep(0)
        return [where(), str(current_mode()), *titles(session)]

    @app.get("/leak")
    def leak() -> str:
        factory().get_one(Author, 1).name = "nobody"
        return "leaked"

    @app.get("/leak/async")
    async def leak_in_async_code() -> str:
        factory().get_one(Author, 1)
        return "leaked"

    @app.get("/leak/error")
    def leak_and_fail() -> str:
        factory().get_one(Author, 1)
        raise KeyError

    @app.get("/background")
    def background(tasks: BackgroundTasks) -> str:
        tasks.add_task(lambda: factory().get_one(Author, 1))
        return "later"

    @app.get("/stream")
    def stream(session: Legacy) -> StreamingResponse:
        query = session.scalars(select(Book.title).order_by(Book.title)).yield_per(1)
        return StreamingResponse(f"{title} from {where()}\n" for title in query)

    @app.get("/threads")
    def threads_of_its_own() -> list[str]:
        def title(number: int) -> str:
            with factory() as session:
                return session.get_one(Book, number).title

        with factory() as session, ThreadPoolExecutor(2) as threads:
            numbers = session.scalars(select(Book.id)).all()
            session.rollback()
            return sorted(threads.map(title, numbers))

    @app.get("/task")
    async def in_a_task() -> str:
        async def work() -> str:
            session = factory()
            return await asyncio.to_thread(lambda: session.get_one(Author, 1).name)

        return await asyncio.create_task(work())

    @app.websocket("/socket")
    async def socket(socket: WebSocket, session: Legacy) -> None:
        await socket.accept()
        await socket.send_json(titles(session))
        await socket.close()

    return app


@pytest.mark.parametrize(
    ("mode", "place"), [("hop", WORKER), ("threads", WORKER), ("loop", LOOP_THREAD)]
)
async def test_sync_routes_run_where_the_mode_says(
    database: Database, mode: str, place: str
) -> None:
    app = application(database)
    install(app, mode=mode)
    async with client_of(app) as client:
        assert (await client.get("/sync")).json() == [place, mode, "Letters", "Notes"]


@pytest.mark.parametrize("mode", ["hop", "loop", "threads"])
async def test_async_routes_may_use_a_sync_session(database: Database, mode: str) -> None:
    app = application(database)
    install(app, mode=mode)
    async with client_of(app) as client:
        assert (await client.get("/async")).json() == [LOOP_THREAD, mode, "Letters", "Notes"]


@pytest.mark.parametrize("mode", ["hop", "loop"])
@pytest.mark.parametrize(
    "path", ["/leak", "/leak/async", "/leak/error", "/background", "/task", "/sync", "/stream"]
)
async def test_no_route_can_leak(database: Database, mode: str, path: str) -> None:
    """Ten requests on a pool of two connections."""
    app = application(database)
    install(app, mode=mode)
    async with client_of(app) as client:
        for _ in range(10):
            answer = await client.get(path)
            assert answer.status_code == (500 if path == "/leak/error" else 200)
            assert checked_out(database) == 0
        assert (await client.get("/sync")).json()[2:] == ["Letters", "Notes"]


@pytest.mark.parametrize(("mode", "place"), [("hop", WORKER), ("loop", LOOP_THREAD)])
async def test_sync_streams_read_rows(database: Database, mode: str, place: str) -> None:
    app = application(database)
    install(app, mode=mode)
    async with client_of(app) as client:
        text = (await client.get("/stream")).text
    assert text == f"Letters from {place}\nNotes from {place}\n"


@pytest.mark.parametrize("mode", ["hop", "loop"])
def test_websockets_may_use_a_sync_session(database: Database, mode: str) -> None:
    app = application(database)
    install(app, mode=mode)
    with TestClient(app) as client, client.websocket_connect("/socket") as socket:
        assert socket.receive_json() == ["Letters", "Notes"]


async def test_a_router_and_a_route_choose_their_modes(database: Database) -> None:
    app = FastAPI()
    router = APIRouter(prefix="/router", dependencies=[in_mode("loop")])

    @app.get("/app")
    @router.get("/default")
    def default() -> list[str]:
        return [where(), str(current_mode())]

    @router.get("/marked")
    @use_mode("hop")
    def marked() -> list[str]:
        return default()

    @router.get("/depends", dependencies=[in_mode(Mode.THREADS)])
    def depends() -> list[str]:
        return default()

    @router.get("/native")
    @use_mode("native")
    async def native() -> list[str]:
        return default()

    app.include_router(router, prefix="/v1")
    install(app, mode="loop")
    install(app, mode="hop")
    async with client_of(app) as client:
        paths = ["/app", *(f"/v1/router/{name}" for name in ("default", "marked", "depends"))]
        answers = [(await client.get(path)).json() for path in [*paths, "/v1/router/native"]]
    assert answers == [
        [WORKER, "hop"],
        [LOOP_THREAD, "loop"],
        [WORKER, "hop"],
        [WORKER, "threads"],
        [LOOP_THREAD, "native"],
    ]


async def test_middleware_may_use_a_sync_session(database: Database) -> None:
    app = application(database)
    factory = legacy_sessionmaker(database)

    async def note_author(request: Request, call_next):  # type: ignore[no-untyped-def]
        with factory() as session:
            name = session.get_one(Author, 1).name
        response = await call_next(request)
        response.headers["x-author"] = name
        return response

    for _ in range(2):  # the inner one runs in a task of its own
        app.add_middleware(BaseHTTPMiddleware, dispatch=note_author)
    install(app)
    async with client_of(app) as client:
        answer = await client.get("/sync")
    assert answer.headers.get_list("x-author") == ["Ada"]
    assert answer.json()[2:] == ["Letters", "Notes"]


class NoteAuthor:
    """Middleware as it is written without Starlette's base class."""

    def __init__(self, app, factory) -> None:  # type: ignore[no-untyped-def]
        self.app = app
        self.factory = factory

    async def __call__(self, scope, receive, send) -> None:  # type: ignore[no-untyped-def]
        with self.factory() as session:
            scope["author"] = session.get_one(Author, 1).books[0].author.name
        await self.app(scope, receive, send)


@pytest.mark.parametrize("mode", ["hop", "loop"])
@pytest.mark.parametrize("below", [False, True], ids=["first", "below middleware with a task"])
async def test_plain_asgi_middleware_may_use_a_sync_session(
    database: Database, mode: str, below: bool
) -> None:
    app = application(database)

    @app.get("/author")
    async def author(request: Request) -> list[object]:
        return [request.scope["author"], await asyncio.sleep(0, "awaited")]

    async def pass_on(request: Request, call_next):  # type: ignore[no-untyped-def]
        return await call_next(request)

    app.add_middleware(NoteAuthor, factory=legacy_sessionmaker(database))
    if below:
        app.add_middleware(BaseHTTPMiddleware, dispatch=pass_on)
    install(app, mode=mode)
    async with client_of(app) as client:
        assert (await client.get("/author")).json() == ["Ada", "awaited"]
        assert (await client.get("/sync")).json()[2:] == ["Letters", "Notes"]
    assert checked_out(database) == 0


async def test_a_native_route_awaits_nothing_implicitly(database: Database) -> None:
    """Also in an application whose middleware is driven."""
    app = application(database)

    @app.get("/native")
    @use_mode("native")
    async def native() -> str:
        async with database.session() as session:
            author = await session.get_one(Author, 1)
            with pytest.raises((MissingGreenlet, StatementError), match="greenlet_spawn"):
                author.books  # noqa: B018
            return author.name

    install(app)
    async with client_of(app) as client:
        assert (await client.get("/native")).json() == "Ada"
    assert checked_out(database) == 0


def test_start_up_code_may_use_a_sync_session(database: Database) -> None:
    factory = legacy_sessionmaker(database)
    names: list[str] = []

    async def start() -> None:
        with factory() as session:
            names.append(session.get_one(Author, 1).name)

    app = FastAPI(on_startup=[start])
    install(app)
    with TestClient(app):
        pass
    assert names == ["Ada"]


@pytest.mark.parametrize("mode", ["hop", "loop", "threads"])
def test_a_route_may_join_threads_of_its_own(database: Database, mode: str) -> None:
    """They know of no request. In the mode `loop` the application's own loop is blocked."""
    app = application(database)
    install(app, mode=mode)
    with TestClient(app) as client:
        assert client.get("/threads").json() == ["Letters", "Notes"]
        assert client.get("/sync").json()[2:] == ["Letters", "Notes"]


async def test_a_marked_route_may_join_threads_of_its_own(database: Database) -> None:
    app = application(database)
    for route in app.router.routes:
        if getattr(route, "path", "") == "/threads":
            use_mode("loop")(route.endpoint)  # type: ignore[attr-defined]
    install(app, mode="hop")
    async with client_of(app) as client:
        assert (await client.get("/threads")).json() == ["Letters", "Notes"]


async def test_the_loop_is_not_blocked_in_the_mode_hop(database: Database) -> None:
    app = FastAPI()
    factory = legacy_sessionmaker(database)
    release = threading.Event()

    @app.get("/")
    def wait() -> bool:
        with factory() as session:
            session.get_one(Author, 1)
        return release.wait(10)

    install(app, mode="hop")
    async with client_of(app) as client:
        waiting = asyncio.create_task(client.get("/"))
        await asyncio.sleep(0.05)
        release.set()
        assert (await waiting).json() is True


async def test_every_application_of_the_process(database: Database) -> None:
    """`install()` without an application may stand in the database module."""
    install(mode="loop")
    app = application(database)
    async with client_of(app) as client:
        assert (await client.get("/sync")).json()[:2] == [LOOP_THREAD, "loop"]


async def test_applications_without_the_shim_are_left_alone(database: Database) -> None:
    install(FastAPI(), mode="loop")
    other = FastAPI()

    @other.get("/")
    def route() -> list[object]:
        return [where(), current_scope()]

    async with client_of(other) as client:
        assert (await client.get("/")).json() == [WORKER, None]


async def test_mounted_applications_belong_to_the_request(database: Database) -> None:
    app = Starlette(routes=[Mount("/inner", application(database))])
    install(app)
    async with client_of(app) as client:
        assert (await client.get("/inner/leak")).status_code == 200
        assert (await client.get("/inner/sync")).json()[2:] == ["Letters", "Notes"]
    assert checked_out(database) == 0


async def test_any_asgi_application_can_be_wrapped(database: Database) -> None:
    factory = legacy_sessionmaker(database)

    async def route(request: Request) -> PlainTextResponse:
        session = factory()
        return PlainTextResponse(await asyncio.to_thread(lambda: session.get_one(Author, 1).name))

    app = SessionScopeMiddleware(Starlette(routes=[Route("/", route)]))
    async with client_of(app) as client:
        assert (await client.get("/")).text == "Ada"
    assert checked_out(database) == 0


async def test_a_cancelled_request_returns_its_connection(database: Database) -> None:
    app = FastAPI()
    factory = legacy_sessionmaker(database)

    @app.get("/")
    async def wait() -> None:
        factory().get_one(Author, 1)
        await asyncio.Event().wait()

    install(app)
    async with client_of(app) as client:
        request = asyncio.create_task(client.get("/"))
        await until(lambda: checked_out(database))
        request.cancel()
        with pytest.raises(asyncio.CancelledError):
            await request
        await until(lambda: not checked_out(database))


def test_uninstalling_puts_everything_back() -> None:
    before = Starlette.__call__, Route.handle, BaseHTTPMiddleware.__call__
    install(mode="loop")
    assert Route.handle is not before[1]
    uninstall()
    assert (Starlette.__call__, Route.handle, BaseHTTPMiddleware.__call__) == before


def test_a_release_which_lacks_a_private_name_is_refused_by_the_mode_loop_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    missing = ("fastapi.routing", "no_such_name", True)
    monkeypatch.setattr(hooks, "THREAD_CALLS", (*hooks.THREAD_CALLS, missing))
    install(mode="hop")
    with pytest.raises(UnsupportedFramework, match=r"no_such_name does not exist in fastapi \d"):
        install(mode="loop")
