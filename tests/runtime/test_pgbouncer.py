"""Behind PgBouncer in transaction mode, with the one setting for it; skipped without PgBouncer."""

from __future__ import annotations

import asyncio
import getpass
import shutil
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

from migrate_async.runtime.database import Database
from support.databases import fresh_database

SETTINGS = """
[databases]
{name} = host={host} port={port} dbname={name} user={user}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 2
"""


@pytest.fixture
async def bouncer_url(tmp_path: Path) -> AsyncIterator[str]:
    """The URL of a database behind a PgBouncer with two connections."""
    program = shutil.which("pgbouncer", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
    if program is None:
        pytest.skip("PgBouncer is not installed")
    async with fresh_database("postgresql", tmp_path) as given:
        server = make_url(given)
        listen = _free_port()
        settings = SETTINGS.format(
            name=server.database,
            host=server.host,
            port=server.port or 5432,
            user=server.username,
            listen=listen,
        )
        (tmp_path / "bouncer.ini").write_text(settings)
        for folder in (tmp_path, *tmp_path.parents[:2]):  # "nobody" has to read it
            folder.chmod(0o755)
        user = ("-u", "nobody") if getpass.getuser() == "root" else ()
        process = await asyncio.create_subprocess_exec(
            program,
            *("-q", *user, str(tmp_path / "bouncer.ini")),
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            await asyncio.wait_for(_listens(process, listen), 10)
            yield str(server.set(host="127.0.0.1", port=listen))
        finally:
            if process.returncode is None:
                process.terminate()
                await process.wait()


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


async def _listens(process: asyncio.subprocess.Process, port: int) -> None:
    while True:
        if process.returncode is not None:
            pytest.fail((await process.communicate())[1].decode())
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:  # not yet
            await asyncio.sleep(0.02)
        else:
            writer.close()
            return


@pytest.mark.parametrize("driver", ["asyncpg", "psycopg"])
@pytest.mark.parametrize("by_url", [False, True], ids=["by option", "by URL"])
async def test_many_clients_share_two_connections(
    bouncer_url: str, driver: str, by_url: bool
) -> None:
    """Two applications with four connections each; the server has prepared nothing of theirs."""
    url = make_url(bouncer_url).set(drivername=f"postgresql+{driver}")
    if by_url:
        url = url.update_query_dict({"pgbouncer": "true"})
    options = {"pool_size": 4, "max_overflow": 0} | ({} if by_url else {"pgbouncer": True})
    applications = [Database(url, name=name, engine_options=options) for name in ("one", "two")]

    async def work(application: Database, number: int) -> list[object]:
        async with application.transaction() as session:
            statement = text(f"SELECT CAST(:a AS integer) + {number % 3}, :b || 'x'")
            row = (await session.execute(statement, {"a": number, "b": str(number)})).one()
            await session.execute(text("SELECT pg_sleep(0.001)"))
            return list(row)

    jobs = [(application, number) for number in range(60) for application in applications]
    answers = await asyncio.gather(*[work(*job) for job in jobs])
    assert answers == [[number + number % 3, f"{number}x"] for _, number in jobs]
    for application in applications:
        await application.close()
