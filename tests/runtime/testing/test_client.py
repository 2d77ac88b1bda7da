"""The ASGI client: start-up, shut-down, requests."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from fastapi import FastAPI, Request, Response
from fastapi.responses import RedirectResponse
from fastapi.testclient import TestClient

from migrate_async.runtime.testing.client import AsyncTestClient, async_client, running


async def test_the_lifespan_runs_in_one_task() -> None:
    tasks: list[asyncio.Task[Any] | None] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        for step in ("startup", "shutdown"):
            assert (await receive())["type"] == f"lifespan.{step}"
            tasks.append(asyncio.current_task())
            await send({"type": f"lifespan.{step}.complete"})

    async with running(app):
        assert len(tasks) == 1
    assert len(tasks) == 2
    assert tasks[0] is tasks[1] is not asyncio.current_task()


async def test_an_application_without_a_lifespan_is_served() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] == "http"
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async with async_client(app) as client:
        assert (await client.get("/")).status_code == 204


@pytest.mark.parametrize("step", ["startup", "shutdown"])
async def test_a_failure_of_the_lifespan_is_raised(step: str) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        while True:
            asked = (await receive())["type"]
            failed = asked == f"lifespan.{step}"
            await send({"type": f"{asked}.failed" if failed else f"{asked}.complete"})

    async def use() -> None:
        async with running(app):
            pass

    with pytest.raises(RuntimeError, match=f"the {step} failed"):
        await use()


async def test_an_unhandled_error_reaches_the_test() -> None:
    app = FastAPI()

    @app.get("/")
    async def broken() -> None:
        raise LookupError("in the route")

    async with async_client(app) as client:
        with pytest.raises(LookupError, match="in the route"):
            await client.get("/")


async def test_options_go_to_the_client() -> None:
    async with async_client(FastAPI(), headers={"x-test": "1"}) as client:
        assert client.headers["x-test"] == "1"
        assert (await client.get("/openapi.json")).status_code == 200


def _mirror() -> FastAPI:
    """An application that answers with what it sees of its client."""
    app = FastAPI()

    @app.get("/seen")
    def seen(request: Request, response: Response) -> dict[str, Any]:
        visits = int(request.cookies.get("visits", "0")) + 1
        response.set_cookie("visits", str(visits))
        assert request.client is not None
        return {
            "client": list(request.client),
            "url": str(request.url),
            "headers": {k: v for k, v in request.headers.items() if k != "accept-encoding"},
        }

    @app.get("/moved")
    def moved() -> RedirectResponse:
        return RedirectResponse("/seen")

    @app.get("/broken")
    def broken() -> None:
        raise ValueError("broken")

    return app


async def test_it_answers_as_the_test_client_does() -> None:
    """Redirects are followed, cookies kept; the application sees the same client."""
    sync, asynchronous = TestClient(_mirror()), AsyncTestClient(_mirror())
    for path in ("/seen", "/moved", "/seen", "/missing"):
        expected, found = sync.get(path), await asynchronous.get(path)
        assert (found.status_code, found.json()) == (expected.status_code, expected.json())
        assert len(found.history) == len(expected.history)
    assert dict(asynchronous.cookies) == dict(sync.cookies) == {"visits": "3"}
    await asynchronous.aclose()


async def test_options_are_those_of_the_test_client() -> None:
    options: dict[str, Any] = {
        "base_url": "http://shop.example",
        "raise_server_exceptions": False,
        "cookies": {"visits": "6"},
        "headers": {"x-one": "1"},
        "follow_redirects": False,
        "client": ("somebody", 1),
    }
    sync, asynchronous = TestClient(_mirror(), **options), AsyncTestClient(_mirror(), **options)
    for path in ("/seen", "/moved", "/broken"):
        expected, found = sync.get(path), await asynchronous.get(path)
        assert (found.status_code, found.text) == (expected.status_code, expected.text)
    await asynchronous.aclose()


async def test_an_exception_of_the_application_is_raised() -> None:
    client = AsyncTestClient(_mirror())
    with pytest.raises(ValueError, match="broken"):
        await client.get("/broken")
    await client.aclose()


async def test_only_a_client_that_is_entered_starts_the_application() -> None:
    steps: list[str] = []

    async def lifespan(_app: FastAPI) -> AsyncIterator[dict[str, str]]:
        steps.append("up")
        yield {"key": "value"}
        steps.append("down")

    app = FastAPI(lifespan=asynccontextmanager(lifespan))

    @app.get("/state")
    def state(request: Request) -> str:
        return str(getattr(request.state, "key", ""))

    bare = AsyncTestClient(app)
    assert (await bare.get("/state")).json() == ""
    await bare.aclose()
    assert steps == []
    async with AsyncTestClient(app) as client:
        assert (await client.get("/state")).json() == "value"
        assert client.app_state == {"key": "value"}
    assert steps == ["up", "down"]


async def test_it_is_entered_again_as_the_test_client_is() -> None:
    """Each entry starts the application; between them, and after, it answers without."""
    steps: list[str] = []

    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        steps.append("up")
        yield
        steps.append("down")

    app = FastAPI(lifespan=asynccontextmanager(lifespan))
    app.get("/")(lambda: steps)
    sync, client = TestClient(app), AsyncTestClient(app)
    for _ in range(2):
        with sync:
            assert sync.get("/").json()[-1] == "up"
        assert sync.get("/").json()[-1] == "down"
    expected = list(steps)
    steps.clear()
    for _ in range(2):
        async with client:
            assert (await client.get("/")).json()[-1] == "up"
        assert (await client.get("/")).json()[-1] == "down"
    assert steps == expected
    await client.aclose()


async def test_an_exception_of_the_start_up_is_raised() -> None:
    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        raise LookupError("no settings")
        yield

    with pytest.raises(LookupError, match="no settings"):
        async with AsyncTestClient(FastAPI(lifespan=lifespan)):
            pass
