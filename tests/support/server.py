"""A real HTTP server on loopback, for what an in-process client cannot show: disconnects."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import uvicorn

PATIENCE_SECONDS = 10.0


@asynccontextmanager
async def serve(app: Any) -> AsyncIterator[str]:
    """Serve `app` in this event loop; gives the base URL."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        config = uvicorn.Config(app, log_level="critical", lifespan="off")
        server = uvicorn.Server(config)
        task = asyncio.create_task(server.serve(sockets=[listener]))
        await eventually(lambda: server.started)
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await task


@asynccontextmanager
async def open_request(base_url: str, path: str) -> AsyncIterator[asyncio.StreamReader]:
    """Send `GET path` and give what comes back; leaving the block aborts the connection."""
    host, _, port = base_url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"GET {path} HTTP/1.1\r\nHost: test\r\n\r\n".encode())
    try:
        yield reader
    finally:
        writer.transport.abort()


async def eventually(
    condition: Callable[[], object | Awaitable[object]], patience: float = PATIENCE_SECONDS
) -> None:
    """Wait until the condition holds; fails after `patience` seconds."""
    deadline = asyncio.get_running_loop().time() + patience
    while True:
        holds = condition()
        if isinstance(holds, Awaitable):
            holds = await holds
        if holds:
            return
        if asyncio.get_running_loop().time() > deadline:
            raise AssertionError(f"still not so after {patience} seconds")
        await asyncio.sleep(0.01)
