"""`--step tests` on whole applications: the same tests, by id, with the same results."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from support.fixture_apps import fixture_app
from support.migration import copy_of, tree, write

APPS = [
    "legacy_shop",
    "small/sessionlocal_close",
    "small/sqlmodel_heroes",
]


_OUTCOME = re.compile(r"^(\S+::.+) (PASSED|FAILED|ERROR)", re.MULTILINE)


def results(folder: Path) -> dict[str, str]:
    """The outcome of each test of a project by its id."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("COV_", "COVERAGE_", "PYTEST_", "DATABASE_URL"))
    }
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-v", "-p", "no:cacheprovider", "-p", "no:randomly"],
        cwd=folder,
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    return dict(_OUTCOME.findall(run.stdout))


@pytest.mark.parametrize("name", APPS)
def test_a_suite_on_the_async_client_says_the_same(name: str, tmp_path: Path) -> None:
    """Before the application has migrated, and after."""
    folder = copy_of(fixture_app(name).before, tmp_path)
    before = results(folder)
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
    folder = copy_of(fixture_app("legacy_shop").before, tmp_path)
    before = results(folder)
    write(folder, "--all")
    write(folder, "--step", "tests")
    assert b"import TestClient" not in b"".join(tree(folder).values())
    assert results(folder) == before
