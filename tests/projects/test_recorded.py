"""The SQL of the legacy shop's tests, before and after its migration."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from support.fixture_apps import fixture_app
from support.migration import PYTEST, copy_of, write

TESTS = ("tests/test_orders.py", "tests/test_crud.py", "tests/test_models.py")
"""Those that write, commit, refresh and load lazily; the others are more of the same."""


def record(folder: Path, *options: str) -> dict[str, Any]:
    """The JSON document of `record`; the tests have to pass."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("COV_", "COVERAGE_", "PYTEST_", "DATABASE_URL"))
    }
    pytest_command = (*PYTEST, "-q", *TESTS)
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "migrate_async",
            "record",
            "--format",
            "json",
            *options,
            "--",
            *pytest_command,
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        env=environment,
        timeout=600,
        check=False,
    )
    document: dict[str, Any] = json.loads(done.stdout or "{}")
    assert document.get("exit_code") == 0, done.stderr
    return document


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], dict[str, Any]]:
    """The report on the legacy tests, and that on the migrated ones with the comparison."""
    folder = tmp_path_factory.mktemp("shop")
    app = copy_of(fixture_app("legacy_shop").before, folder)
    profile = str(folder / "legacy.json")
    before = record(app, "--output", profile)
    write(app, "--all")
    return before, record(app, "--compare", profile)


def test_the_legacy_tests_load_lazily(compared: tuple[dict[str, Any], dict[str, Any]]) -> None:
    before, _ = compared
    assert before["problems"] == []
    assert before["environments"][0].endswith("sqlite+pysqlite")
    repeated = [load for load in before["loads"] if load["most"] > 1]
    assert ("OrderItem.product", "shop/routers/orders.py") in {
        (load["name"], load["place"]["path"]) for load in repeated
    }
    assert {load["producer"] for load in before["loads"]} == {"query", "new"}


def test_every_difference_has_a_known_cause(
    compared: tuple[dict[str, Any], dict[str, Any]],
) -> None:
    _, after = compared
    comparison = after["comparison"]
    unexplained = [d for d in comparison["differences"] if d["cause"] == "unexplained"]
    assert unexplained == []
    assert comparison["only_before"] == []
    assert comparison["compared"] >= 20


def test_the_migrated_tests_run_on_async_sessions_and_load_nothing_implicitly(
    compared: tuple[dict[str, Any], dict[str, Any]],
) -> None:
    _, after = compared
    assert after["environments"][0].endswith("sqlite+aiosqlite")
    assert after["comparison"]["lazy_before"] > 0
    assert after["comparison"]["lazy_after"] == 0
