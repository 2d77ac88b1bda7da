"""An HTTP client that calls an ASGI application in the same event loop, without a socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, MutableMapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any

from migrate_async.runtime.errors import MissingDependencyError

try:
    import httpx
except ImportError as error:
    raise MissingDependencyError("httpx", "testing") from error

if TYPE_CHECKING:
    from typing_extensions import Self

Message = MutableMapping[str, Any]
ASGIApp = Callable[[Message, Any, Any], Awaitable[None]]

BASE_URL = "http://testserver"


@asynccontextmanager
async def async_client(app: ASGIApp, **options: Any) -> AsyncIterator[httpx.AsyncClient]:
    """Start an application up, yield a client for it, and shut it down.

    Each request runs in a task of its own, as on a server: context variables set by one are not
    seen by the next. An exception that the application does not handle is raised to the caller.

    :param options: for `httpx.AsyncClient`: headers, cookies and so on.
    """
    async with running(app) as state:
        transport = _TaskPerRequest(app=_with_state(app, state))
        async with httpx.AsyncClient(
            transport=transport, **{"base_url": BASE_URL, **options}
        ) as client:
            yield client


class AsyncTestClient(httpx.AsyncClient):
    """`TestClient` of Starlette and FastAPI, awaited: for tests that share the application's loop.

    It takes the same arguments and has the same defaults: redirects are followed, exceptions of
    the application are raised, `client.host` is `testclient`. As there, `async with` runs the
    start-up and the shut-down, as often as it is entered, and a client that is not entered runs
    neither. It has no websockets.
    """

    __test__ = False  # pytest would collect it by its name

    def __init__(  # noqa: PLR0913, PLR0917  those of `TestClient`
        self,
        app: ASGIApp,
        base_url: str = BASE_URL,
        raise_server_exceptions: bool = True,
        root_path: str = "",
        cookies: Any = None,
        headers: dict[str, str] | None = None,
        follow_redirects: bool = True,
        client: tuple[str, int] = ("testclient", 50000),
    ) -> None:
        self.app = app
        self.app_state: dict[str, Any] = {}
        self._stack = AsyncExitStack()
        super().__init__(
            base_url=base_url,
            cookies=cookies,
            headers={
                **(headers or {}),
                "user-agent": (headers or {}).get("user-agent", "testclient"),
            },
            follow_redirects=follow_redirects,
            transport=_TaskPerRequest(
                app=self._call,
                raise_app_exceptions=raise_server_exceptions,
                root_path=root_path,
                client=client,
            ),
        )

    async def __aenter__(self) -> Self:
        # Nothing is opened: httpx would close the client for good, and there is no socket.
        with _errors_of_the_application():
            self.app_state = await self._stack.enter_async_context(running(self.app))
        return self

    async def __aexit__(self, *exception: Any) -> None:
        with _errors_of_the_application():
            await self._stack.aclose()

    async def _call(self, scope: Message, receive: Any, send: Any) -> None:
        await self.app({**scope, "state": self.app_state.copy()}, receive, send)


@contextmanager
def _errors_of_the_application() -> Iterator[None]:
    """Raise what the application raised, instead of the news that it did."""
    try:
        yield
    except RuntimeError as error:
        raise error.__cause__ or error from None


class _TaskPerRequest(httpx.ASGITransport):
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await asyncio.create_task(super().handle_async_request(request))


def _with_state(app: ASGIApp, state: dict[str, Any]) -> Any:
    async def call(scope: Message, receive: Any, send: Any) -> None:
        await app({**scope, "state": state.copy()}, receive, send)

    return call


@asynccontextmanager
async def running(app: ASGIApp) -> AsyncIterator[dict[str, Any]]:
    """Run the start-up and shut-down of an application; yields its lifespan state.

    Both run in one task, whatever tasks the body uses: a task group or cancel scope in the lifespan
    of the application demands it.

    :raises RuntimeError: the start-up or the shut-down failed.
    """
    lifespan = _Lifespan(app)
    await lifespan.step("startup")
    try:
        yield lifespan.state
    finally:
        await lifespan.step("shutdown")


class _Lifespan:
    """The lifespan protocol of ASGI, from the side of the server."""

    def __init__(self, app: ASGIApp) -> None:
        self.state: dict[str, Any] = {}
        self._app = app
        self._requests: asyncio.Queue[Message] = asyncio.Queue()
        self._answers: asyncio.Queue[Message] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None

    async def step(self, name: str) -> None:
        """Ask for `startup` or `shutdown` and wait until it is done."""
        if self._task is None:
            scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": self.state}
            call = self._app(scope, self._requests.get, self._answers.put)
            self._task = asyncio.ensure_future(call)
        if self._task.done():
            return  # the application knows no lifespan
        await self._requests.put({"type": f"lifespan.{name}"})
        answer = asyncio.ensure_future(self._answers.get())
        await asyncio.wait({answer, self._task}, return_when=asyncio.FIRST_COMPLETED)
        if not answer.done():
            answer.cancel()
            return  # it raised: by the protocol, that also says that it knows no lifespan
        if answer.result()["type"] == f"lifespan.{name}.failed":
            reason = answer.result().get("message") or f"the {name} failed"
            raise RuntimeError(reason) from self._error()
        if name == "shutdown":
            await self._task

    def _error(self) -> BaseException | None:
        """What ended the application, if something did."""
        task = self._task
        return task.exception() if task is not None and task.done() else None
