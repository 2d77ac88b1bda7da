"""What counts as an uncommitted change, and which lines changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from migrate_async.errors import UsageError
from migrate_async.source.git import (
    changed_lines,
    path_from_top,
    tracked_and_untracked,
    uncommitted,
    work_tree,
)
from support.git import commit, git, repository


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


# --- lines -------------------------------------------------------------------------------------

LINES = "".join(f"line{number}\n" for number in range(1, 11))


def lines_after(root: Path, text: str, name: str = "a.py") -> list[range]:
    """The lines that changed when the file, which had `LINES`, becomes `text`."""
    (root / name).write_text(LINES)
    commit(root)
    (root / name).write_text(text)
    return changed_lines(root, "HEAD", "*.py").get(name, [])


@pytest.mark.parametrize("name", ["a.py", "b c.py", "ñ.py", 'q"t.py', "t\tb.py"])
def test_lines_of_files_with_any_name(root: Path, name: str) -> None:
    assert lines_after(root, LINES.replace("line3", "other"), name) == [range(3, 4)]


def test_lines_added_changed_and_removed(root: Path) -> None:
    """Where lines were only removed, the two around the gap count."""
    assert lines_after(root, LINES) == []
    assert lines_after(root, LINES.replace("line2\n", "line2\nnew\nnew\n")) == [range(3, 5)]
    assert lines_after(root, LINES.replace("line4\nline5\n", "")) == [range(3, 5)]
    assert lines_after(root, LINES.replace("line1\n", "")) == [range(2)]
    assert lines_after(root, LINES + "end") == [range(11, 12)]
    assert lines_after(root, LINES.replace("line2", "x").replace("line9", "y")) == [
        range(2, 3),
        range(9, 10),
    ]


def test_content_that_looks_like_a_patch_is_content(root: Path) -> None:
    text = LINES.replace("line2", "++ b/ñ.py\n@@ -1 +90 @@").replace("line9", "-- a/x")
    assert lines_after(root, text) == [range(2, 4), range(10, 11)]
    assert set(changed_lines(root, "HEAD", "*.py")) == {"a.py"}


def test_lines_of_a_renamed_file_are_those_that_changed(root: Path) -> None:
    (root / "a.py").write_text(LINES)
    commit(root)
    git(root, "mv", "a.py", "z.py")
    (root / "z.py").write_text(LINES.replace("line5", "other"))
    assert changed_lines(root, "HEAD", "*.py") == {"z.py": [range(5, 6)]}


def test_staged_lines_count_and_files_that_git_does_not_know_are_all_new(root: Path) -> None:
    (root / "a.py").write_text("x = 2\n")
    git(root, "add", "a.py")
    (root / "new.py").write_text("x = 1\n")
    (root / "new.txt").write_text("x = 1\n")
    found = changed_lines(root, "HEAD", "*.py")
    assert set(found) == {"a.py", "new.py"}
    assert 1_000_000 in found["new.py"][0]


def test_configuration_of_the_user_makes_no_difference(root: Path) -> None:
    """Prefixes, colour, external diffs."""
    for key, value in (
        ("diff.noprefix", "true"),
        ("diff.mnemonicPrefix", "true"),
        ("color.ui", "always"),
        ("diff.external", "false"),
        ("diff.renames", "false"),
    ):
        git(root, "config", key, value)
    assert lines_after(root, LINES.replace("line3", "other")) == [range(3, 4)]


def test_lines_in_a_folder_of_the_repository(root: Path) -> None:
    """Paths are relative to it; files beside it do not count."""
    (root / "app").mkdir()
    (root / "app" / "a.py").write_text("x = 1\n")
    commit(root)
    (root / "app" / "a.py").write_text("x = 2\n")
    (root / "a.py").write_text("x = 2\n")
    assert changed_lines(root / "app", "HEAD", "*.py") == {"a.py": [range(1, 2)]}
    assert path_from_top(root / "app") == "app/"
    assert path_from_top(root) == ""


@pytest.mark.parametrize("revision", ["nowhere", "--output=x", "HEAD:a.py", ""])
def test_a_revision_that_is_none_is_an_error(root: Path, revision: str) -> None:
    with pytest.raises(UsageError, match="revision"):
        changed_lines(root, revision, "*.py")
    assert not (root / "x").exists()


def test_outside_of_a_work_tree_there_is_no_revision(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is in no git repository"):
        changed_lines(tmp_path, "HEAD", "*.py")
    assert path_from_top(tmp_path) == ""
