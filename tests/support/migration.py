"""Migrate a copy of a project with the real command, and run what comes out."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

_LEFT_OUT = ("__pycache__", ".pytest_cache", ".migrate-async", "*.db")


def copy_of(before: Path, folder: Path) -> Path:
    """A copy of the project at `before`, in `folder/app`."""
    target = folder / "app"
    shutil.copytree(before, target, ignore=shutil.ignore_patterns(*_LEFT_OUT))
    return target


def command(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`migrate-async` with `arguments` in `folder`, whatever its exit code."""
    return _run([sys.executable, "-m", "migrate_async", *arguments], folder)


def migrate(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`migrate-async migrate` in `folder`, whatever its exit code."""
    return command(folder, "migrate", *arguments)


def write(folder: Path, *arguments: str) -> str:
    """`migrate --write`, and what it says.

    Exit code 1 only says that something was left and reported.
    """
    result = migrate(folder, *arguments, "--write")
    assert result.returncode in (0, 1), result.stdout + result.stderr
    return result.stdout + result.stderr


def own_tests(folder: Path) -> subprocess.CompletedProcess[str]:
    """The project's own test suite, in an interpreter of its own."""
    options = ("-q", "-p", "no:cacheprovider", "-p", "no:randomly")
    return _run([sys.executable, "-m", "pytest", *options], folder)


def tree(folder: Path) -> dict[str, bytes]:
    """The Python files of a project by relative path."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*.py"))
        if ".migrate-async" not in path.parts
    }


def _run(program: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    # The project under test must not inherit how this test run is measured or configured.
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("COV_", "COVERAGE_", "PYTEST_", "DATABASE_URL"))
    }
    return subprocess.run(
        program,
        cwd=folder,
        capture_output=True,
        text=True,
        env=environment,
        timeout=300,
        check=False,
    )
