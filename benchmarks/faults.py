"""Load with faults: nothing may leak, no answered write may be lost.

    MIGRATE_ASYNC_TEST_POSTGRESQL=postgresql://... python -m benchmarks.faults

Clients send requests to a real server whose pool is far too small for them. A request writes
one row of its own and then succeeds, fails in the handler, is cancelled by a timeout in the
middle of a query, or is left by its client. Meanwhile the database is "restarted" several times:
all its connections are terminated, and new ones refused for a moment.

Afterwards the rows are held against the answers. A row answered with 200 must be there, a row
of a failed request must not. Exit code 1 if anything is out of order.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import os
import random
import socket
import sys
import time
import uuid
import warnings
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio
import uvicorn
from fastapi import FastAPI, HTTPException
from sqlalchemy import event, text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response, StreamingResponse

from migrate_async.runtime.database import Database, close_db, init_db
from migrate_async.runtime.dependencies import DbSession

SERVER_VARIABLE = "MIGRATE_ASYNC_TEST_POSTGRESQL"
MIX = {"write": 70, "read": 10, "error": 5, "http-error": 5, "timeout": 4, "stream": 3, "gone": 3}
"""Kinds of requests, in percent."""
MUST_FAIL = frozenset({"error", "http-error", "timeout", "stream"})
CLIENT_LEAVES = frozenset({"stream", "gone"})
TIMEOUT_SECONDS = 0.05
OUTAGE_SECONDS = 0.3


@dataclass(frozen=True)
class Load:
    requests: int
    concurrency: int
    pool: int
    restarts: int
    seed: int


@dataclass
class Ledger:
    """What the clients saw, by row id."""

    kinds: dict[int, str] = field(default_factory=dict)
    status: dict[int, int] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)
    restarts: int = 0

    def unanswered(self) -> int:
        """Requests without an answer, though their client waited for one."""
        return sum(kind != "gone" and id_ not in self.status for id_, kind in self.kinds.items())


class Reclaimed:
    """Counts connections which nobody returned, so that the garbage collector had to."""

    def __init__(self, database: Database) -> None:
        self.count = 0
        event.listen(database.engine.sync_engine, "reset", self._on_reset)

    def _on_reset(self, _connection: object, _record: object, state: Any) -> None:
        self.count += not state.asyncio_safe


def make_app() -> FastAPI:
    app = FastAPI()

    @app.get("/write/{id_}")
    @app.get("/gone/{id_}")
    async def write(id_: int, db: DbSession) -> int:
        await insert(db, id_)
        return id_

    @app.get("/read/{_id}")
    async def read(_id: int, db: DbSession) -> int:
        return int((await db.execute(text("SELECT count(*) FROM row WHERE id < 10"))).scalar_one())

    @app.get("/error/{id_}")
    async def error(id_: int, db: DbSession) -> None:
        await insert(db, id_)
        raise RuntimeError

    @app.get("/http-error/{id_}")
    async def http_error(id_: int, db: DbSession) -> None:
        await insert(db, id_)
        raise HTTPException(409)

    @app.get("/timeout/{id_}")
    async def timeout(id_: int, db: DbSession) -> None:
        await insert(db, id_)
        await db.execute(text("SELECT pg_sleep(30)"))

    @app.get("/stream/{id_}")
    async def stream(id_: int, db: DbSession) -> Response:
        async def chunks() -> AsyncIterator[bytes]:
            await insert(db, id_)
            while True:
                yield b"x"
                await db.execute(text("SELECT pg_sleep(0.01)"))

        return StreamingResponse(chunks())

    return app


async def insert(db: AsyncSession, id_: int) -> None:
    await db.execute(text("INSERT INTO row (id) VALUES (:id)"), {"id": id_})


def with_timeouts(app: FastAPI) -> Any:
    """A timeout once the query runs: cancelling before that would test less."""

    async def timed(scope: Any, receive: Any, send: Any) -> None:
        if not scope.get("path", "").startswith("/timeout/"):
            await app(scope, receive, send)
            return
        started = False

        async def note_start(message: Any) -> None:
            nonlocal started
            started = True
            await send(message)

        with anyio.move_on_after(TIMEOUT_SECONDS * random.uniform(0.5, 4)):  # noqa: S311
            await app(scope, receive, note_start)
        if not started:
            await Response(status_code=504)(scope, receive, send)

    return timed


@asynccontextmanager
async def served(app: Any) -> AsyncIterator[int]:
    """The port of a real server in this event loop."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        server = uvicorn.Server(
            uvicorn.Config(app, log_level="critical", lifespan="off", backlog=4096)
        )
        task = asyncio.create_task(server.serve(sockets=[listener]))
        while not server.started:  # noqa: ASYNC110  uvicorn has no event for it
            await asyncio.sleep(0.01)
        yield listener.getsockname()[1]
        server.should_exit = True
        await task


async def client(port: int, work: Iterator[tuple[int, str]], ledger: Ledger) -> None:
    """One of the concurrent clients: send, await the answer, take the next."""
    for id_, kind in work:
        ledger.kinds[id_] = kind
        started = time.perf_counter()
        try:
            status = await asyncio.wait_for(exchange(port, f"/{kind}/{id_}", kind), 120)
        except (OSError, asyncio.TimeoutError, IndexError):
            continue
        if status is not None:
            ledger.status[id_] = status
            ledger.seconds.append(time.perf_counter() - started)


async def exchange(port: int, path: str, kind: str) -> int | None:
    """The status of the answer; None when the client left on purpose before the answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        head = f"GET {path} HTTP/1.1\r\nHost: faults\r\nConnection: close\r\n\r\n"
        writer.write(head.encode())
        if kind == "gone":
            await writer.drain()
            return None
        status = int((await reader.readline()).split()[1])
        # A stream never ends by itself: the client leaves in the middle of it.
        await reader.read(-1 if kind != "stream" or status != 200 else 400)
        return status
    finally:
        writer.transport.abort() if kind in CLIENT_LEAVES else writer.close()


async def restart_database(admin: Database, name: str, ledger: Ledger, load: Load) -> None:
    """Terminate all connections and refuse new ones for a moment, spread over the run."""
    for number in range(1, load.restarts + 1):
        while len(ledger.kinds) < load.requests * number / (load.restarts + 1):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        async with admin.engine.connect() as connection:
            await connection.execute(text(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false"))
            await connection.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name"
                ),
                {"name": name},
            )
            await asyncio.sleep(OUTAGE_SECONDS)
            await connection.execute(text(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true"))
        ledger.restarts += 1


async def run(load: Load, server_url: str) -> dict[str, int]:
    """Run the load on a database made for it; the counts that must be zero."""
    name = f"migrate_async_faults_{uuid.uuid4().hex[:8]}"
    admin = Database(server_url, name="admin", engine_options={"isolation_level": "AUTOCOMMIT"})
    async with admin.engine.connect() as connection:
        await connection.execute(text(f"CREATE DATABASE {name}"))
    try:
        url = make_url(server_url).set(database=name)
        pool = {"pool_size": load.pool, "max_overflow": 0, "pool_timeout": 30}
        database = init_db(url, engine_options=pool)
        async with database.transaction() as session:
            await session.execute(text("CREATE TABLE row (id integer PRIMARY KEY)"))
        return await put_under_load(database, admin, name, load)
    finally:
        await close_db()
        async with admin.engine.connect() as connection:
            await connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        await admin.close()


async def put_under_load(
    database: Database, admin: Database, name: str, load: Load
) -> dict[str, int]:
    ledger, reclaimed = Ledger(), Reclaimed(database)
    chooser = random.Random(load.seed)  # noqa: S311
    kinds = chooser.choices(list(MIX), list(MIX.values()), k=load.requests)
    work = iter(enumerate(kinds, start=1))
    started = time.perf_counter()
    async with served(with_timeouts(make_app())) as port:
        restarts = asyncio.create_task(restart_database(admin, name, ledger, load))
        await asyncio.gather(*(client(port, work, ledger) for _ in range(load.concurrency)))
        await restarts
        print_load(ledger, load, time.perf_counter() - started)
        await settled(database)
        gc.collect()
        counts = await held_against_rows(database, ledger)
        counts["queries left running on the server"] = await queries_left(admin, name)
    return {
        "requests without an answer": ledger.unanswered(),
        "connections checked out": database.info().pool.checked_out or 0,
        "tasks waiting for a connection": database.info().pool.waiting or 0,
        "connections leaked to the garbage collector": reclaimed.count,
        **counts,
    }


async def settled(database: Database) -> None:
    """Routes whose client left may still be at work: give them up to ten seconds."""
    deadline = time.monotonic() + 10
    while database.info().pool.checked_out and time.monotonic() < deadline:  # noqa: ASYNC110
        await asyncio.sleep(0.05)


async def held_against_rows(database: Database, ledger: Ledger) -> dict[str, int]:
    """Compare the table with the answers."""
    async with database.session() as session:
        rows = set(await session.scalars(text("SELECT id FROM row")))
    answered = {id_ for id_, status in ledger.status.items() if status == 200}
    written = {id_ for id_ in answered if ledger.kinds[id_] == "write"}
    failed = {id_ for id_, kind in ledger.kinds.items() if kind in MUST_FAIL}
    uncertain = {id_ for id_ in rows if ledger.kinds[id_] == "write"} - written
    print(f"  rows {len(rows)}; committed though answered with an error {len(uncertain)}")
    return {
        "answered writes lost": len(written - rows),
        "writes of failed requests kept": len(failed & rows),
    }


async def queries_left(admin: Database, name: str) -> int:
    statement = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = :name AND state <> 'idle'"
    )
    async with admin.engine.connect() as connection:
        return int((await connection.execute(statement, {"name": name})).scalar_one())


def print_load(ledger: Ledger, load: Load, seconds: float) -> None:
    ordered = sorted(ledger.seconds)
    p50, p99 = (ordered[int(len(ordered) * share)] * 1000 for share in (0.5, 0.99))
    answers = ", ".join(
        f"{n} x {code}" for code, n in sorted(Counter(ledger.status.values()).items())
    )
    left = sum(ledger.kinds[id_] in CLIENT_LEAVES for id_ in ledger.kinds)
    print(
        f"  {len(ledger.kinds)} requests, concurrency {load.concurrency}, pool {load.pool}, "
        f"{ledger.restarts} restarts of the database, seed {load.seed}\n"
        f"  {seconds:.1f} s, {len(ledger.kinds) / seconds:.0f} requests/s, "
        f"p50 {p50:.0f} ms, p99 {p99:.0f} ms\n"
        f"  answers: {answers}; {left} clients left on purpose"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description="Load with faults on PostgreSQL.")
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--concurrency", type=int, default=256)
    parser.add_argument("--pool", type=int, default=10)
    parser.add_argument("--restarts", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    load = Load(**vars(parser.parse_args()))
    server_url = os.environ.get(SERVER_VARIABLE)
    if server_url is None:
        sys.stderr.write(f"{SERVER_VARIABLE} must name a PostgreSQL server\n")
        return 2
    # The faults are deliberate; what matters is counted.
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    print("faults")
    counts = asyncio.run(run(load, server_url))
    for what, count in counts.items():
        print(f"  {what:45} {count}")
    return 1 if any(counts.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
