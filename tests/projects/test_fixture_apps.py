"""Every legacy fixture, migrated by the real command, without a hand edit.

The strictest proof is the last one: the same HTTP requests get the same status and JSON.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from support.fixture_apps import FixtureApp, fixture_apps
from support.http_sequence import load_requests, replay
from support.migration import copy_of, own_tests, tree, write

APPS = [pytest.param(app, id=app.name) for app in fixture_apps()]
HTTP_APPS = [pytest.param(app, id=app.name) for app in fixture_apps() if app.requests is not None]


@pytest.mark.parametrize("app", APPS)
def test_a_migrated_app_passes_its_own_tests_and_is_finished(
    app: FixtureApp, tmp_path: Path
) -> None:
    folder = copy_of(app.before, tmp_path)

    write(folder, "--all")

    result = own_tests(folder)
    assert result.returncode == 0, result.stdout[-4000:]

    done = tree(folder)
    write(folder, "--all")
    assert tree(folder) == done, "a second run changes nothing"


@pytest.mark.parametrize("app", APPS)
def test_an_app_in_2_0_style_passes_its_own_sync_tests(app: FixtureApp, tmp_path: Path) -> None:
    folder = copy_of(app.before, tmp_path)

    write(folder, "--step", "queries")

    result = own_tests(folder)
    assert result.returncode == 0, result.stdout[-4000:]


@pytest.mark.parametrize("app", HTTP_APPS)
def test_a_migrated_app_answers_every_request_as_before(app: FixtureApp, tmp_path: Path) -> None:
    assert app.requests is not None
    assert app.app is not None
    folder = copy_of(app.before, tmp_path)
    write(folder, "--all")
    requests = load_requests(app.requests)

    before = replay(app.before, requests, app=app.app)
    after = replay(folder, requests, app=app.app)

    for request, old, new in zip(requests, before, after, strict=True):
        assert new == old, f"{request['method']} {request['path']}"
