"""The parts of the demonstration that need no server."""

from __future__ import annotations

import importlib.resources
import json
from datetime import datetime, timezone
from pathlib import Path

import pytest

from migrate_async.cli import demo_app
from migrate_async.errors import UsageError


def test_the_application_is_found_in_the_repository() -> None:
    fixture = demo_app.find_fixture()
    assert (fixture / "before" / "shop" / "main.py").is_file()
    assert demo_app.load_requests(fixture)


def test_the_packaged_application_comes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packaged = tmp_path / "_fixtures" / demo_app.NAME
    (packaged / "before").mkdir(parents=True)
    monkeypatch.setattr(importlib.resources, "files", lambda _package: tmp_path)
    assert demo_app.find_fixture() == packaged


def test_an_installation_without_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo_app, "NAME", "no_such_application")
    with pytest.raises(UsageError, match="run the demonstration from a checkout"):
        demo_app.find_fixture()


def test_a_copy_has_no_leftovers(tmp_path: Path) -> None:
    source = tmp_path / "fixture"
    (source / "before" / "shop" / "__pycache__").mkdir(parents=True)
    (source / "before" / "shop" / "main.py").touch()
    (source / "before" / "shop.db").touch()
    copy = demo_app.copy_app(source, tmp_path / "work")
    assert sorted(path.name for path in copy.rglob("*")) == ["main.py", "shop"]


def test_missing_packages_are_named_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo_app, "_NEEDED", ("pytest", "no_such_package"))
    with pytest.raises(UsageError, match=r"pip install no_such_package$"):
        demo_app.require_packages()


def test_recorded_requests_may_leave_fields_out(tmp_path: Path) -> None:
    requests = [{"method": "GET", "path": "/", "expect_status": 200}]
    (tmp_path / "requests.json").write_text(json.dumps(requests))
    assert demo_app.load_requests(tmp_path) == [demo_app.Request("GET", "/", 200)]


def test_recent_time_stamps_are_masked_and_old_ones_kept() -> None:
    now = datetime.now(timezone.utc).replace(tzinfo=None).isoformat()
    text = f'{{"created": "{now}", "opened": "2024-03-01T09:00:00"}}'
    assert demo_app._masked(text) == '{"created": "now", "opened": "2024-03-01T09:00:00"}'
