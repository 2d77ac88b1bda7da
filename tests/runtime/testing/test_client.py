"""The ASGI client: start-up, shut-down, requests."""

import asyncio
from typing import Any

import pytest
from fastapi import FastAPI

from migrate_async.runtime.testing.client import async_client, running


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
