"""`--keep-both`: async twins beside sync originals, executed against a database."""

from __future__ import annotations

from pathlib import Path

import pytest

from migrate_async.cli import verify_use_case
from migrate_async.cli.progress import Progress
from migrate_async.cli.workspace import open_workspace
from migrate_async.model.selection import EVERYTHING, Selection
from support.fixture_apps import fixture_app
from support.migration import command, copy_of, tree
from support.route_by_route import at_once, complaints, in_random_order, migrate

pytestmark = pytest.mark.any_sqlalchemy

TASKS = """\
from worker import task


@task
def shrink(image_id):
    return image_id
"""
"""What the tasks are once somebody has taken the database out of them."""


def text_of(folder: Path) -> str:
    return "".join(data.decode() for data in tree(folder).values())


@pytest.mark.parametrize(("name", "seed"), [("next_get_db", 3), ("celery_style_tasks", 3)])
def test_every_state_runs_and_any_order_ends_alike(name: str, seed: int, tmp_path: Path) -> None:
    app = fixture_app(f"small/{name}")
    folder = copy_of(app.before, tmp_path / "steps")
    most = 0
    for step in in_random_order(folder, seed, keep="both"):
        twins = text_of(folder).count("@sync_twin(")
        if twins > most or step == "--all":
            assert complaints(app, folder) == "", step
        most = max(most, twins)
    assert most
    assert tree(folder) == at_once(app, tmp_path / "once", keep="both")
    found = verify_use_case.verify_project(
        open_workspace([folder], jobs=1, cache=False), Progress()
    )
    assert not found.diagnostics


def test_the_shop_runs_with_twins(tmp_path: Path) -> None:
    """Methods of a generic class and functions, and nothing changes in a second run."""
    app = fixture_app("legacy_shop")
    folder = copy_of(app.before, tmp_path)
    chosen = Selection(routes=("GET /users/me", "POST /auth/login", "GET /products/{product_id}"))
    migrate(folder, chosen, keep="both")
    done = tree(folder)
    assert text_of(folder).count("@sync_twin(") > 1
    assert complaints(app, folder) == ""
    migrate(folder, chosen)
    assert tree(folder) == done


def test_a_twin_takes_its_place_once_the_last_sync_caller_is_gone(tmp_path: Path) -> None:
    """What keeps it sync are tasks: `finish` names them; without them the next run collapses."""
    app = fixture_app("small/celery_style_tasks")
    folder = copy_of(app.before, tmp_path)
    migrate(folder, EVERYTHING, keep="both")
    assert text_of(folder).count("@sync_twin(") == 2
    blocked = command(folder, "finish", "--check")
    assert "the sync original of an async twin" in blocked.stdout
    status = command(folder, "status", "--format", "json")
    assert status.stdout.count('"sync_twin"') == 2
    other = copy_of(app.before, tmp_path / "other")
    for place in (folder, other):
        (place / "tasks.py").write_text(TASKS)
    migrate(folder, EVERYTHING)
    migrate(other, EVERYTHING)
    assert (folder / "images.py").read_text() == (other / "images.py").read_text()
    assert tree(folder)["main.py"] == tree(other)["main.py"]
