"""A process that has imported what applications import, and forks for each of their runs.

Started by `support.interpreters`, which says what it is for. It reads one task a line from its
stdin and answers with one line, the exit code. A task is a JSON object: `arguments` of `python`,
`cwd`, `env`, and the files `stdout` and `stderr` to write. When its stdin ends it kills what runs
and ends itself.

What a child finds is what an interpreter of its own would find, except for the third-party modules
that are there already: `tests/fixtures/test_interpreters.py` compares the two.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import runpy
import select
import signal
import sys
import tempfile
import threading
import time
import types
import warnings
from pathlib import Path
from typing import Any

WARM = """\
import aiosqlite
import fastapi.testclient
import httpx
import sqlalchemy.dialects.sqlite.aiosqlite
import sqlalchemy.ext.asyncio
import sqlalchemy.orm


def test_nothing():
    app = fastapi.FastAPI()
    app.get("/")(lambda: None)  # imports what a route needs
"""
"""What nearly every application imports; its own modules are never among it."""

SETTINGS = """\
[tool.pytest.ini_options]
asyncio_default_fixture_loop_scope = "function"
"""
SILENT = ("cacheprovider", "hypothesispytest", "faker")
OURS = ("migrate_async_loops", "migrate_async_overrides")
"""Plugins that a child imports itself: what they do when they are loaded is under test."""


def warm_up() -> None:
    """Run a suite of one test.

    So pytest and its plugins are imported by pytest itself, which rewrites the assertions of some.
    """
    import pytest  # as an application does, not as this file

    path, filters, hooks = sys.path[:], warnings.filters[:], sys.meta_path[:]
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "pyproject.toml").write_text(SETTINGS)
        Path(folder, "test_warm.py").write_text(WARM)
        before = Path.cwd()
        os.chdir(folder)
        options = [option for name in (*SILENT, *OURS) for option in ("-p", f"no:{name}")]
        code = pytest.main(["-q", *options])
        os.chdir(before)
    if code != 0:
        raise SystemExit(f"what applications import cannot be imported: {code}")
    sys.modules.pop("test_warm", None)
    sys.path[:], warnings.filters[:], sys.meta_path[:] = path, filters, hooks
    sys.excepthook = sys.__excepthook__  # `exceptiongroup`, on Python 3.10, has another
    tempfile.tempdir = None


def next_task() -> dict[str, Any] | None:
    """The task of a child, in which alone this returns one; None when there are no more."""
    while line := sys.stdin.buffer.readline():
        alive, held = os.pipe()
        child = os.fork()
        if not child:
            os.close(alive)
            task: dict[str, Any] = json.loads(line)
            return task
        os.close(held)
        answered = _ended(child, alive)
        os.close(alive)
        if not answered:
            return None
    return None


def _ended(child: int, alive: int) -> bool:
    """Wait for a child and answer; False when nobody waits for the answer any more.

    `alive` is a pipe whose other end the child holds.
    """
    ready, _, _ = select.select([alive, sys.stdin], [], [])
    if alive not in ready:
        os.killpg(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if alive in ready:
        os.write(1, b"%d\n" % os.waitstatus_to_exitcode(status))
    return alive in ready


def become(task: dict[str, Any]) -> None:
    """Run the task as `python` would that had just been started."""
    _redirect(task["stdout"], task["stderr"])
    os.chdir(task["cwd"])
    os.environ.clear()
    os.environ.update(task["env"])
    time.tzset()
    sys.dont_write_bytecode = bool(os.environ.get("PYTHONDONTWRITEBYTECODE"))
    sys.path_importer_cache.clear()
    importlib.invalidate_caches()
    added = filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))
    sys.path[:] = [os.path.abspath(entry) for entry in added] + sys.path  # noqa: PTH100
    sys.modules["__main__"] = types.ModuleType("__main__")
    sys.orig_argv = [sys.executable, *task["arguments"]]
    kind, *rest = task["arguments"]
    if kind == "-m":
        sys.argv = rest
        sys.path.insert(0, os.getcwd())  # noqa: PTH109
        runpy.run_module(rest[0], run_name="__main__", alter_sys=True)
    elif kind == "-c":
        sys.argv = ["-c", *rest[1:]]
        sys.path.insert(0, "")
        exec(compile(rest[0], "<string>", "exec"), sys.modules["__main__"].__dict__)  # noqa: S102
    else:
        sys.argv = [kind, *rest]
        sys.path.insert(0, str(Path(kind).resolve().parent))
        runpy.run_path(kind, run_name="__main__")


def _redirect(stdout: str, stderr: str) -> None:
    """A process group of its own, nothing to read, and files for what it says."""
    os.setsid()
    created = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    streams = ((os.devnull, os.O_RDONLY), (stdout, created), (stderr, created))
    for number, (path, flags) in enumerate(streams):
        opened = os.open(path, flags)
        os.dup2(opened, number)
        os.close(opened)


if __name__ == "__main__":
    del sys.path[0]  # the folder of this file
    said = os.dup(1)
    os.dup2(2, 1)  # what pytest says is no answer
    warm_up()
    sys.stdout.flush()
    assert threading.active_count() == 1, "a fork leaves threads behind"
    os.dup2(said, 1)
    os.close(said)
    gc.collect()
    gc.freeze()
    if (found := next_task()) is not None:
        become(found)
