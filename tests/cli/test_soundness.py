"""Nothing is written in which `verify` would find more than before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
import pytest

from migrate_async.cli import use_cases
from migrate_async.cli.soundness import new_mistakes
from migrate_async.model.change import FileChange
from migrate_async.model.diagnostic import Diagnostic, Severity
from support.fixture_apps import fixture_app
from support.migration import command, copy_of, tree, write

LOST = "await "


def mistake(line: int, message: str = "`f()` is not awaited", **fields: str) -> Diagnostic:
    severity = fields.get("severity", Severity.ERROR.value)
    return Diagnostic(path="a.py", line=line, code="MA273", message=message, severity=severity)


@pytest.mark.parametrize(
    ("before", "after", "new"),
    [
        ([], [mistake(3)], [mistake(3)]),
        ([mistake(3)], [mistake(8)], []),
        ([mistake(3)], [mistake(3), mistake(8)], [mistake(8)]),
        ([mistake(3)], [mistake(3, "`g()` is not awaited")], [mistake(3, "`g()` is not awaited")]),
        ([], [mistake(3, severity=Severity.WARNING.value)], []),
        ([msgspec.structs.replace(mistake(3), code="MA275")], [mistake(3)], []),
    ],
)
def test_new_is_what_was_not_there(
    before: Sequence[Diagnostic], after: Sequence[Diagnostic], new: Sequence[Diagnostic]
) -> None:
    def verify(instead: Mapping[str, bytes]) -> Sequence[Diagnostic]:
        return after if instead else before

    assert new_mistakes(verify, {"a.py": b""}) == list(new)


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of an application, and a rewriter that loses the first `await` of a file."""
    rewrite = use_cases.rewrite

    def losing(*arguments: object, **options: object) -> tuple[FileChange, ...]:
        changes = rewrite(*arguments, **options)  # type: ignore[arg-type]
        return tuple(
            msgspec.structs.replace(change, after=change.after.replace(LOST, "", 1))
            if change.path == "blog/crud.py"
            else change
            for change in changes
        )

    monkeypatch.setattr(use_cases, "rewrite", losing)
    return copy_of(fixture_app("small/tutorial").before, tmp_path)


def test_a_lost_await_is_not_written(app: Path) -> None:
    before = tree(app)
    refused = command(app, "migrate", "--all", "--write")
    assert refused.returncode == 2
    assert "verify` would find errors in it:\n  blog/crud.py:" in refused.stderr
    assert "(MA274)" in refused.stderr
    assert "--allow-unsound" in refused.stderr
    assert tree(app) == before
    assert not (app / ".migrate-async" / "journal").exists()


def test_it_can_be_written_nevertheless(app: Path) -> None:
    write(app, "--all", "--allow-unsound")
    assert "MA274" in command(app, "verify").stdout
    # What is wrong already keeps nobody from going on.
    write(app, "--step", "models")


def test_a_patch_is_shown(app: Path) -> None:
    assert command(app, "migrate", "--all", "--diff").returncode == 1
