"""Which files belong to a project, with git and without."""

from __future__ import annotations

from pathlib import Path

import pytest

from migrate_async.config import Settings
from migrate_async.errors import UsageError
from migrate_async.source.discover import discover
from support.git import commit, git, repository


def make(root: Path, *paths: str) -> None:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).touch()


def found(root: Path, *start: str, **settings: object) -> list[str]:
    return discover([root / path for path in start or (".",)], root, Settings(**settings))


@pytest.fixture(params=["git", "walk"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A project folder; half the time a git work tree."""
    if request.param == "git":
        repository(tmp_path)
    return tmp_path


def test_python_files_sorted(root: Path) -> None:
    """In the order of their names, whatever else is there."""
    make(root, "b.py", "a/z.py", "a/b/c.py", "a.txt", "py", "a/x.pyi", "c d.py", "ñ.py")
    assert found(root) == ["a/b/c.py", "a/z.py", "b.py", "c d.py", "ñ.py"]


def test_foreign_folders_are_left_out(root: Path) -> None:
    """Installed and generated code."""
    make(
        root,
        "a.py",
        "node_modules/x.py",
        "web/node_modules/x.py",
        ".venv/lib/x.py",
        "venv/x.py",
        "a/__pycache__/x.py",
        "lib/site-packages/x.py",
    )
    assert found(root) == ["a.py"]


def test_ignored_files_are_left_out(root: Path) -> None:
    """By `.gitignore` files at any level."""
    make(root, "a.py", "generated/x.py", "b/c.py", "b/d.py", "b/e/d.py")
    (root / ".gitignore").write_text("generated/\n*_pb2.py\n")
    (root / "b" / ".gitignore").write_text("/d.py\n")
    make(root, "x_pb2.py")
    assert found(root) == ["a.py", "b/c.py", "b/e/d.py"]


def test_excluded_by_settings(root: Path) -> None:
    """Patterns are those of `.gitignore`."""
    make(root, "a.py", "migrations/x.py", "b/migrations/x.py", "b/c.py")
    assert found(root, exclude=("migrations/", "/a.py")) == ["b/c.py"]


def test_start_paths(root: Path) -> None:
    """Only what is below them; overlaps count once."""
    make(root, "a/b.py", "a/c/d.py", "e.py")
    assert found(root, "a") == ["a/b.py", "a/c/d.py"]
    assert found(root, "a/c", "a", "e.py") == ["a/b.py", "a/c/d.py", "e.py"]


def test_named_file_is_taken_even_if_ignored(root: Path) -> None:
    """Whoever names a file means it."""
    make(root, "generated/x.py", "a.py")
    (root / ".gitignore").write_text("generated/\n")
    assert found(root, "generated/x.py") == ["generated/x.py"]
    assert found(root, "generated") == ["generated/x.py"]


def test_missing_path_is_refused(root: Path) -> None:
    """A typing error is not an empty project."""
    with pytest.raises(UsageError, match="does not exist"):
        found(root, "missing")


def test_path_outside_the_root_is_refused(root: Path) -> None:
    """Paths in reports are relative to it."""
    with pytest.raises(UsageError, match="not below"):
        discover([root.parent], root)


def test_links(root: Path) -> None:
    """A link to a file that is there anyway is the same file; one to elsewhere is not."""
    make(root, "a.py")
    outside = root.parent / f"{root.name}-outside.py"
    outside.touch()
    (root / "b.py").symlink_to("a.py")
    (root / "c.py").symlink_to(outside)
    assert found(root) == ["a.py", "c.py"]


def test_folder_loop_ends(root: Path) -> None:
    """Links to folders are not followed."""
    make(root, "a/b.py")
    (root / "a" / "loop").symlink_to(root / "a")
    assert [path for path in found(root) if path.endswith(".py")] == ["a/b.py"]


def test_folder_loop_is_listed_without_git(tmp_path: Path) -> None:
    """So that reading it tells the user."""
    make(tmp_path, "a/b.py")
    (tmp_path / "a" / "loop").symlink_to(tmp_path)
    assert found(tmp_path) == ["a/b.py", "a/loop"]


def test_virtual_environment_by_its_mark(tmp_path: Path) -> None:
    """Whatever it is called."""
    make(tmp_path, "a.py", "my-env/pyvenv.cfg", "my-env/x.py")
    assert found(tmp_path) == ["a.py"]


def test_git_lists_untracked_and_not_deleted(tmp_path: Path) -> None:
    """What is there now, committed or not."""
    make(tmp_path, "a.py", "gone.py")
    repository(tmp_path)
    (tmp_path / "gone.py").unlink()
    make(tmp_path, "new.py")
    assert found(tmp_path) == ["a.py", "new.py"]


def test_project_below_the_work_tree(tmp_path: Path) -> None:
    """Paths are relative to the project, not to the repository."""
    make(tmp_path, "backend/app/a.py", "frontend/x.py")
    repository(tmp_path)
    assert found(tmp_path / "backend") == ["app/a.py"]
    git(tmp_path, "mv", "backend/app/a.py", "backend/app/b.py")
    commit(tmp_path)
    assert found(tmp_path / "backend", "app") == ["app/b.py"]
