"""`--step tests` on whole applications: the same tests, by id, with the same results."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from support.fixture_apps import fixture_app
from support.migration import copy_of, legacy_tests, own_tests, tree, write

pytestmark = pytest.mark.any_sqlalchemy

APPS = [
    "legacy_shop",
    "small/sessionlocal_close",
    "small/sqlmodel_heroes",
]


_OUTCOME = re.compile(r"^(\S+::.+) (PASSED|FAILED|ERROR)", re.MULTILINE)


def outcomes(before: Path) -> dict[str, str]:
    """The outcome of each test of a legacy project by its id."""
    return dict(_OUTCOME.findall(legacy_tests(before).stdout))


def results(folder: Path) -> dict[str, str]:
    """The same of a project that is being migrated."""
    return dict(_OUTCOME.findall(own_tests(folder, "-v").stdout))


@pytest.mark.parametrize("name", APPS)
def test_a_suite_on_the_async_client_says_the_same(name: str, tmp_path: Path) -> None:
    """Before the application has migrated, and after."""
    app = fixture_app(name)
    folder = copy_of(app.before, tmp_path)
    before = outcomes(app.before)
    assert set(before.values()) == {"PASSED"}

    write(folder, "--step", "tests")

    text = b"".join(tree(folder).values())
    assert b"AsyncTestClient" in text
    assert b"import TestClient" not in text
    assert results(folder) == before
    done = tree(folder)
    write(folder, "--step", "tests")
    assert tree(folder) == done, "a second run changes nothing"

    write(folder, "--all")
    assert results(folder) == before


def test_after_the_application_has_migrated(tmp_path: Path) -> None:
    """Tests that became coroutines already get the client of their own loop."""
    app = fixture_app("legacy_shop")
    folder = copy_of(app.before, tmp_path)
    before = outcomes(app.before)
    write(folder, "--all")
    write(folder, "--step", "tests")
    assert b"import TestClient" not in b"".join(tree(folder).values())
    assert results(folder) == before
