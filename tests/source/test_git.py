"""What counts as an uncommitted change."""

from __future__ import annotations

from pathlib import Path

import pytest

from migrate_async.source.git import tracked_and_untracked, uncommitted, work_tree
from support.git import git, repository


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("a.py", "b c.py", "ñ.py"):
        (tmp_path / name).write_text("x = 1\n")
    return repository(tmp_path)


def test_clean_tree(root: Path) -> None:
    """Nothing to report."""
    assert uncommitted([root / "a.py", root / "b c.py"]) == []


@pytest.mark.parametrize("name", ["a.py", "b c.py", "ñ.py"])
def test_changed_file(root: Path, name: str) -> None:
    """Only the files asked for are looked at."""
    (root / name).write_text("x = 2\n")
    others = [path for path in root.glob("*.py") if path.name != name]
    assert uncommitted([root / name]) == [name]
    assert uncommitted(others) == []


def test_staged_file(root: Path) -> None:
    """Staged is not committed."""
    (root / "a.py").write_text("x = 2\n")
    git(root, "add", "a.py")
    assert uncommitted([root / "a.py"]) == ["a.py"]


def test_renamed_file(root: Path) -> None:
    """The new name counts, the old one is no file."""
    git(root, "mv", "a.py", "z.py")
    assert uncommitted([root / "z.py", root / "b c.py"]) == ["z.py"]


def test_untracked_file_does_not_count(root: Path) -> None:
    """git could not give it back anyway; our journal can."""
    (root / "new.py").touch()
    assert uncommitted([root / "new.py"]) == []


def test_outside_a_work_tree(tmp_path: Path) -> None:
    """No git, no objection."""
    (tmp_path / "a.py").touch()
    assert uncommitted([tmp_path / "a.py"]) == []
    assert tracked_and_untracked(tmp_path, "*.py") is None
    assert work_tree(tmp_path) is None


def test_without_git(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without git works like a folder without it."""
    monkeypatch.setenv("PATH", "")
    (root / "a.py").write_text("x = 2\n")
    assert uncommitted([root / "a.py"]) == []


def test_many_files(root: Path) -> None:
    """More than fit on one command line."""
    paths = [root / f"m{number}.py" for number in range(1200)]
    for path in paths:
        path.write_text("x\n")
    git(root, "add", "--all")
    git(root, "commit", "-q", "-m", "many")
    for path in paths[::400]:
        path.write_text("y\n")
    assert uncommitted(paths) == ["m0.py", "m400.py", "m800.py"]
