"""The application of the demonstration: find it, copy it, test it, serve it, call it."""

from __future__ import annotations

import contextlib
import importlib.resources
import importlib.util
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import msgspec

from migrate_async.errors import InternalError, UsageError

NAME = "legacy_shop"
APPLICATION = "shop.main:app"
LOG = "server.log"
START_SECONDS = 60
"""How long the server may take until it accepts a connection."""

_NEEDED = ("fastapi", "uvicorn", "sqlalchemy", "aiosqlite", "greenlet", "pytest", "httpx")
_TIME_STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?")


class Request(msgspec.Struct, frozen=True):
    """One recorded request and the status that the legacy application answers with."""

    method: str
    path: str
    expect_status: int
    headers: dict[str, str] = {}
    json: Any = None


class Answer(msgspec.Struct, frozen=True):
    """What came back; time stamps of the last hour read `now`, so that two runs compare equal."""

    status: int
    body: str


def require_packages() -> None:
    """Raise `UsageError` with the remedy when a package that the application needs is missing."""
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        remedy = f"pip install {' '.join(missing)}"
        raise UsageError(f"the demonstration needs {', '.join(missing)}: {remedy}")


def find_fixture() -> Path:
    """The folder of the bundled application: in the installed package, else in the repository.

    Raises `UsageError` when this installation has neither.
    """
    packaged = importlib.resources.files("migrate_async") / "_fixtures" / NAME
    repository = Path(__file__).parents[3] / "fixtures" / NAME
    for folder in (packaged, repository):
        if isinstance(folder, Path) and (folder / "before").is_dir():
            return folder
    raise UsageError(f"this installation has no {NAME}; run the demonstration from a checkout")


def copy_app(fixture: Path, folder: Path) -> Path:
    """Copy the legacy application to `folder`, which must not exist; return it."""
    ignored = shutil.ignore_patterns("__pycache__", "*.pyc", ".pytest_cache", "*.db")
    shutil.copytree(fixture / "before", folder, ignore=ignored)
    return folder


def load_requests(fixture: Path) -> list[Request]:
    """The recorded requests of the application."""
    return msgspec.json.decode((fixture / "requests.json").read_bytes(), type=list[Request])


def run_tests(root: Path) -> tuple[bool, str]:
    """Whether the application's tests pass, and pytest's last line."""
    command = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--no-header")
    done = subprocess.run(  # noqa: S603 - our own fixture
        command, cwd=root, env=_environment(root), capture_output=True, text=True, check=False
    )
    lines = done.stdout.strip().splitlines() or done.stderr.strip().splitlines() or ["no output"]
    return done.returncode == 0, lines[-1].strip("= ")


@contextlib.contextmanager
def served(root: Path) -> Iterator[str]:
    """Run the application in `root` under uvicorn on a fresh SQLite file; yields its address.

    Raises `InternalError` with the server's output when it does not start.
    """
    port = _free_port()
    log = root / LOG
    command = (sys.executable, "-m", "uvicorn", APPLICATION, "--port", str(port))
    environment = {**_environment(root), "DATABASE_URL": "sqlite:///./demo.db"}
    with contextlib.suppress(FileNotFoundError):
        (root / "demo.db").unlink()
    with log.open("wb") as output:
        server = subprocess.Popen(  # noqa: S603 - our own fixture
            command, cwd=root, env=environment, stdout=output, stderr=output
        )
        try:
            _wait_until_up(server, port, log)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait()


def server_errors(root: Path) -> list[str]:
    """The last line of each traceback in the server's log, each once, the most frequent first."""
    text = (root / LOG).read_text(encoding="utf-8", errors="replace")
    last_lines = re.findall(r"^Traceback .*\n(?:  .*\n|\n)*^(\S.*)$", text, flags=re.MULTILINE)
    return [line for line, _ in Counter(last_lines).most_common()]


def call(address: str, requests: Sequence[Request]) -> list[Answer]:
    """The answers of the application at `address` to `requests`, in order."""
    return [_answer(address, request) for request in requests]


def _answer(address: str, request: Request) -> Answer:
    body = None if request.json is None else json.dumps(request.json).encode()
    headers = {**request.headers, "Content-Type": "application/json"}
    sent = urllib.request.Request(  # noqa: S310 - http to our own server
        address + request.path, data=body, headers=headers, method=request.method
    )
    try:
        with urllib.request.urlopen(sent, timeout=30) as response:  # noqa: S310
            return Answer(response.status, _masked(response.read().decode()))
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, _masked(error.read().decode()))


def _masked(text: str) -> str:
    now = datetime.now(timezone.utc).replace(tzinfo=None)

    def mask(found: re.Match[str]) -> str:
        age = now - datetime.fromisoformat(found[0][:19])
        return "now" if timedelta(minutes=-1) < age < timedelta(hours=1) else found[0]

    return _TIME_STAMP.sub(mask, text)


def _environment(root: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1"}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_up(server: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while server.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise InternalError(
        f"the application did not start:\n{log.read_text(errors='replace')[-3000:]}"
    )
