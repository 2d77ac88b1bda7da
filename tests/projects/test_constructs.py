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
from support.once import once, shared_folder
from support.route_by_route import migrate

APPLICATIONS = FIXTURES / "constructs"
NAMES = (
    "disguises",
    "dumps",
    "everyday",
    "filled",
    "frames",
    "generated",
    "givers",
    "habits",
    "jobs",
    "ledger",
    "listeners",
    "lives",
    "mappings",
    "office",
    "patterns",
    "queries",
    "readings",
    "schemas",
    "sessions",
    "shapes",
    "sockets",
    "sqlmodels",
    "states",
    "typed",
    "values",
)


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


def _migrate_all(name: str) -> str:
    folder = _copy(name, shared_folder() / "app")
    migrate(folder, EVERYTHING)
    return str(folder)


def _migrated(name: str, folder: Path) -> Path:
    """A copy, in `folder`, of what all workers share."""
    whole = once(f"constructs {name}", lambda: _migrate_all(name))
    return Path(shutil.copytree(whole, folder))


@cache
def _before(name: str) -> list[Any]:
    return _answers(APPLICATIONS / name)


@pytest.mark.parametrize("name", NAMES)
def test_all_at_once_and_by_halves(name: str, tmp_path: Path) -> None:
    assert all(status < 500 for _, status, _ in _before(name))
    whole = _migrated(name, tmp_path / "whole")
    assert _answers(whole) == _before(name)
    assert command(whole, "verify").returncode == 0
    halves = _copy(name, tmp_path / "halves")
    migrate(halves, Selection(percent=50))
    assert _answers(halves) == _before(name), "after the first half"
    migrate(halves, EVERYTHING)
    done = tree(whole)
    assert tree(halves) == done
    migrate(whole, EVERYTHING)
    assert tree(whole) == done, "a second run changes nothing"


@pytest.mark.parametrize("name", NAMES)
async def test_on_postgresql(name: str, tmp_path: Path) -> None:
    folder = _migrated(name, tmp_path / "app")
    async with fresh_database("postgresql", tmp_path) as url:
        before = _answers(APPLICATIONS / name, url)
        assert _answers(folder, url) == before


def test_time_stamps_are_left_out() -> None:
    """Two of them show the time of the run."""
    assert any(RECENT in text for _, _, text in _before("values"))
