"""The files around the code say what the code says."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_the_house_is_drawn_as_it_is_built(project: dict[str, Any]) -> None:
    """The floors of CONTRIBUTING are the layers that `lint-imports` holds, in their order."""
    (layers,) = [
        contract["layers"]
        for contract in project["tool"]["importlinter"]["contracts"]
        if contract["type"] == "layers"
    ]
    drawing = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").split("```")[1]
    drawn = [line.split("   ")[0].strip() for line in map(str.strip, drawing.splitlines()[1:])]
    assert drawn[: len(layers)] == layers


@pytest.mark.parametrize("path", sorted((ROOT / ".github").rglob("*.yml")), ids=lambda p: p.name)
def test_a_file_for_github_is_valid_yaml(path: Path) -> None:
    assert yaml.safe_load(path.read_text(encoding="utf-8"))


def test_ci_runs_every_python_that_the_metadata_names(project: dict[str, Any]) -> None:
    named = {
        classifier.rpartition(" ")[2]
        for classifier in project["project"]["classifiers"]
        if re.search(r":: 3\.\d+$", classifier)
    }
    ci = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8"))
    assert set(ci["jobs"]["test"]["strategy"]["matrix"]["python"]) == named
    noxfile = (ROOT / "noxfile.py").read_text(encoding="utf-8")
    assert set(re.findall(r'"(3\.\d+)"', noxfile.partition("SQLALCHEMY")[0])) == named


def test_every_change_has_a_kind(project: dict[str, Any]) -> None:
    kinds = {kind["directory"] for kind in project["tool"]["towncrier"]["type"]}
    for path in (ROOT / "changes").glob("*.md"):
        if path.name != "README.md":
            assert path.name.split(".")[1] in kinds, path.name
            assert path.read_text(encoding="utf-8").strip()


def test_the_version_is_one(project: dict[str, Any]) -> None:
    from migrate_async import __version__

    assert project["project"]["version"] == __version__


def test_the_locked_versions_name_no_host() -> None:
    text = (ROOT / "requirements" / "dev.txt").read_text(encoding="utf-8")
    assert "://" not in text
    assert re.search(r"^sqlalchemy==", text, flags=re.MULTILINE)


def test_whoever_is_told_to_install_an_extra_can(project: dict[str, Any]) -> None:
    """In messages of the code, on pages and in the files for CI."""
    offered = project["project"]["optional-dependencies"]
    places = [
        *(ROOT / "src").rglob("*.py"),
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / name for name in ("README.md", "action.yml", ".pre-commit-hooks.yaml")),
    ]
    named = {
        extra
        for place in places
        for listed in re.findall(
            r"(?:migrate-async|\.)\[([a-z,]+)\]", place.read_text(encoding="utf-8")
        )
        for extra in listed.split(",")
    }
    assert {"dask", "lsp", "tools"} <= named <= offered.keys()


def test_the_tests_run_with_every_extra(project: dict[str, Any]) -> None:
    """Each brings what its code imports, in a version that it allows."""
    for extra, requirements in project["project"]["optional-dependencies"].items():
        for requirement in map(Requirement, requirements):
            if requirement.marker is None or requirement.marker.evaluate():
                installed = version(requirement.name)
                assert requirement.specifier.contains(installed, prereleases=True), extra


def test_an_extra_of_commands_brings_the_command_line(project: dict[str, Any]) -> None:
    """`uv tool install "migrate-async[lsp]"` gives a program that starts."""
    for extra in ("dask", "lsp"):
        assert "migrate-async[tools]" in project["project"]["optional-dependencies"][extra]


def test_nox_reads_its_file() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "nox", "--noxfile", str(ROOT / "noxfile.py"), "--list"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "tests-3.12(2.1)" in done.stdout
