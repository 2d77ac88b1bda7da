"""The wheel as it is installed: the folder with the sources is out of the way."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXTRAS = {"alembic", "dask", "fastapi", "lsp", "mysql", "otel", "postgresql", "prometheus"}


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds what the wheel puts into `site-packages`."""
    built = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(built)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (wheel,) = built.glob("*.whl")
    folder = tmp_path_factory.mktemp("installed")
    zipfile.ZipFile(wheel).extractall(folder)
    return folder


def run(installed: Path, folder: Path, *arguments: str) -> str:
    """What Python prints in `folder`, with the wheel and the other packages of this environment.

    These come by `PYTHONPATH`, where the link to the sources that an editable install leaves in
    them is not followed.
    """
    others = sysconfig.get_path("purelib")
    done = subprocess.run(
        [sys._base_executable, *arguments],  # type: ignore[attr-defined]
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(installed), others])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (0, 1), done.stderr
    return done.stdout


def test_it_is_the_wheel_that_runs(installed: Path, tmp_path: Path) -> None:
    printed = run(installed, tmp_path, "-c", "import migrate_async as m; print(m.__file__)")
    assert Path(printed.strip()).is_relative_to(installed)


def test_codemods_rules_and_the_demonstration_are_in_it(installed: Path, tmp_path: Path) -> None:
    program = ("-m", "migrate_async")
    assert "query-to-select" in run(installed, tmp_path, *program, "codemod", "list")
    assert "MA601" in run(installed, tmp_path, *program, "rules")
    run(installed, tmp_path, *program, "demo", "--copy", "shop")
    shop = tmp_path / "shop"
    assert "routes             47" in run(installed, shop, *program, "scan")
    assert "select(" in run(installed, shop, *program, "migrate", "--all", "--diff")


def test_it_is_typed_and_holds_nothing_else(installed: Path) -> None:
    assert (installed / "migrate_async" / "py.typed").is_file()
    assert (installed / "migrate_async_codemods" / "py.typed").is_file()
    top = {path.name for path in installed.iterdir() if not path.name.endswith(".dist-info")}
    assert top == {"migrate_async", "migrate_async_codemods"}


def test_every_extra_is_offered_and_the_runtime_needs_sqlalchemy_only(installed: Path) -> None:
    (metadata,) = installed.glob("*.dist-info/METADATA")
    fields = Parser().parsestr(metadata.read_text(encoding="utf-8"))
    assert set(fields.get_all("Provides-Extra") or ()) >= EXTRAS
    needed = [line for line in fields.get_all("Requires-Dist") or () if "extra ==" not in line]
    assert [line.partition("[")[0] for line in needed] == ["sqlalchemy"]
