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
    """Serve `app` in this event loop; gives the base URL.

    Not by `Server.serve`, which looks every tenth of a second whether it should end.
    """
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        config = uvicorn.Config(app, log_level="critical", lifespan="off")
        config.load()
        server = uvicorn.Server(config)
        server.lifespan = config.lifespan_class(config)
        await server.startup(sockets=[listener])
        await server.on_tick(0)  # the headers of answers
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            await _close(server)


async def _close(server: uvicorn.Server) -> None:
    """Stop listening, and wait for the requests that run."""
    for listening in server.servers:
        listening.close()
    state = server.server_state
    for connection in list(state.connections):
        connection.shutdown()
    await eventually(lambda: not state.connections and not state.tasks)


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
