"""The use cases, on a real small application: from folders to values and files."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path, PureWindowsPath
from typing import Any

import pytest

from migrate_async.cli import use_cases, verify_use_case
from migrate_async.cli.progress import Progress
from migrate_async.cli.workspace import Workspace, open_workspace, selected
from migrate_async.errors import DirtyWorkTreeError, UsageError
from migrate_async.model.plan import FilePlan, Step
from migrate_async.model.summary import Mode
from migrate_async.rewrite import engine

APPLICATION = Path(__file__).parents[2] / "fixtures" / "small" / "tutorial" / "before"


class Heard(Progress):
    """Notes the phases."""

    def __init__(self) -> None:
        self.phases: list[str] = []

    def phase(self, title: str) -> None:
        self.phases.append(title)


def git(folder: Path, *arguments: str, stdin: bytes | None = None) -> str:
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.org")
    done = subprocess.run(
        ["git", "-C", str(folder), *identity, *arguments],
        input=stdin,
        capture_output=True,
        check=True,
    )
    return done.stdout.decode()


def contents(root: Path) -> dict[str, bytes]:
    """All Python files below `root`."""
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*.py")}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A copy of the application, below the top of a git work tree, all committed."""
    folder = tmp_path / "repository" / "service"
    shutil.copytree(APPLICATION, folder, ignore=shutil.ignore_patterns("__pycache__"))
    git(folder.parent, "init", "--quiet")
    git(folder.parent, "add", "--all")
    git(folder.parent, "commit", "--quiet", "--message", "start")
    return folder


def workspace(root: Path, *paths: str, jobs: int = 1) -> Workspace:
    return open_workspace([root / path for path in paths or (".",)], jobs=jobs, cache=False)


def migrated(
    root: Path, *paths: str, step: Step = Step.ALL, mode: Mode = Mode.DIFF, **options: bool | str
) -> use_cases.Migration:
    return use_cases.migrate(
        workspace(root, *paths),
        step,
        mode,
        Progress(),
        **options,  # type: ignore[arg-type]
    )


def test_scan_reads_everything_and_reports_the_selection(root: Path) -> None:
    heard = Heard()
    everything = use_cases.scan_project(workspace(root), heard)
    part = use_cases.scan_project(workspace(root, "blog/crud.py"), Progress())
    assert everything.root == str(root)
    assert everything.files_found == everything.files_read == len(contents(root))
    assert part.files_read == everything.files_read
    assert [file.path for file in part.files] == ["blog/crud.py"]
    assert 0 < part.queries <= everything.queries
    assert [phase.split()[0] for phase in heard.phases] == [
        "Finding",
        "Reading",
        "Linking",
        "Counting",
    ]


def test_a_broken_file_is_a_message_and_the_rest_goes_on(root: Path) -> None:
    (root / "blog" / "broken.py").write_text("def f(:\n")
    (root / "blog" / "binary.py").write_bytes(b"x = 1\0\n")
    result = use_cases.scan_project(workspace(root), Progress())
    assert {(d.path, d.code) for d in result.diagnostics} == {
        ("blog/broken.py", "MA001"),
        ("blog/binary.py", "MA003"),
    }
    assert result.queries > 0
    elsewhere = use_cases.scan_project(workspace(root, "blog/crud.py"), Progress())
    assert elsewhere.diagnostics == ()


@pytest.mark.parametrize("mode", [Mode.WRITE, Mode.CHECK])
def test_what_imports_an_unread_file_is_not_written_on_a_guess(root: Path, mode: Mode) -> None:
    """Whether its session is sync or async stands in a file that nobody could read."""
    database = root / "blog" / "database.py"
    database.write_text(database.read_text() + "\ntry:\n    pass\nexcept OSError, ValueError x:\n")
    git(root, "commit", "--quiet", "--all", "--message", "of another Python")
    before = contents(root)
    if mode is Mode.CHECK:
        assert migrated(root, mode=mode).summary.diagnostics[0].code == "MA001"
        return
    with pytest.raises(UsageError) as refused:
        migrated(root, mode=mode)
    assert "blog/database.py" in str(refused.value)
    assert "run migrate-async on the Python that the file is for" in str(refused.value)
    assert contents(root) == before


def test_an_unread_file_that_nobody_imports_is_in_nobodys_way(root: Path) -> None:
    """To finish is another matter: who knows what it uses."""
    (root / "blog" / "broken.py").write_text("def f(:\n")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "broken")
    assert migrated(root, mode=Mode.WRITE).summary.written
    with pytest.raises(UsageError, match=r"(?s)nothing was removed.*blog/broken\.py:1"):
        use_cases.finish(workspace(root), Mode.WRITE, Progress(), allow_dirty=True)


def test_the_plan_is_for_the_selection(root: Path) -> None:
    plan, loaded = use_cases.make_plan(workspace(root, "blog/crud.py"), Step.QUERIES, Progress())
    assert [file.path for file in plan.files] == ["blog/crud.py"]
    assert plan.files[0].digest == loaded.sources["blog/crud.py"].digest


def test_a_pin_that_is_too_old_is_named(root: Path) -> None:
    """The plan may come from the run before; what a file of requirements says does not."""
    before = use_cases.show_plan(workspace(root), Step.ALL, Progress())
    (root / "requirements.txt").write_text("fastapi\nsqlalchemy==1.4.54\n")
    plan = use_cases.show_plan(workspace(root), Step.ALL, Progress())
    [found] = [item for item in plan.diagnostics if item.code == "MA416"]
    assert (found.path, found.line) == ("requirements.txt", 2)
    assert "sqlalchemy==1.4.54 allows no SQLAlchemy that" in found.message
    assert [item for item in plan.diagnostics if item is not found] == list(before.diagnostics)


@pytest.mark.parametrize("mode", [Mode.CHECK, Mode.DIFF])
def test_nothing_is_written_without_write(root: Path, mode: Mode) -> None:
    before = contents(root)
    migration = migrated(root, mode=mode)
    assert migration.summary.changed
    assert not migration.summary.written
    assert contents(root) == before
    assert git(root, "status", "--porcelain") == ""


def test_the_patch_is_what_write_writes(root: Path) -> None:
    """`git apply` takes it in the folder of the project, which is below the top here."""
    migration = migrated(root)
    git(root, "apply", stdin=migration.patch.encode())
    patched = contents(root)
    git(root, "checkout", "--quiet", ".")
    migrated(root, mode=Mode.WRITE)
    assert contents(root) == patched


def test_the_lines_are_those_that_git_counts(root: Path) -> None:
    summary = migrated(root, mode=Mode.WRITE).summary
    counted = {f"service/{file.path}": (file.added, file.removed) for file in summary.changed}
    lines = git(root.parent, "diff", "--numstat").splitlines()
    by_git = {path: (int(a), int(r)) for a, r, path in (line.split("\t") for line in lines)}
    assert counted == by_git


def test_lines_get_as_long_as_the_formatter_lets_them(root: Path) -> None:
    """The application keeps to 100 columns, and its settings allow for more."""
    before = {line for text in contents(root).values() for line in text.splitlines()}
    longest = []
    for settings in ("", "line-length = 140\n"):
        (root / "ruff.toml").write_text(settings)
        changes = migrated(root).changes
        after = {line for change in changes for line in change.after.splitlines()}
        longest.append(max(map(len, after.difference(map(bytes.decode, before)))))
    assert longest[0] <= 100 < longest[1]


def test_only_files_of_the_selection_change(root: Path) -> None:
    migrated(root, "blog/crud.py", step=Step.QUERIES, mode=Mode.WRITE)
    assert git(root, "diff", "--name-only", "--relative").split() == ["blog/crud.py"]


def test_uncommitted_changes_are_refused_before_anything_is_done(root: Path) -> None:
    crud = root / "blog" / "crud.py"
    crud.write_text(crud.read_text() + "\n# mine\n")
    before = contents(root)
    with pytest.raises(DirtyWorkTreeError, match=r"blog/crud\.py.*--allow-dirty"):
        migrated(root, mode=Mode.WRITE)
    assert contents(root) == before
    assert migrated(root, mode=Mode.WRITE, allow_dirty=True).summary.written


def test_uncommitted_changes_elsewhere_do_not_matter(root: Path) -> None:
    (root / "pyproject.toml").write_text((root / "pyproject.toml").read_text() + "\n# mine\n")
    assert migrated(root, mode=Mode.WRITE).summary.written


KEPT_ROUTE = """

@app.get("/kept")
{kind} kept(db: Session = Depends(get_db)):
    return db.query(models.Author).from_self().count()
"""


@pytest.mark.parametrize("kind", ["def", "async def"])
def test_a_kept_route_on_the_request_s_session_runs_in_a_thread(root: Path, kind: str) -> None:
    """A coroutine that awaits nothing can be one, too."""
    main = root / "blog" / "main.py"
    main.write_text(main.read_text() + KEPT_ROUTE.format(kind=kind))
    assert migrated(root, mode=Mode.WRITE, allow_dirty=True).summary.written
    assert "\ndef kept(db: Session = Depends(get_sync_db)):" in main.read_text()


def test_a_kept_coroutine_on_the_request_s_session_awaits_implicitly(root: Path) -> None:
    """On the event loop its first query on the sync side of an async session would fail."""
    main = root / "blog" / "main.py"
    route = KEPT_ROUTE.format(kind="async def").replace("return", "await ready()\n    return")
    main.write_text(f"{main.read_text()}{route}\n\nasync def ready():\n    pass\n")
    summary = migrated(root, mode=Mode.WRITE, allow_dirty=True).summary
    codes = [found.code for found in summary.diagnostics]
    assert codes.count("MA206") == 1
    assert "MA205" not in codes
    assert "@implicit_io\nasync def kept(db: Session = Depends(get_sync_db)):" in main.read_text()
    assert "create_async_engine" in (root / "blog" / "database.py").read_text()


def test_a_kept_route_on_a_second_database_has_a_sync_side_of_its_own(root: Path) -> None:
    main = (root / "blog" / "main.py").read_text()
    second = root / "second"
    shutil.copytree(root / "blog", second)
    for path in second.glob("*.py"):
        path.write_text(path.read_text().replace("blog", "second"))
    kept = KEPT_ROUTE.format(kind="def")
    (second / "main.py").write_text(main.replace("blog", "second") + kept)
    (root / "blog" / "main.py").write_text(main + kept)
    assert migrated(root, mode=Mode.WRITE, allow_dirty=True).summary.written
    for package in (root / "blog", second):
        text = "".join(path.read_text() for path in sorted(package.glob("*.py")))
        assert "Depends(get_sync_db)" in text
        assert "def get_sync_db(" in text
        assert ".configure(sync_session_class=HopSession)" in text


def test_undo_puts_everything_back(root: Path) -> None:
    before = contents(root)
    summary = migrated(root, mode=Mode.WRITE).summary
    assert (root / summary.journal).is_dir()
    restored = use_cases.undo(workspace(root), back_to=None, force=False)
    assert sorted(restored) == sorted(file.path for file in summary.changed)
    assert contents(root) == before
    assert use_cases.undo(workspace(root), back_to=None, force=False) == []


def test_undo_refuses_to_lose_an_edit(root: Path) -> None:
    before = contents(root)
    migrated(root, mode=Mode.WRITE)
    crud = root / "blog" / "crud.py"
    crud.write_text(crud.read_text() + "\n# mine\n")
    with pytest.raises(UsageError, match=r"blog/crud\.py"):
        use_cases.undo(workspace(root), back_to=None, force=False)
    use_cases.undo(workspace(root), back_to=None, force=True)
    assert contents(root) == before


@pytest.mark.parametrize("step", [Step.QUERIES, Step.ALL])
def test_a_second_run_changes_nothing(root: Path, step: Step) -> None:
    migrated(root, step=step, mode=Mode.WRITE)
    again = migrated(root, step=step)
    assert again.summary.changed == ()
    assert again.patch == ""


def test_nothing_is_written_when_a_file_fails_verification(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bug of ours in one file: it is told, and the exit code of `migrate` will be 3."""
    real = engine.rewrite_text

    def broken(file: FilePlan, text: str, *rest: Any) -> str:
        return "def (" if file.path == "blog/crud.py" else real(file, text, *rest)

    monkeypatch.setattr(engine, "rewrite_text", broken)
    before = contents(root)
    summary = migrated(root, mode=Mode.WRITE).summary
    assert [(d.path, d.code) for d in summary.internal_errors] == [("blog/crud.py", "MA902")]
    assert contents(root) == before


def test_one_codemod_alone_makes_its_own_edits_only(root: Path) -> None:
    summary = migrated(root, step=Step.QUERIES, codemod="query-to-select").summary
    assert {name for file in summary.changed for name in file.codemods} == {"query-to-select"}
    assert migrated(root, codemod="no-such-codemod").summary.changed == ()


def test_a_file_that_git_ignores_is_left_alone(root: Path) -> None:
    (root / ".gitignore").write_text("blog/crud.py\n")
    git(root, "rm", "--quiet", "--cached", "blog/crud.py")
    result = use_cases.scan_project(workspace(root), Progress())
    assert "blog/crud.py" not in [file.path for file in result.files]


# --- verify ------------------------------------------------------------------------------------


def test_verify_reports_the_files_selected(root: Path) -> None:
    """The whole project is read in any case."""
    (root / "blog/wrong.py").write_text("async def f():\n    pass\n\n\nasync def g():\n    f()\n")
    found = verify_use_case.verify_project(workspace(root), Progress())
    assert [(item.path, item.line, item.code) for item in found.diagnostics] == [
        ("blog/wrong.py", 6, "MA273")
    ]
    assert found.has_findings
    elsewhere = verify_use_case.verify_project(workspace(root, "blog/crud.py"), Progress())
    assert not elsewhere.has_findings


# --- status ------------------------------------------------------------------------------------


def test_status_moves_with_the_migration(root: Path) -> None:
    """From nothing to all; recorded under the day of the commit, once."""
    before = use_cases.project_status(workspace(root), Progress(), record=True)
    assert before.status.done == 0
    assert before.status.functions > 5
    migrated(root, mode=Mode.WRITE)
    after = use_cases.project_status(workspace(root), Progress(), record=True)
    assert after.status.done == 100
    assert after.status.chains == 0
    assert before.status.lint["MA801"] > 0
    assert "MA801" not in after.status.lint, "the linter's debt goes with the queries"
    assert len(after.history) == 1
    file = root / "migration-status.jsonl"
    assert file.read_text().count("\n") == 1
    bytes_before = file.read_bytes()
    use_cases.project_status(workspace(root), Progress(), record=True)
    assert file.read_bytes() == bytes_before


def test_part_of_a_project_is_not_recorded(root: Path) -> None:
    """Its numbers would look like progress."""
    with pytest.raises(UsageError, match="whole project"):
        use_cases.project_status(workspace(root, "blog/crud.py"), Progress(), record=True)


# --- finish ------------------------------------------------------------------------------------


def test_finish_is_about_the_whole_project(root: Path) -> None:
    with pytest.raises(UsageError, match="whole project"):
        use_cases.finish(workspace(root, "blog/crud.py"), Mode.CHECK, Progress())


def test_finish_has_nothing_to_do_where_all_is_async(root: Path) -> None:
    """`migrate --all` leaves nothing behind in an application without obstacles."""
    migrated(root, mode=Mode.WRITE)
    done = use_cases.finish(workspace(root), Mode.WRITE, Progress(), allow_dirty=True)
    assert done.summary.changed == ()
    assert done.summary.diagnostics == ()


def test_finish_writes_with_a_journal(root: Path) -> None:
    """As every write does, so that `undo` takes it back."""
    file = root / "blog" / "late.py"
    text = (
        "from fastapi import Depends\n"
        "from sqlalchemy.ext.asyncio import AsyncSession\n"
        "from sqlalchemy.orm import Session\n\n\n"
        "async def get_db():\n    async with AsyncSession() as db:\n        yield db\n\n\n"
        "def get_sync_db(db: AsyncSession = Depends(get_db)) -> Session:\n"
        "    return db.sync_session\n\n\nx = 1\n"
    )
    file.write_text(text)
    done = use_cases.finish(workspace(root), Mode.WRITE, Progress(), allow_dirty=True)
    assert done.summary.written
    assert "get_sync_db" not in file.read_text()
    assert file.read_text().endswith("x = 1\n")
    use_cases.undo(workspace(root), back_to=None, force=False)
    assert file.read_text() == text


def test_files_of_windows_come_out_as_files_of_windows(root: Path) -> None:
    """CRLF and a byte order mark stay; apart from them the result is the same."""
    migrated(root, mode=Mode.WRITE)
    expected = contents(root)
    git(root, "checkout", "--quiet", ".")
    mark = b"\xef\xbb\xbf"
    for path, data in contents(root).items():
        (root / path).write_bytes(mark + data.replace(b"\n", b"\r\n"))
    git(root, "commit", "--quiet", "--all", "--message", "from Windows")
    migration = migrated(root, mode=Mode.WRITE)
    assert contents(root) == {
        path: mark + data.replace(b"\n", b"\r\n") for path, data in expected.items()
    }
    assert all("\\" not in file.path for file in migration.summary.changed)
    assert migrated(root).summary.changed == ()


@pytest.mark.parametrize("drive", ["C:", "\\\\server\\share"])
def test_a_path_of_windows_is_told_with_forward_slashes(drive: str) -> None:
    """What goes into reports, SARIF, baselines and `# noqa` by file is relative and the same."""
    below = PureWindowsPath(drive + "\\work\\shop\\app\\api.py")
    relative = below.relative_to(PureWindowsPath(drive + "\\WORK\\shop")).as_posix()
    assert relative == "app/api.py"
    assert selected(relative, ["app"])
    assert not selected(relative, ["ap"])
