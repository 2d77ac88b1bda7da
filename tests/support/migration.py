"""Migrate a copy of a project with the command line, and run what comes out."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from support.cli import invoke
from support.interpreters import run, run_fresh
from support.once import once

_SILENT = ("cacheprovider", "hypothesispytest", "faker")
SUITE = ("-m", "pytest", *(part for name in _SILENT for part in ("-p", f"no:{name}")))
"""For suites of projects; none uses the plugins of Hypothesis and Faker, which take a second."""
PYTEST = (sys.executable, *SUITE)

_LEFT_OUT = ("__pycache__", ".pytest_cache", ".migrate-async", "*.db")


def copy_of(before: Path, folder: Path) -> Path:
    """A copy of the project at `before`, in `folder/app`."""
    target = folder / "app"
    shutil.copytree(before, target, ignore=shutil.ignore_patterns(*_LEFT_OUT))
    return target


def written(folder: Path, files: dict[str, str]) -> Path:
    """A project in `folder` with these files, by relative path."""
    for path, text in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    return folder


def program(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`migrate-async` with `arguments` in `folder`, as a program of its own."""
    return run_fresh(["-m", "migrate_async", *arguments], folder, _environment())


def command(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The same in this process, which saves the start of an interpreter."""
    with _working_in(folder):
        result = invoke(*arguments)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return subprocess.CompletedProcess(arguments, result.exit_code, result.stdout, result.stderr)


def write(folder: Path, *arguments: str) -> str:
    """`migrate --write`, and what it says.

    Exit code 1 only says that something was left and reported.
    """
    result = command(folder, "migrate", *arguments, "--write")
    assert result.returncode in (0, 1), result.stdout + result.stderr
    return result.stdout + result.stderr


def own_tests(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """The project's own test suite, in an interpreter of its own."""
    return run([*SUITE, "-p", "no:randomly", *(options or ("-q",))], folder, _environment())


@cache
def legacy_tests(before: Path) -> subprocess.CompletedProcess[str]:
    """The same of the unchanged project at `before`, with a line for each test; run once."""

    def said() -> tuple[int, str, str]:
        with TemporaryDirectory() as folder:
            done = own_tests(copy_of(before, Path(folder)), "-v")
            return done.returncode, done.stdout, done.stderr

    code, stdout, stderr = once(f"tests of {before}", said)
    return subprocess.CompletedProcess((str(before),), code, stdout, stderr)


def printed(folder: Path, code: str) -> str:
    """What the program `code` prints that uses the project in `folder`; it must not fail."""
    done = run(["-c", code], folder, _environment())
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout


def printed_anew(folder: Path, code: str) -> str:
    """The same, without the databases that an earlier program has left."""
    for file in folder.glob("*.db"):
        file.unlink()
    return printed(folder, code)


def tree(folder: Path) -> dict[str, bytes]:
    """The Python files of a project by relative path."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*.py"))
        if ".migrate-async" not in path.parts
    }


@contextmanager
def _working_in(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def _environment() -> dict[str, str]:
    # The project under test must not inherit how this test run is measured or configured. What
    # it compiles is not kept: within a second of a change that would be taken for current.
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("COV_", "COVERAGE_", "PYTEST_", "DATABASE_URL"))
    }
    return {**environment, "PYTHONDONTWRITEBYTECODE": "1"}
