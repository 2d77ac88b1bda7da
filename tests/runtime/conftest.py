"""Fixtures of the runtime tests."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from support.databases import BACKENDS
from support.library import Sessions, library_sessions


@pytest.fixture(params=BACKENDS)
async def sessions(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Sessions]:
    """A session factory on an empty library, on each database in turn."""
    async with library_sessions(request.param, tmp_path) as factory:
        yield factory


@pytest.fixture
async def sqlite_sessions(tmp_path: Path) -> AsyncIterator[Sessions]:
    """A session factory on an empty library in SQLite, where the database does not matter."""
    async with library_sessions("sqlite", tmp_path) as factory:
        yield factory
