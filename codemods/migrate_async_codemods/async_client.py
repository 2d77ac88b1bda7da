"""Tests on an async client."""

from __future__ import annotations

from migrate_async.model.plan import (
    AddDecorator,
    AwaitCall,
    FilePlan,
    ImportChange,
    MakeAsync,
    Plan,
    ReplaceExpression,
    Step,
)
from migrate_async.rewrite.codemod import Example, PlannedCodemod

_NAME = "async-client"

# What the planner says of a module that is known as a test by its path.
_PLAN = Plan(
    Step.TESTS.value,
    files=(
        FilePlan(
            path="tests/test_app.py",
            digest="",
            edits=(
                MakeAsync(span=(6, 0, 8, 57), codemod=_NAME),
                AddDecorator(
                    span=(6, 0, 8, 57),
                    codemod=_NAME,
                    code='pytest.mark.asyncio(loop_scope="session")',
                ),
                MakeAsync(span=(7, 4, 8, 57), codemod=_NAME),
                ReplaceExpression(span=(7, 9, 7, 19), codemod=_NAME, code="AsyncTestClient"),
                AwaitCall(span=(8, 15, 8, 30), codemod=_NAME),
            ),
            imports=(
                ImportChange(_NAME, "migrate_async.runtime.testing.client", "AsyncTestClient"),
                ImportChange(_NAME, "pytest"),
            ),
            unneeded=("TestClient",),
        ),
    ),
)


class AsyncClient(PlannedCodemod):
    """Send the requests of a test suite through an async client.

    ## Why

    `TestClient` runs the application in an event loop of its own, in another thread. A test that
    awaits, with an async session of its own for example, needs the application in its own loop.

    ## What it does

    `TestClient` becomes `AsyncTestClient` of the runtime (extra `testing`), an `httpx.AsyncClient`
    with the arguments and the defaults of `TestClient`: redirects are followed, exceptions of the
    application are raised, cookies are kept, and `async with` runs start-up and shut-down. Its
    requests are awaited; the tests, fixtures and helpers that send them become coroutines for
    pytest-asyncio, on one event loop for the session. Sessions in fixtures become async in the
    same step, once the application has migrated (`async-tests`).

    ## Left alone

    The whole suite, if one use of a client cannot be followed or awaited. It is reported with the
    first such place (`MA571`): websockets and streams, clients kept in objects, tests of unittest,
    helpers that are handed on as values.
    """

    NAME = _NAME
    CODE = "MA570"
    STEP = Step.TESTS
    AFTER = ("async-tests",)
    EXAMPLES = (
        Example(
            "a client with start-up and shut-down",
            before="""\
from fastapi.testclient import TestClient

from app.main import app


def test_index():
    with TestClient(app) as client:
        assert client.get("/").json() == {"status": "ok"}
""",
            after="""\
import pytest

from app.main import app
from migrate_async.runtime.testing.client import AsyncTestClient


@pytest.mark.asyncio(loop_scope="session")
async def test_index():
    async with AsyncTestClient(app) as client:
        assert (await client.get("/")).json() == {"status": "ok"}
""",
            plan=_PLAN,
        ),
        Example(
            "no client",
            before="""\
def test_total():
    assert sum([1, 2]) == 3
""",
        ),
    )
