"""The step `models` on whole applications: the schema stays, and so does what they do."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from support.fixture_apps import fixture_app
from support.migration import copy_of, own_tests, tree, write

_CREATE = """
import sys
from sqlalchemy import create_engine
import shop.models
from shop.database import Base
Base.metadata.create_all(create_engine(sys.argv[1]))
"""
_COMPARE = """
import sys
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine
import shop.models
from shop.database import Base
with create_engine(sys.argv[1]).connect() as connection:
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    print(compare_metadata(context, Base.metadata))
"""


def run(code: str, folder: Path, *arguments: str) -> str:
    """The output of `code`, executed in `folder` by an interpreter of its own."""
    result = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(folder)},
    )
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


def test_alembic_finds_no_difference(tmp_path: Path) -> None:
    """The tables that the legacy shop made are those that the converted models describe."""
    folder = copy_of(fixture_app("legacy_shop").before, tmp_path)
    url = f"sqlite:///{tmp_path}/shop.db"
    run(_CREATE, folder, url)

    write(folder, "--step", "models")

    assert run(_COMPARE, folder, url) == "[]"
    done = tree(folder)
    write(folder, "--step", "models")
    assert tree(folder) == done, "a second run changes nothing"


@pytest.mark.any_sqlalchemy
def test_converted_models_pass_mypy(tmp_path: Path) -> None:
    """Strictly, in every file that holds nothing but models."""
    pytest.importorskip("mypy", reason="mypy is not installed")
    folder = copy_of(fixture_app("legacy_shop").before, tmp_path)
    write(folder, "--step", "models")
    files = [f"shop/models/{name}.py" for name in ("category", "order", "review", "user")]
    result = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent", *files],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("name", ["small/repository_class", "small/tutorial"])
def test_models_first_then_everything(name: str, tmp_path: Path) -> None:
    """The app's own tests pass after this step, and after the whole migration on top of it."""
    folder = copy_of(fixture_app(name).before, tmp_path)

    write(folder, "--step", "models")
    first = own_tests(folder)
    assert first.returncode == 0, first.stdout[-4000:]

    write(folder, "--all", "--allow-dirty")
    second = own_tests(folder)
    assert second.returncode == 0, second.stdout[-4000:]
