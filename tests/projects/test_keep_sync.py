"""`keep-sync`: what the settings name stays sync, and what is around it goes on working."""

from __future__ import annotations

from pathlib import Path

import pytest

from migrate_async.model.selection import EVERYTHING
from support.fixture_apps import fixture_app
from support.migration import command, copy_of, tree
from support.route_by_route import complaints, in_random_order, migrate

pytestmark = pytest.mark.any_sqlalchemy


def _asked(folder: Path, *patterns: str) -> None:
    """Add the setting to the project's `pyproject.toml`."""
    file = folder / "pyproject.toml"
    text = file.read_text() if file.exists() else ""
    file.write_text(f"{text}\n[tool.migrate-async]\nkeep-sync = {list(patterns)!r}\n")


@pytest.mark.parametrize(
    ("name", "patterns"),
    [
        ("legacy_shop", ["shop.crud"]),
        ("legacy_shop", ["shop/services/", "shop.routers.users.*"]),
        ("small/services_over_repositories", ["*Repository"]),
        ("small/async_routes_sync_session", ["*"]),
        ("small/next_get_db", ["*.get_db"]),
    ],
)
def test_the_application_does_what_it_did(name: str, patterns: list[str], tmp_path: Path) -> None:
    app = fixture_app(name)
    folder = copy_of(app.before, tmp_path)
    _asked(folder, *patterns)
    migrate(folder, EVERYTHING)
    assert not complaints(app, folder)
    once = tree(folder)
    migrate(folder, EVERYTHING)
    assert tree(folder) == once


def test_a_source_of_sessions_may_stay(tmp_path: Path) -> None:
    app = fixture_app("legacy_shop")
    folder = copy_of(app.before, tmp_path)
    _asked(folder, "shop.database.get_db")
    for _ in range(2):
        migrate(folder, EVERYTHING)
        assert not complaints(app, folder)
    text = (folder / "shop/database.py").read_text()
    assert "\ndef get_db() -> Iterator[Session]:" in text


def test_any_order_ends_the_same(tmp_path: Path) -> None:
    app = fixture_app("small/next_get_db")
    once, steps = copy_of(app.before, tmp_path / "once"), copy_of(app.before, tmp_path / "steps")
    for folder in (once, steps):
        _asked(folder, "*.crud.*")
    migrate(once, EVERYTHING)
    for _ in in_random_order(steps, 3):
        pass
    assert tree(steps) == tree(once)
    assert not complaints(app, steps)


def test_the_plan_tells(tmp_path: Path) -> None:
    folder = copy_of(fixture_app("legacy_shop").before, tmp_path)
    _asked(folder, "shop.crud", "shop.crud.nobody", "shop/nowhere/")
    told = command(folder, "plan", "--explain", "shop.crud.base.CRUDBase.get").stdout
    assert "`keep-sync` names it: shop.crud" in " ".join(told.split())
    told = command(folder, "plan").stdout
    assert "'shop.crud.nobody' in `keep-sync` names no function" in " ".join(told.split())
    assert "'shop/nowhere/' in `keep-sync` names no function" in " ".join(told.split())
