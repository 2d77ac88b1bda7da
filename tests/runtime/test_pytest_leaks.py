"""The pytest plugin fails the tests which leak, and only those."""

import asyncio
import os
from pathlib import Path

import pytest

from support.migration import PYTEST

SUITE = """
import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.orm import Session
from sqlalchemy.pool import AsyncAdaptedQueuePool

KEPT = []


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    return create_engine(f"sqlite:///{tmp_path_factory.mktemp('db')}/t.db")


@pytest.fixture(scope="module")
def connection(engine):
    with engine.connect() as connection:
        yield connection


@pytest.fixture
def session(engine):
    with Session(engine) as session:
        yield session


def test_clean(engine):
    with Session(engine) as session:
        session.execute(text("SELECT 1"))


def test_closed_by_its_fixture(session):
    session.execute(text("SELECT 1"))


def test_uses_a_wider_fixture(connection):
    connection.execute(text("SELECT 1"))


def test_keeps_a_session(engine):
    session = Session(engine)
    session.execute(text("SELECT 1"))  # kept here
    KEPT.append(session)


def test_is_not_blamed_for_the_one_before(engine):
    pass


def test_drops_a_session(engine):
    Session(engine).execute(text("SELECT 1"))  # dropped here


@pytest.mark.allow_leaks
def test_is_allowed_to(engine):
    KEPT.append(engine.connect())


def test_fails_and_leaks(engine):
    KEPT.append(engine.connect())
    assert not KEPT, "its own reason"


def test_skips_and_leaks(engine):
    KEPT.append(engine.connect())
    pytest.skip("too late")


async def test_async_session_kept(tmp_path):
    engine = create_async_engine(
        f"sqlite+aiosqlite:///{tmp_path}/a.db", poolclass=AsyncAdaptedQueuePool
    )
    KEPT.append(await engine.connect())  # kept by a coroutine
"""


async def outcome_of(suite: Path, *options: str) -> tuple[dict[str, str], str]:
    """The outcome of each test of the suite, and the whole output."""
    process = await asyncio.create_subprocess_exec(
        *PYTEST,
        *("-rA", "-p", "migrate_async.runtime.pytest_leaks", *options, str(suite)),
        cwd=suite.parent,
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output = (await process.communicate())[0].decode()
    outcomes: dict[str, str] = {}
    for outcome in ("PASSED", "ERROR", "FAILED"):
        for line in output.splitlines():
            if line.startswith(f"{outcome} ") and "::" in line:
                outcomes[line.split("::")[1].split(" ")[0]] = outcome
    return outcomes, output


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    (tmp_path / "pytest.ini").write_text("[pytest]\nasyncio_mode = auto\n")
    suite = tmp_path / "test_suite.py"
    suite.write_text(SUITE)
    return suite


async def test_tests_which_leak_fail_with_the_line(suite: Path) -> None:
    outcomes, output = await outcome_of(suite, "--migrate-async-leaks")
    assert outcomes == {
        "test_clean": "PASSED",
        "test_closed_by_its_fixture": "PASSED",
        "test_uses_a_wider_fixture": "PASSED",
        "test_keeps_a_session": "FAILED",
        "test_is_not_blamed_for_the_one_before": "PASSED",
        "test_drops_a_session": "FAILED",
        "test_is_allowed_to": "PASSED",
        "test_async_session_kept": "FAILED",
        "test_fails_and_leaks": "FAILED",
        "test_skips_and_leaks": "ERROR",
    }, output
    assert "its own reason" in output
    for comment in ("kept here", "dropped here", "kept by a coroutine"):
        number = next(n for n, line in enumerate(SUITE.splitlines(), 1) if f"# {comment}" in line)
        assert f"opened at {suite}:{number}" in output


async def test_it_is_off_unless_asked_for(suite: Path) -> None:
    outcomes, output = await outcome_of(suite)
    assert [name for name, found in outcomes.items() if found != "PASSED"] == [
        "test_fails_and_leaks"
    ], output
    suite.with_name("pytest.ini").write_text(
        "[pytest]\nasyncio_mode = auto\nmigrate_async_leaks = true\n"
    )
    outcomes, output = await outcome_of(suite)
    assert outcomes["test_keeps_a_session"] == "FAILED", output


RERUNS = """
from _pytest.runner import runtestprotocol


def pytest_runtest_protocol(item, nextitem):
    runtestprotocol(item, nextitem=nextitem)
    return True
"""


async def test_beside_a_plugin_which_runs_tests_the_leak_is_an_error(suite: Path) -> None:
    """It goes its way, and no leak is lost."""
    suite.with_name("conftest.py").write_text(RERUNS)
    outcomes, output = await outcome_of(suite, "--migrate-async-leaks")
    assert outcomes["test_keeps_a_session"] == "ERROR", output
    assert outcomes["test_clean"] == "PASSED", output
