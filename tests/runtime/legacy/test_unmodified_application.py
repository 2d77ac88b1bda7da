"""A legacy application passes its own tests after an exchange of its database module."""

import asyncio
import os
import shutil
import sys
from pathlib import Path

import pytest

from support.databases import fresh_database

APPLICATION = Path(__file__).parents[3] / "fixtures" / "legacy_notes"
NUMBER_OF_TESTS = 15


async def run_tests_of(application: Path, url: str, mode: str) -> tuple[int, str]:
    """The exit code and the output of the application's test suite."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "pytest", "-q", "-p", "no:cacheprovider", "notes_tests.py"),
        cwd=application,
        env={**os.environ, "NOTES_URL": url, "NOTES_MODE": mode},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        output, _ = await asyncio.wait_for(process.communicate(), timeout=120)
    finally:
        if process.returncode is None:
            process.kill()
    return process.returncode or 0, output.decode()


@pytest.fixture
def application(tmp_path: Path) -> Path:
    """A copy of the legacy application."""
    copy = tmp_path / "application"
    shutil.copytree(APPLICATION / "before", copy, ignore=shutil.ignore_patterns("__pycache__"))
    (copy / "pytest.ini").write_text("[pytest]\n")
    return copy


async def test_it_passes_as_it_was_written(application: Path, tmp_path: Path) -> None:
    """On its sync engine. (On PostgreSQL it hangs: the sessions of its registry leak.)"""
    async with fresh_database("sqlite", tmp_path) as url:
        code, output = await run_tests_of(application, url, mode="")
    assert code == 0, output


@pytest.mark.parametrize("mode", ["hop", "loop", "threads"])
@pytest.mark.parametrize("backend", ["sqlite", "postgresql"])
async def test_it_passes_on_the_async_engine(
    application: Path, tmp_path: Path, backend: str, mode: str
) -> None:
    shutil.copy(APPLICATION / "on_shim" / "database.py", application / "notes" / "database.py")
    async with fresh_database(backend, tmp_path) as url:
        code, output = await run_tests_of(application, url, mode)
    assert code == 0, output
    assert f"{NUMBER_OF_TESTS} passed" in output
