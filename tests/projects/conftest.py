"""Fixtures of the tests that migrate whole projects."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from support.databases import fresh_database


@pytest.fixture
async def on_postgresql(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """Tests of the project find an empty database in the environment."""
    async with fresh_database("postgresql", tmp_path) as url:
        sync = url.replace("postgresql://", "postgresql+psycopg2://")
        monkeypatch.setenv("TEST_DATABASE_URL", sync)
        yield
