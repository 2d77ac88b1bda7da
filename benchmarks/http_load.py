"""A small HTTP load generator: keep-alive connections over plain asyncio streams."""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Measured:
    """One run of a load."""

    seconds: float
    latencies: list[float]
    """Of each request, in seconds, ascending."""
    errors: int

    @property
    def per_second(self) -> float:
        return len(self.latencies) / self.seconds

    @property
    def p99(self) -> float:
        """In seconds; infinite when nothing was answered."""
        if not self.latencies:
            return math.inf
        return self.latencies[min(len(self.latencies) - 1, int(len(self.latencies) * 0.99))]


async def get(port: int, path: str) -> bytes:
    """The body of one `GET`."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        status, body = await _request(reader, writer, path)
    finally:
        writer.close()
    if status != 200:
        raise RuntimeError(f"{path} answered {status}: {body[:200]!r}")
    return body


async def load(
    port: int, path: Callable[[int], str], *, concurrency: int, seconds: float
) -> Measured:
    """Send requests over `concurrency` connections, each the next one when the last is answered.

    :param path: makes a path of a random number.
    """
    latencies: list[float] = []
    errors = 0
    end = time.perf_counter() + seconds

    async def client(seed: int) -> None:
        nonlocal errors
        numbers = random.Random(seed)  # noqa: S311
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            while (started := time.perf_counter()) < end:
                status, _ = await _request(reader, writer, path(numbers.randrange(1 << 30)))
                latencies.append(time.perf_counter() - started)
                errors += status != 200
        finally:
            writer.close()

    started = time.perf_counter()
    await asyncio.gather(*[client(number) for number in range(concurrency)])
    return Measured(time.perf_counter() - started, sorted(latencies), errors)


async def _request(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: str
) -> tuple[int, bytes]:
    writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    head = await reader.readuntil(b"\r\n\r\n")
    status = int(head[9:12])
    length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
    return status, await reader.readexactly(length)
