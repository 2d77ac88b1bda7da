"""A second run answers from the first, and only while nothing changed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from migrate_async.cli import use_cases
from migrate_async.cli.progress import Progress
from migrate_async.cli.workspace import Workspace, open_workspace
from migrate_async.model.change import FileChange
from migrate_async.model.plan import Plan, Step
from migrate_async.model.scan import ScanResult
from migrate_async.model.selection import Selection
from migrate_async.model.summary import Mode
from migrate_async.rewrite.engine import apply

CODE = "from sqlalchemy.orm import Session\n\ndef f(db: Session):\n    return db.query(1).all()\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "app.py").write_text(CODE)
    return tmp_path


def _scan(workspace: Workspace) -> ScanResult:
    return use_cases.scan_project(workspace, Progress())


def test_the_second_run_links_nothing(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And says the same, wherever the project has been moved to."""
    first = _scan(open_workspace([root]))
    assert first.queries == 1
    monkeypatch.setattr(use_cases, "load_project", lambda *_: pytest.fail("loaded again"))
    assert _scan(open_workspace([root])) == first
    moved = root.rename(root.with_name("moved"))
    assert _scan(open_workspace([moved])) == msgspec.structs.replace(first, root=str(moved))


def test_a_plan_is_remembered(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As it was made, for each step and selection, while no file changes."""
    step, everything = Step.ALL, open_workspace([root])
    made, _ = use_cases.make_plan(everything, step, Progress())
    assert use_cases.show_plan(everything, step, Progress()) == made
    with monkeypatch.context() as patched:
        patched.setattr(use_cases, "load_project", lambda *_: pytest.fail("loaded again"))
        assert use_cases.show_plan(open_workspace([root]), step, Progress()) == made
    chosen = Selection(functions=("app.f",))
    assert use_cases.show_plan(everything, Step.QUERIES, Progress()).step == "queries"
    assert (
        use_cases.show_plan(everything, step, Progress(), chosen)
        == (use_cases.make_plan(everything, step, Progress(), chosen)[0])
    )
    (root / "app.py").write_text("x = 1\n")
    assert use_cases.show_plan(everything, step, Progress()).files == ()


def test_a_file_is_rewritten_once(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second run rewrites what changed, and what is planned differently; and says the same."""
    rewritten: list[str] = []

    def noted(plan: Plan, *arguments: Any, **options: Any) -> list[FileChange]:
        rewritten.extend(file.path for file in plan.files)
        return apply(plan, *arguments, **options)

    def migrated(step: Step, *, cache: bool = True) -> tuple[use_cases.Migration, list[str]]:
        rewritten.clear()
        workspace = open_workspace([root], cache=cache)
        return use_cases.migrate(workspace, step, Mode.DIFF, Progress()), list(rewritten)

    monkeypatch.setattr("migrate_async.rewrite.engine.apply", noted)
    (root / "more.py").write_text(CODE)
    first, all_files = migrated(Step.ALL)
    assert first.patch
    assert all_files == ["app.py", "more.py"]
    assert migrated(Step.ALL) == (first, [])
    assert migrated(Step.QUERIES)[1] == all_files
    (root / "more.py").write_text(CODE.replace("all()", "first()"))
    again, files = migrated(Step.ALL)
    assert files == ["more.py"]
    assert again.patch != first.patch
    assert again == migrated(Step.ALL, cache=False)[0]
    (root / "long.py").write_text(("x = '" + 90 * "x" + "'\n") * 9)
    assert migrated(Step.ALL)[1] == all_files, "lines may get longer"


def test_every_change_is_seen(root: Path) -> None:
    """Of a file, of the files that there are, of the settings, of what is asked for."""
    _scan(open_workspace([root]))
    (root / "app.py").write_text(CODE + CODE)
    assert _scan(open_workspace([root])).queries == 2
    (root / "more.py").write_text(CODE)
    assert _scan(open_workspace([root])).queries == 3
    assert _scan(open_workspace([root / "more.py"])).queries == 1
    (root / "pyproject.toml").write_text('[tool.migrate-async]\nexclude = ["app.py"]\n')
    assert _scan(open_workspace([root])).queries == 1


def test_damaged_results_are_made_anew(root: Path) -> None:
    """A foreign file in the cache does no harm."""
    first = _scan(open_workspace([root]))
    for path in (root / ".migrate-async" / "cache" / "results").iterdir():
        path.write_bytes(b"\x91\x90")
    assert _scan(open_workspace([root])) == first


def test_without_a_cache_nothing_is_written(root: Path) -> None:
    """`--no-cache` leaves no trace."""
    before = sorted(root.rglob("*"))
    assert _scan(open_workspace([root], cache=False)).queries == 1
    assert sorted(root.rglob("*")) == before
