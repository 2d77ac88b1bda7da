"""Every legacy fixture, migrated by the real command, without a hand edit.

The strictest proof is the last one: the same HTTP requests get the same status and JSON.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from support.fixture_apps import FixtureApp, fixture_apps
from support.http_sequence import legacy_answers, load_requests, replay
from support.migration import copy_of, own_tests, program, tree, write
from support.once import once, shared_folder

APPS = [pytest.param(app, id=app.name) for app in fixture_apps()]
HTTP_APPS = [pytest.param(app, id=app.name) for app in fixture_apps() if app.requests is not None]


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Callable[[FixtureApp], Path]:
    """A copy of an application that a program of its own has migrated, once."""

    @cache
    def copy(app: FixtureApp) -> Path:
        done = once(f"migrated {app.name}", lambda: str(_migrate(app)))
        return shutil.copytree(done, tmp_path_factory.mktemp("migrated") / "app")

    return copy


def _migrate(app: FixtureApp) -> Path:
    folder = copy_of(app.before, shared_folder())
    done = program(folder, "migrate", "--all", "--write")
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return folder


@pytest.mark.parametrize("app", APPS)
def test_a_migrated_app_passes_its_own_tests_and_is_finished(
    app: FixtureApp, migrated: Callable[[FixtureApp], Path]
) -> None:
    folder = migrated(app)

    result = own_tests(folder)
    assert result.returncode == 0, result.stdout[-4000:]

    done = tree(folder)
    write(folder, "--all")
    assert tree(folder) == done, "a second run changes nothing"


@pytest.mark.any_sqlalchemy
@pytest.mark.parametrize("app", APPS)
def test_an_app_in_2_0_style_passes_its_own_sync_tests(app: FixtureApp, tmp_path: Path) -> None:
    folder = copy_of(app.before, tmp_path)

    write(folder, "--step", "queries")

    result = own_tests(folder)
    assert result.returncode == 0, result.stdout[-4000:]


@pytest.mark.any_sqlalchemy
@pytest.mark.parametrize("app", HTTP_APPS)
def test_a_migrated_app_answers_every_request_as_before(
    app: FixtureApp, migrated: Callable[[FixtureApp], Path]
) -> None:
    assert app.requests is not None
    assert app.app is not None
    requests = load_requests(app.requests)

    before = legacy_answers(app.before, app.app, app.requests)
    after = replay(migrated(app), requests, app=app.app, fresh=True)

    for request, old, new in zip(requests, before, after, strict=True):
        assert new == old, f"{request['method']} {request['path']}"
