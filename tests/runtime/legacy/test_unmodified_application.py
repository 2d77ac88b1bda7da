"""Legacy applications pass their own tests after an exchange of their database module."""

import os
import re
import shutil
from pathlib import Path

import pytest

from support.databases import fresh_database
from support.interpreters import run
from support.migration import SUITE, legacy_tests

ROOT = Path(__file__).parents[3]
NOTES = ROOT / "fixtures" / "legacy_notes"
SHOP = ROOT / "fixtures" / "legacy_shop" / "before"
SHOP_ON_SHIM = ROOT / "tests" / "support" / "shop_on_shim.py"


def run_tests_of(application: Path, tests: str, **environment: str) -> tuple[int, str]:
    """How many tests of the application passed (none if one failed), and the output."""
    done = run([*SUITE, "-q", tests], application, {**os.environ, **environment}, timeout=120)
    passed = re.search(r"^(\d+) passed", done.stdout, re.MULTILINE)
    return (int(passed[1]) if passed and done.returncode == 0 else 0), done.stdout + done.stderr


def copy_of(application: Path, target: Path) -> Path:
    shutil.copytree(application, target, ignore=shutil.ignore_patterns("__pycache__"))
    if not (target / "pyproject.toml").exists():
        (target / "pytest.ini").write_text("[pytest]\n")
    return target


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    """A copy of our small application."""
    return copy_of(NOTES / "before", tmp_path / "notes")


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A copy of the larger one."""
    return copy_of(SHOP, tmp_path / "shop")


async def test_the_notes_pass_as_they_were_written(notes: Path, tmp_path: Path) -> None:
    """On their sync engine. (On PostgreSQL they hang: the sessions of their registry leak.)"""
    async with fresh_database("sqlite", tmp_path) as url:
        passed, output = run_tests_of(notes, "notes_tests.py", NOTES_URL=url)
    assert passed == 15, output


@pytest.mark.parametrize("mode", ["hop", "loop", "threads"])
@pytest.mark.parametrize("backend", ["sqlite", "postgresql", "mariadb"])
async def test_the_notes_pass_on_the_async_engine(
    notes: Path, tmp_path: Path, backend: str, mode: str
) -> None:
    shutil.copy(NOTES / "on_shim" / "database.py", notes / "notes" / "database.py")
    async with fresh_database(backend, tmp_path) as url:
        passed, output = run_tests_of(notes, "notes_tests.py", NOTES_URL=url, SHIM_MODE=mode)
    assert passed == 15, output


@pytest.mark.parametrize("mode", ["hop", "loop"])
def test_the_shop_passes_on_the_async_engine(shop: Path, mode: str) -> None:
    before = legacy_tests(SHOP)
    assert before.returncode == 0, before.stdout
    shutil.copy(SHOP_ON_SHIM, shop / "shop" / "database.py")
    passed, output = run_tests_of(shop, "tests", SHIM_MODE=mode)
    assert f" {passed} passed" in before.stdout, output
