"""`COPY` between the server and a file, of text or of bytes, without blocking the loop."""

from __future__ import annotations

import asyncio
from typing import Any

from migrate_async.runtime.legacy.habits.sql_text import parse

_COPY_BYTES = 65536


def reads_file(copy: str) -> bool:
    words = [t.text.upper() for s in parse(copy) for t in s.tokens if t.kind == "word"]
    return "STDIN" in words


async def chunks(file: Any) -> Any:
    while data := await asyncio.to_thread(file.read, _COPY_BYTES):
        yield data.encode() if isinstance(data, str) else data


def write_to(file: Any, data: bytes) -> None:
    try:
        file.write(data)
    except TypeError:  # a file of text
        file.write(data.decode())
