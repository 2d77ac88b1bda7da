"""Which project is meant, and which part of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from migrate_async.cli.workspace import open_workspace, selected
from migrate_async.errors import ConfigurationError


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a package `app`; the working directory is its root."""
    root = tmp_path / "shop"
    (root / "app" / "api").mkdir(parents=True)
    (root / "pyproject.toml").write_text("[tool.migrate-async]\nstyle = 'inline'\n")
    monkeypatch.chdir(root)
    return root


def test_without_paths_it_is_the_project_around_the_working_directory(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project / "app")
    workspace = open_workspace(())
    assert workspace.root == project
    assert workspace.settings.style == "inline"
    assert workspace.selection == ()


def test_paths_become_relative_to_the_root(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project / "app")
    workspace = open_workspace([Path("api"), Path("../app"), project / "app" / "x.py"])
    assert workspace.selection == ("app/api", "app", "app/x.py")


def test_the_root_itself_selects_everything(project: Path) -> None:
    assert open_workspace([project, project / "app"]).selection == ()


def test_paths_of_another_project_bring_its_settings(project: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "pyproject.toml").touch()
    assert open_workspace([other]).root == other
    assert open_workspace([other]).settings.style == "result"


def test_another_configuration_file(project: Path, tmp_path: Path) -> None:
    file = tmp_path / "else.toml"
    file.write_text("[tool.migrate-async]\nstyle = 'bold'\n")
    with pytest.raises(ConfigurationError, match=r"else\.toml"):
        open_workspace((), config_file=file)


@pytest.mark.parametrize(
    ("path", "selection", "expected"),
    [
        ("app/api/users.py", (), True),
        ("app/api/users.py", ("app",), True),
        ("app/api/users.py", ("app/api/users.py",), True),
        ("application/x.py", ("app",), False),
        ("app/api/users.py", ("tests", "app/crud"), False),
    ],
)
def test_selected(path: str, selection: tuple[str, ...], expected: bool) -> None:
    assert selected(path, selection) is expected
