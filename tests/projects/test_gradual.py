"""One route at a time: every state runs, and the order makes no difference to where it ends."""

from __future__ import annotations

from pathlib import Path

import pytest

from migrate_async.model.plan import Step
from migrate_async.model.selection import Selection
from support.fixture_apps import fixture_app
from support.migration import copy_of, tree
from support.route_by_route import at_once, complaints, in_random_order, migrate

pytestmark = pytest.mark.any_sqlalchemy

ORDERS = [
    ("small/tutorial", 1),
    ("small/annotated_dependency", 2),
    ("small/next_get_db", 3),
    ("small/repository_class", 4),
    ("small/two_engines", 5),
    ("small/sessionlocal_close", 6),
    ("small/celery_style_tasks", 7),
    ("small/decorator_injection", 8),
    ("small/request_state_middleware", 9),
    ("small/waiting_coroutines", 11),
    ("small/session_givers", 12),
    ("small/lazy_engines", 13),
    ("small/library_tests", 14),
    ("small/session_scopes", 15),
]


@pytest.mark.parametrize(("name", "seed"), ORDERS)
def test_any_order_ends_with_the_same_files_as_one_run(
    name: str, seed: int, tmp_path: Path
) -> None:
    app = fixture_app(name)
    folder = copy_of(app.before, tmp_path / "steps")
    for _ in in_random_order(folder, seed):
        pass
    assert tree(folder) == at_once(app, tmp_path / "once")


def test_the_order_does_not_matter_after_the_step_of_the_queries_either(tmp_path: Path) -> None:
    app = fixture_app("small/tutorial")
    folder = copy_of(app.before, tmp_path / "steps")
    migrate(folder, Selection(), Step.QUERIES)
    for _ in in_random_order(folder, 9, Step.ASYNC):
        pass
    assert tree(folder) == at_once(app, tmp_path / "once", Step.ASYNC)


@pytest.mark.parametrize("name", ["small/tutorial", "small/repository_class"])
def test_a_half_migrated_app_passes_its_tests_and_answers_as_before(
    name: str, tmp_path: Path
) -> None:
    app = fixture_app(name)
    folder = copy_of(app.before, tmp_path)
    for number, _ in enumerate(in_random_order(folder, 10)):
        if number == 1:
            assert complaints(app, folder) == ""
            return


def test_the_shop_runs_with_some_routes_migrated(tmp_path: Path) -> None:
    """Bridges, an order service that stays sync, a registry, two shared helpers."""
    app = fixture_app("legacy_shop")
    folder = copy_of(app.before, tmp_path)
    migrate(
        folder,
        Selection(routes=("PATCH /users/me", "POST /orders", "GET /products", "GET /admin/health")),
    )
    text = "".join(text.decode() for text in tree(folder).values())
    assert "await db.run_sync(crud.user.update, " in text
    assert "Depends(get_sync_db)" in text
    assert complaints(app, folder) == ""


def test_a_second_run_for_the_same_route_changes_nothing(tmp_path: Path) -> None:
    folder = copy_of(fixture_app("legacy_shop").before, tmp_path)
    selection = Selection(routes=("POST /orders",))
    migrate(folder, selection)
    done = tree(folder)
    migrate(folder, selection)
    assert tree(folder) == done


def test_routes_share_the_session_that_a_middleware_gives_them(tmp_path: Path) -> None:
    """One is migrated, the others take the sync side of its session."""
    app = fixture_app("small/request_state_middleware")
    folder = copy_of(app.before, tmp_path)
    migrate(folder, Selection(routes=("GET /teams",)))
    assert ".sync_session" in (folder / "main.py").read_text()
    assert complaints(app, folder) == ""
