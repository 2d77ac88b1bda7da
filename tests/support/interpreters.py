"""Run Python programs in interpreters of their own, of which most need not start from nothing.

To start an interpreter and import pytest, SQLAlchemy and FastAPI takes a second, and most programs
of our tests need less for the rest. `run` asks a server (`fork_server.py`), one for each process
that runs tests, which has imported these packages and forks. `run_fresh` starts a new interpreter:
for whatever is about starting up, or about what a program imports and in which order.

With `MIGRATE_ASYNC_TEST_FRESH=1` and where `fork` is not safe, `run` does as `run_fresh`.
"""

from __future__ import annotations

import atexit
import json
import os
import select
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

SERVER = Path(__file__).with_name("fork_server.py")
FORKS = sys.platform == "linux" and not os.environ.get("MIGRATE_ASYNC_TEST_FRESH")
UNDERSTOOD = {"PYTHONPATH", "PYTHONDONTWRITEBYTECODE"}
"""What of the settings of an interpreter can be changed after its start."""

Completed = subprocess.CompletedProcess[str]


def run_fresh(
    arguments: Sequence[str], cwd: Path | str, env: Mapping[str, str], timeout: float = 300
) -> Completed:
    """`python ARGUMENTS`; the exit code is for the caller to check.

    :raises subprocess.TimeoutExpired: it took longer, and was killed.
    """
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def run(
    arguments: Sequence[str], cwd: Path | str, env: Mapping[str, str], timeout: float = 300
) -> Completed:
    """The same; `arguments` begin with `-m`, `-c` or the path of a script.

    :raises subprocess.TimeoutExpired: it took longer, and was killed.
    """
    if not FORKS or _settings(env) != _settings(os.environ):
        return run_fresh(arguments, cwd, env, timeout)
    with TemporaryDirectory() as folder:
        stdout, stderr = Path(folder, "stdout"), Path(folder, "stderr")
        task = {
            "arguments": [*map(str, arguments)],
            "cwd": str(cwd),
            "env": dict(env),
            "stdout": str(stdout),
            "stderr": str(stderr),
        }
        code = _asked(json.dumps(task), timeout)
        return Completed([sys.executable, *arguments], code, stdout.read_text(), stderr.read_text())


def _settings(env: Mapping[str, str]) -> dict[str, str]:
    """What only a new interpreter takes over."""
    settings = (name for name in env if name.startswith("PYTHON"))
    return {name: env[name] for name in settings if name not in UNDERSTOOD}


def _asked(task: str, timeout: float) -> int:
    """The exit code of the task."""
    server = _server()
    assert server.stdin is not None
    assert server.stdout is not None
    ready, code = [], ""
    try:
        server.stdin.write(task + "\n")
        server.stdin.flush()
        ready, _, _ = select.select([server.stdout], [], [], timeout)
        if ready:
            code = server.stdout.readline()
    finally:
        if not code:
            _stop(server)  # and with it what it runs
            _server.cache_clear()
    if not ready:
        raise subprocess.TimeoutExpired(task, timeout)
    assert code, f"the server has ended; `python {SERVER} < /dev/null` may say why"
    return int(code)


@cache
def _server() -> subprocess.Popen[str]:
    """The server of this process."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("COV_", "COVERAGE_", "PYTEST_", "PYTHONPATH"))
    }
    server = subprocess.Popen(
        [sys.executable, str(SERVER)],
        env={**environment, "PYTHONDONTWRITEBYTECODE": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,  # Ctrl-C is for us
    )
    atexit.register(_stop, server)
    return server


def _stop(server: subprocess.Popen[str]) -> None:
    assert server.stdin is not None
    server.stdin.close()
    try:
        server.wait(10)
    except subprocess.TimeoutExpired:  # a forked process may hold the other end of its stdin
        server.kill()
        server.wait()
    if server.stdout is not None:
        server.stdout.close()
