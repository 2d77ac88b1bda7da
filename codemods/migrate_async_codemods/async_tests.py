"""Tests and fixtures that became coroutines."""

from __future__ import annotations

from migrate_async.model.plan import AddDecorator, FilePlan, ImportChange, Plan, Step
from migrate_async.rewrite.codemod import Example, PlannedCodemod

# What the planner says of a test that calls a function of another module.
_PLAN = Plan(
    Step.ALL.value,
    files=(
        FilePlan(
            path="tests/test_app.py",
            digest="",
            edits=(
                AddDecorator(
                    span=(4, 0, 5, 31),
                    codemod="async-tests",
                    code='pytest.mark.asyncio(loop_scope="session")',
                ),
            ),
            imports=(ImportChange("async-tests", "pytest"),),
        ),
    ),
)


class AsyncTests(PlannedCodemod):
    """Let pytest-asyncio run the tests and fixtures that became coroutines.

    ## Why

    pytest skips or fails a coroutine that no plugin runs.

    ## What it does

    Converted tests get `@pytest.mark.asyncio(loop_scope="session")`, converted fixtures become
    `pytest_asyncio` fixtures of the same scope: all share one event loop, as they shared a thread.
    So do the async tests and fixtures that share a session with them, and below `@implicit_io` the
    tests and fixtures that stay sync and get something from them. Overrides of dependencies that
    only hand on a session become `async def`, engines that a fixture makes for itself are disposed
    of, and factories of factory_boy make their objects on the async session.

    ## Left alone

    Test suites in which no test calls a function that converts, unless `--step tests` asks for
    sessions of their own to become async. Those stay sync as a whole where one of them has to
    (`MA573`, `MA574`).
    """

    NAME = "async-tests"
    CODE = "MA600"
    AFTER = ("async-colour",)
    EXAMPLES = (
        Example(
            "a converted test",
            before="""\
from app import crud


def test_count(db):
    assert crud.count(db) == 0
""",
            after="""\
import pytest
from app import crud


@pytest.mark.asyncio(loop_scope="session")
def test_count(db):
    assert crud.count(db) == 0
""",
            plan=_PLAN,
        ),
        Example(
            "a test that only sends requests",
            before="""\
def test_index(client):
    assert client.get("/").status_code == 200
""",
        ),
    )
