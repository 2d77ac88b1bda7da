"""Replay a recorded list of HTTP requests against an application in a folder.

The application runs in an interpreter of its own, with a database of its own, so that two versions
of one application (before and after a migration) can be compared answer by answer:

    before = replay(folder / "before", requests)
    after = replay(folder / "after", requests, driver="sqlite+aiosqlite")
    assert after == before

The child process speaks ASGI with the application: start-up and shut-down are run as a server
would run them, and background tasks are done before the next request is sent.

A request with the method `WEBSOCKET` opens a connection, sends the messages of the list in `json`
and goes away. Its answer has the status 101, or 403 where the connection was refused, and a list of
what it got; the last item of that is the code with which the application closed the connection, if
it did, or a server for an application that failed.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import re
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta, timezone
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import httpx

_FAILED = 1011
"""The code of a connection that a server closes since the application has failed."""

RECENT = "<recent>"
"""Stands for every time stamp of the last hour: those differ from run to run."""

_TIME_STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?")


class ReplayError(RuntimeError):
    """The application could not be imported, started or stopped; carries the child's stderr."""


def load_requests(path: Path) -> list[dict[str, Any]]:
    """The requests in a JSON file: `method`, `path`, `headers`, `json`, `expect_status`."""
    requests: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    return requests


def replay(
    app_dir: Path,
    requests: Sequence[Mapping[str, Any]],
    *,
    app: str = "shop.main:app",
    driver: str = "sqlite",
    env: Mapping[str, str] | None = None,
    timeout: float = 120,
    fresh: bool = False,
) -> list[dict[str, Any]]:
    """Send `requests` in order to a fresh instance of `app` and return its answers.

    The application finds its database, an empty SQLite file, in `DATABASE_URL`; `driver` is the
    scheme of that address. `env` adds to the environment or overrides it. With `fresh` nothing has
    been imported before the application is, see `support.interpreters`.

    Each answer is `{"status": int, "json": body}`; the body is text when it is not JSON, and None
    when it is empty. Recent time stamps are replaced by `RECENT`. An exception that no handler
    of the application caught is an answer with status 500.

    Raises ReplayError when the application does not start.
    """
    from support.interpreters import run, run_fresh  # not there for the child

    with tempfile.TemporaryDirectory() as directory:
        task = Path(directory, "task.json")
        task.write_text(json.dumps({"app": app, "requests": list(requests)}), encoding="utf-8")
        environment = {
            **os.environ,
            "DATABASE_URL": f"{driver}:///{directory}/replay.db",
            "PYTHONPATH": os.pathsep.join([str(app_dir), os.environ.get("PYTHONPATH", "")]),
            "PYTHONDONTWRITEBYTECODE": "1",
            **(env or {}),
        }
        start = run_fresh if fresh else run
        done = start([__file__, str(task)], directory, environment, timeout)
        if done.returncode != 0:
            raise ReplayError(f"{app} in {app_dir} failed:\n{done.stderr}")
        answers: list[dict[str, Any]] = json.loads(Path(directory, "answers.json").read_text())
        return answers


def legacy_answers(before: Path, app: str, requests: Path) -> list[dict[str, Any]]:
    """What the unchanged application at `before` answers the requests in a file; asked once."""
    return _legacy(before, app, requests)[:-1]


def legacy_schema(before: Path, app: str, requests: Path) -> dict[str, Any]:
    """Its OpenAPI schema, for which it was asked after these requests."""
    schema: dict[str, Any] = _legacy(before, app, requests)[-1]["json"]
    return schema


@cache
def _legacy(before: Path, app: str, requests: Path) -> list[dict[str, Any]]:
    from support.once import once  # not there for the child

    sent = [*load_requests(requests), {"method": "GET", "path": "/openapi.json"}]
    answers: list[dict[str, Any]] = once(
        f"answers of {before}", lambda: replay(before, sent, app=app)
    )
    return answers


def surprises(
    requests: Sequence[Mapping[str, Any]], answers: Sequence[Mapping[str, Any]]
) -> list[str]:
    """One line for each answer whose status is not the one its request expects."""
    return [
        f"{number}: {request['method']} {request['path']}: expected {request['expect_status']}, "
        f"got {answer['status']} {answer['json']}"
        for number, (request, answer) in enumerate(zip(requests, answers, strict=True))
        if answer["status"] != request["expect_status"]
    ]


def normalise(value: Any, now: datetime) -> Any:
    """`value` with each time stamp of the hour before `now` (naive, UTC) replaced by `RECENT`."""
    if isinstance(value, dict):
        return {key: normalise(item, now) for key, item in value.items()}
    if isinstance(value, list):
        return [normalise(item, now) for item in value]
    if isinstance(value, str) and _TIME_STAMP.fullmatch(value) and _is_recent(value, now):
        return RECENT
    return value


def _is_recent(text: str, now: datetime) -> bool:
    seconds = datetime.strptime(text[:19], "%Y-%m-%dT%H:%M:%S")
    return now - timedelta(hours=1) <= seconds <= now + timedelta(minutes=1)


def _body(response: httpx.Response) -> Any:
    if not response.content:
        return None
    if response.headers.get("content-type", "").startswith("application/json"):
        return normalise(response.json(), datetime.now(timezone.utc).replace(tzinfo=None))
    return response.text


@asynccontextmanager
async def _lifespan(app: Any) -> AsyncIterator[None]:
    """Start and stop the application through the ASGI lifespan protocol."""
    to_app: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    from_app: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}
    running = asyncio.ensure_future(app(scope, to_app.get, from_app.put))
    await _tell(app="startup", to_app=to_app, from_app=from_app)
    yield
    await _tell(app="shutdown", to_app=to_app, from_app=from_app)
    await running


async def _tell(
    app: str, to_app: asyncio.Queue[dict[str, Any]], from_app: asyncio.Queue[dict[str, Any]]
) -> None:
    await to_app.put({"type": f"lifespan.{app}"})
    message = await asyncio.wait_for(from_app.get(), timeout=60)
    if message["type"] != f"lifespan.{app}.complete":
        raise ReplayError(message.get("message", message["type"]))


async def _answers(app: Any, requests: list[dict[str, Any]]) -> list[dict[str, Any]]:
    answers = []
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with (
        _lifespan(app),
        httpx.AsyncClient(transport=transport, base_url="http://replay.test") as client,
    ):
        for request in requests:
            if request["method"] == "WEBSOCKET":
                answers.append(await _conversation(app, request))
                continue
            response = await client.request(
                request["method"],
                request["path"],
                headers=request.get("headers"),
                json=request.get("json"),
            )
            answers.append({"status": response.status_code, "json": _body(response)})
    return answers


async def _conversation(app: Any, request: Mapping[str, Any]) -> dict[str, Any]:
    """What the application answers on a connection of its own, until it or the client leaves."""
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    events: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    for event in _events(request.get("json") or []):
        events.put_nowait(event)
    try:
        await asyncio.wait_for(app(_connection(request), events.get, send), timeout=60)
    except Exception:  # noqa: BLE001  as a server: the next connection is served
        sent.append({"type": "websocket.close", "code": _FAILED})
    accepted = any(message["type"] == "websocket.accept" for message in sent)
    heard = [_heard(message) for message in sent if message["type"] != "websocket.accept"]
    return {"status": 101 if accepted else 403, "json": heard}


def _events(messages: Sequence[Any]) -> list[dict[str, Any]]:
    """What a client does that sends `messages`; what is no text is sent as JSON."""
    texts = [text if isinstance(text, str) else json.dumps(text) for text in messages]
    return [
        {"type": "websocket.connect"},
        *({"type": "websocket.receive", "text": text} for text in texts),
        {"type": "websocket.disconnect", "code": 1001, "reason": ""},
    ]


def _connection(request: Mapping[str, Any]) -> dict[str, Any]:
    """The scope of a websocket, in the terms of ASGI."""
    parts = urlsplit(request["path"])
    headers = {"host": "replay.test", **(request.get("headers") or {})}
    return {
        "type": "websocket",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "scheme": "ws",
        "path": unquote(parts.path),
        "raw_path": parts.path.encode(),
        "query_string": parts.query.encode(),
        "root_path": "",
        "headers": [(name.lower().encode(), text.encode()) for name, text in headers.items()],
        "client": ("127.0.0.1", 1),
        "server": ("replay.test", 80),
        "subprotocols": [],
        "state": {},
    }


def _heard(message: Mapping[str, Any]) -> Any:
    """A text, the value if it is JSON, or the code of a closing."""
    if message["type"] == "websocket.close":
        return message["code"]
    try:
        value = json.loads(message["text"])
    except ValueError:
        value = message["text"]
    return normalise(value, datetime.now(timezone.utc).replace(tzinfo=None))


def _main(task: Path) -> None:
    work = json.loads(task.read_text(encoding="utf-8"))
    module, _, name = work["app"].partition(":")
    app = getattr(importlib.import_module(module), name)
    answers = asyncio.run(_answers(app, work["requests"]))
    (task.parent / "answers.json").write_text(json.dumps(answers), encoding="utf-8")


if __name__ == "__main__":
    sys.path.pop(0)  # the folder of this file: the application must not see its modules
    _main(Path(sys.argv[1]))
