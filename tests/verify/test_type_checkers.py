"""Only errors that the older tree does not have are new."""

from __future__ import annotations

from pathlib import Path

import pytest

from migrate_async.cli import verify_use_case
from migrate_async.cli.progress import Progress
from migrate_async.cli.workspace import open_workspace
from migrate_async.errors import UsageError
from migrate_async.model.change import FileChange
from migrate_async.model.verification import TypeComparison
from migrate_async.source.read import read
from migrate_async.source.write import undo, write
from migrate_async.verify import type_checkers
from support.git import repository

OLD = "def wrong() -> str:\n    return 1\n\n\ndef name() -> str:\n    return 'a'\n"
NEW = (
    "import asyncio\n\n\n"
    + OLD.replace("def name", "async def name")
    + """

def caller() -> str:
    return name()
"""
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """One file, committed, then changed by a write."""
    root = tmp_path / "project"
    root.mkdir()
    (root / "pyproject.toml").touch()
    (root / "a.py").write_text(OLD)
    repository(root)
    write([FileChange("a.py", OLD, NEW)], {"a.py": read(root, "a.py")}, root)
    return root


def compare(root: Path, tool: str, since: str = "head") -> TypeComparison:
    found = verify_use_case.verify_project(
        open_workspace([root], cache=False), Progress(), types=tool, since=since
    )
    assert found.types is not None
    return found.types


@pytest.mark.parametrize("tool", ["ty", "pyrefly", "mypy"])
@pytest.mark.parametrize("since", ["head", "journal"])
def test_new_errors_alone(tool: str, since: str, root: Path) -> None:
    """The old error has moved three lines down, which makes it no new one."""
    if type_checkers.find(tool) is None:
        pytest.skip(f"{tool} is not installed")
    found = compare(root, tool, since)
    assert found.skipped == ""
    assert found.errors_before == 1
    assert found.errors_after == 2
    assert [(item.path, item.line, item.code) for item in found.new] == [("a.py", 13, "MA290")]
    assert "Coroutine" in found.new[0].message


def test_a_checker_that_is_not_installed_is_skipped(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says so, and the rest of `verify` is done."""
    monkeypatch.setattr(type_checkers, "find", lambda _name: None)
    assert "ty is not installed" in compare(root, "ty").skipped


def test_nothing_to_compare_with(root: Path) -> None:
    """No write that was not undone."""
    undo(root)
    assert compare(root, "mypy", "journal").skipped == "there is no write to compare with"


def test_a_checker_that_fails_is_told(root: Path, tmp_path: Path) -> None:
    """Its last line is the reason; nothing is taken for a result."""
    program = tmp_path / "broken"
    program.write_text("#!/bin/sh\necho 'no such option' >&2\nexit 2\n")
    program.chmod(0o755)
    with pytest.raises(UsageError, match="mypy ended with 2: no such option"):
        type_checkers.compare(str(program), "mypy", root, root, "head")


@pytest.mark.parametrize(
    ("tool", "line", "expected"),
    [
        (
            "ty",
            "app/a.py:6:12: error[invalid-return-type] Return type `[a]`: wrong",
            ("app/a.py", "6", "invalid-return-type", "Return type `[a]`: wrong"),
        ),
        (
            "pyrefly",
            "ERROR app/a.py:6:12-15: Returned type `list[int]` is not assignable [bad-return]",
            ("app/a.py", "6", "bad-return", "Returned type `list[int]` is not assignable"),
        ),
        (
            "mypy",
            'app/a.py:6: error: Incompatible type "list[int]"  [return-value]',
            ("app/a.py", "6", "return-value", 'Incompatible type "list[int]"'),
        ),
    ],
)
def test_lines_as_the_checkers_write_them(tool: str, line: str, expected: tuple[str, ...]) -> None:
    """ty 0.0.108, pyrefly 1.5.0 and mypy 2.4.1."""
    match = type_checkers.CHECKERS[tool].error.match(line)
    assert match is not None
    assert match.group("path", "line", "code", "message") == expected
