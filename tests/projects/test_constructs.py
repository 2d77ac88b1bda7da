"""`fixtures/constructs`: each route of each application answers as before, in each state."""

from __future__ import annotations

import json
import shutil
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from migrate_async.model.selection import EVERYTHING, Selection
from support.databases import fresh_database
from support.fixture_apps import FIXTURES
from support.http_sequence import RECENT, load_requests, replay
from support.migration import command, tree
from support.route_by_route import migrate

APPLICATIONS = FIXTURES / "constructs"
NAMES = ("everyday", "patterns", "schemas", "typed", "values")


def _copy(name: str, folder: Path) -> Path:
    return Path(shutil.copytree(APPLICATIONS / name, folder))


def _answers(folder: Path, url: str | None = None) -> list[Any]:
    """What `folder` answers: as JSON, in which the order of keys does not count."""
    requests = load_requests(folder / "requests.json")
    env = {"DATABASE_URL": url} if url is not None else None
    found = replay(folder, requests, app="main:app", env=env)
    return [
        (request["path"], answer["status"], json.dumps(answer["json"], sort_keys=True))
        for request, answer in zip(requests, found, strict=True)
    ]


@cache
def _before(name: str) -> list[Any]:
    return _answers(APPLICATIONS / name)


@pytest.mark.parametrize("name", NAMES)
def test_all_at_once(name: str, tmp_path: Path) -> None:
    assert all(status < 500 for _, status, _ in _before(name))
    folder = _copy(name, tmp_path / "app")
    migrate(folder, EVERYTHING)
    assert _answers(folder) == _before(name)
    done = tree(folder)
    migrate(folder, EVERYTHING)
    assert tree(folder) == done, "a second run changes nothing"
    assert command(folder, "verify").returncode == 0


@pytest.mark.parametrize("name", NAMES)
def test_half_of_the_routes(name: str, tmp_path: Path) -> None:
    whole = _copy(name, tmp_path / "whole")
    migrate(whole, EVERYTHING)
    folder = _copy(name, tmp_path / "app")
    migrate(folder, Selection(percent=50))
    assert _answers(folder) == _before(name)
    migrate(folder, EVERYTHING)
    assert tree(folder) == tree(whole)


@pytest.mark.parametrize("name", NAMES)
async def test_on_postgresql(name: str, tmp_path: Path) -> None:
    folder = _copy(name, tmp_path / "app")
    async with fresh_database("postgresql", tmp_path) as url:
        before = _answers(folder, url)
        migrate(folder, EVERYTHING)
        assert _answers(folder, url) == before


def test_time_stamps_are_left_out() -> None:
    """Two of them show the time of the run."""
    assert any(RECENT in text for _, _, text in _before("values"))
