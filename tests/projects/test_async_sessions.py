"""`--step tests` on suites that make engines and sessions: the same results on async ones."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from support.fixture_apps import fixture_app
from support.migration import copy_of, legacy_tests, own_tests, tree, write

pytestmark = pytest.mark.any_sqlalchemy


def without_shim(folder: Path) -> None:
    """Fail the tests where the adapter would hide a session that stayed sync."""
    settings = folder / "pyproject.toml"
    text = settings.read_text()
    settings.write_text(text + 'filterwarnings = ["error::migrate_async.LegacyShimWarning"]\n')


def passed(run: subprocess.CompletedProcess[str]) -> str:
    """How many tests did, as pytest says it."""
    assert run.returncode == 0, run.stdout[-4000:]
    return re.findall(r"\d+ passed", run.stdout)[-1]


@pytest.mark.parametrize("name", ["object_factories", "session_fixtures", "tutorial"])
def test_a_suite_on_async_sessions_says_the_same(name: str, tmp_path: Path) -> None:
    app = fixture_app(f"small/{name}")
    folder = copy_of(app.before, tmp_path)
    before = passed(legacy_tests(app.before))

    write(folder, "--step", "tests")
    assert "MA573" not in write(folder, "--all"), "the application has migrated now"
    assert passed(own_tests(folder)) == before, "the client is async, the sessions sync"

    said = write(folder, "--step", "tests")
    assert "MA573" not in said
    text = b"".join(tree(folder).values())
    assert b"create_engine(" not in text.replace(b"create_async_engine(", b"")
    without_shim(folder)
    assert passed(own_tests(folder)) == before

    done = tree(folder)
    write(folder, "--step", "tests")
    write(folder, "--all")
    assert tree(folder) == done, "another run changes nothing"


@pytest.mark.usefixtures("on_postgresql")
def test_on_asyncpg(tmp_path: Path) -> None:
    folder = copy_of(fixture_app("small/session_fixtures").before, tmp_path)
    write(folder, "--all")
    write(folder, "--step", "tests")
    without_shim(folder)
    assert passed(own_tests(folder)) == "17 passed"
