"""The commands hand their arguments to a use case, print what comes back, choose the code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from migrate_async.cli import init, use_cases
from migrate_async.cli.exit_codes import ExitCode
from migrate_async.cli.use_cases import Migration
from migrate_async.model.plan import Plan, Step
from migrate_async.model.scan import ScanResult
from migrate_async.model.selection import EVERYTHING, Selection
from migrate_async.model.status import Status
from migrate_async.model.summary import Mode
from migrate_async.rewrite.registry import codemods
from support import samples
from support.cli import invoke
from support.statuses import HISTORY, STATUS

PATCH = "diff --git a/app/api.py b/app/api.py\n--- a/app/api.py\r\n"


class FakeUseCases:
    """Answers with samples and notes what it was asked."""

    def __init__(self) -> None:
        self.asked: dict[str, Any] = {}
        self.scan_result: ScanResult = samples.SCAN
        self.plan: Plan = samples.PLAN

    def scan_project(self, workspace: Any, progress: Any) -> ScanResult:
        self.asked = {"workspace": workspace}
        return self.scan_result

    def make_plan(
        self, workspace: Any, step: Step, progress: Any, selection: Selection = EVERYTHING
    ) -> tuple[Plan, None]:
        self.asked = {"workspace": workspace, "step": step, "selection": selection}
        return self.plan, None

    def show_plan(self, *arguments: Any) -> Plan:
        return self.make_plan(*arguments)[0]

    def migrate(
        self,
        workspace: Any,
        step: Step,
        mode: Mode,
        progress: Any,
        selection: Selection = EVERYTHING,
        **options: Any,
    ) -> Migration:
        self.asked = {
            "workspace": workspace,
            "step": step,
            "mode": mode,
            "selection": selection,
            **options,
        }
        summary = msgspec.structs.replace(
            samples.SUMMARY, mode=mode.value, written=mode is Mode.WRITE, diagnostics=()
        )
        return Migration(summary, (samples.CHANGE,), PATCH)


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeUseCases:
    """The use cases are fakes, the working directory is a project with a package `app`."""
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "app").mkdir()
    monkeypatch.chdir(tmp_path)
    fakes = FakeUseCases()
    for name in ("scan_project", "make_plan", "show_plan", "migrate"):
        monkeypatch.setattr(use_cases, name, getattr(fakes, name))
    return fakes


# --- scan --------------------------------------------------------------------------------------


def test_scan_prints_findings_and_exits_with_1(fake: FakeUseCases) -> None:
    result = invoke("scan", "app", "-j", "3", "--no-cache")
    assert result.exit_code == ExitCode.FINDINGS
    assert "Files with sync database code" in result.stdout
    assert result.stderr == ""
    workspace = fake.asked["workspace"]
    assert (workspace.selection, workspace.jobs, workspace.cache) == (("app",), 3, False)


def test_scan_of_a_clean_project_exits_with_0(fake: FakeUseCases) -> None:
    fake.scan_result = ScanResult(root="/work/shop")
    assert invoke("scan").exit_code == ExitCode.CLEAN


def test_scan_as_json(fake: FakeUseCases) -> None:
    document = json.loads(invoke("scan", "--format", "json").stdout)
    assert document["root"] == samples.SCAN.root


@pytest.mark.parametrize("arguments", [("--quiet", "scan"), ("scan", "-q")])
def test_quiet_leaves_the_exit_code_to_speak(
    fake: FakeUseCases, arguments: tuple[str, ...]
) -> None:
    """A global option works before and after the command's name."""
    result = invoke(*arguments)
    assert (result.output, result.exit_code) == ("", ExitCode.FINDINGS)


def test_quiet_json_is_still_json(fake: FakeUseCases) -> None:
    assert json.loads(invoke("-q", "scan", "--format", "json").stdout)["command"] == "scan"


def test_verbose_lists_everything(fake: FakeUseCases) -> None:
    assert "Routes" in invoke("scan", "-v").stdout
    assert "Routes" not in invoke("scan").stdout


def test_another_configuration(fake: FakeUseCases, tmp_path: Path) -> None:
    (tmp_path / "else.toml").write_text("[tool.migrate-async]\nstyle = 'inline'\n")
    invoke("scan", "--config", "else.toml")
    assert fake.asked["workspace"].settings.style == "inline"


def test_a_wrong_configuration_ends_with_2(fake: FakeUseCases, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.migrate-async]\nstlye = 'inline'\n")
    result = invoke("scan")
    assert result.exit_code == ExitCode.USAGE
    assert "did you mean `style`?" in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [("scan", "no/such/path"), ("scan", "-j", "0"), ("scan", "--format", "xml"), ("scan", "--x")],
)
def test_a_wrong_argument_ends_with_2(fake: FakeUseCases, arguments: tuple[str, ...]) -> None:
    assert invoke(*arguments).exit_code == ExitCode.USAGE
    assert fake.asked == {}


# --- plan --------------------------------------------------------------------------------------


def test_plan_prints_decisions_and_exits_with_1(fake: FakeUseCases) -> None:
    result = invoke("plan", "--step", "queries")
    assert result.exit_code == ExitCode.FINDINGS
    assert "app.api.read_user" in result.stdout
    assert fake.asked["step"] is Step.QUERIES


def test_an_empty_plan_exits_with_0(fake: FakeUseCases) -> None:
    fake.plan = samples.EMPTY_PLAN
    assert invoke("plan").exit_code == ExitCode.CLEAN


def test_plan_explains_one_function(fake: FakeUseCases) -> None:
    result = invoke("plan", "--explain", "CRUDUser.get")
    assert result.exit_code == ExitCode.CLEAN
    assert "because it runs a query on a session" in result.stdout
    assert "read_item" not in result.stdout


def test_plan_does_not_know_a_function(fake: FakeUseCases) -> None:
    result = invoke("plan", "--explain", "read_usr")
    assert result.exit_code == ExitCode.USAGE
    assert "did you mean app.api.read_user?" in result.stderr


# --- migrate -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "selection"),
    [((), ()), (("--all",), ()), ((".",), ()), (("app",), ("app",)), (("app", "--all"), ("app",))],
)
def test_migrate_takes_everything_under_the_paths(
    fake: FakeUseCases, arguments: tuple[str, ...], selection: tuple[str, ...]
) -> None:
    """Without paths that is the project; `--all` says so and changes nothing."""
    invoke("migrate", *arguments)
    assert fake.asked["workspace"].selection == selection


def test_migrate_only_checks_unless_told_otherwise(fake: FakeUseCases) -> None:
    result = invoke("migrate", "--all")
    assert result.exit_code == ExitCode.FINDINGS
    assert fake.asked["mode"] is Mode.CHECK
    assert fake.asked["step"] is Step.ALL
    assert "Nothing is written" in result.stdout


@pytest.mark.parametrize(
    ("given", "wanted"), [("5", Selection(next=5)), ("10%", Selection(percent=10))]
)
def test_the_next_routes_are_a_number_or_a_part_of_all(
    fake: FakeUseCases, given: str, wanted: Selection
) -> None:
    assert invoke("migrate", "--next", given).exit_code == ExitCode.FINDINGS
    assert fake.asked["selection"] == wanted


@pytest.mark.parametrize("given", ["0", "0%", "101%", "-1", "1.5%", "some", "%"])
def test_nothing_else_is_a_number_of_routes(fake: FakeUseCases, given: str) -> None:
    found = invoke("migrate", f"--next={given}")
    assert found.exit_code == ExitCode.USAGE
    assert given in found.stderr


def test_a_diff_has_stdout_for_itself(fake: FakeUseCases) -> None:
    """Byte for byte, carriage returns included; people read the summary on stderr."""
    result = invoke("migrate", "--all", "--diff")
    assert result.exit_code == ExitCode.FINDINGS
    assert result.stdout_bytes == PATCH.encode()
    assert "Would change 2 files" in result.stderr


def test_a_diff_in_json(fake: FakeUseCases) -> None:
    result = invoke("migrate", "--all", "--diff", "--format", "json")
    assert json.loads(result.stdout)["patch"] == PATCH
    assert result.stderr == ""


def test_a_quiet_diff_is_only_a_diff(fake: FakeUseCases) -> None:
    result = invoke("-q", "migrate", "--all", "--diff")
    assert (result.stdout_bytes, result.stderr) == (PATCH.encode(), "")


@pytest.mark.parametrize("allow_dirty", [False, True])
def test_write(fake: FakeUseCases, allow_dirty: bool) -> None:
    arguments = ["migrate", "app", "--write", *(["--allow-dirty"] if allow_dirty else [])]
    result = invoke(*arguments)
    assert result.exit_code == ExitCode.CLEAN
    assert fake.asked["mode"] is Mode.WRITE
    assert fake.asked["allow_dirty"] is allow_dirty
    assert "Changed 2 files" in result.stdout


# --- codemod -----------------------------------------------------------------------------------


def test_codemods_are_listed_with_what_they_do(fake: FakeUseCases) -> None:
    result = invoke("codemod", "list")
    assert result.exit_code == ExitCode.CLEAN
    names = {codemod.NAME: codemod.DESCRIPTION for codemod in codemods()}
    assert names
    listed = dict(line.split(maxsplit=1) for line in result.stdout.splitlines())
    assert listed == names


@pytest.mark.parametrize("codemod", codemods(), ids=lambda codemod: codemod.NAME)
def test_a_codemod_explains_itself(fake: FakeUseCases, codemod: Any) -> None:
    result = invoke("codemod", "explain", codemod.NAME)
    assert result.exit_code == ExitCode.CLEAN
    assert codemod.DESCRIPTION in result.stdout
    assert all(f"Example: {example.title}" in result.stdout for example in codemod.EXAMPLES)
    assert "left as it is:" in result.stdout


def test_one_codemod_runs_with_the_step_that_it_belongs_to(fake: FakeUseCases) -> None:
    result = invoke("codemod", "run", "async-colour", "app", "--diff")
    assert result.exit_code == ExitCode.FINDINGS
    assert fake.asked["codemod"] == "async-colour"
    assert fake.asked["mode"] is Mode.DIFF
    assert fake.asked["workspace"].selection == ("app",)
    assert result.stdout_bytes == PATCH.encode()


@pytest.mark.parametrize("subcommand", ["explain", "run"])
def test_an_unknown_codemod_is_a_usage_error(fake: FakeUseCases, subcommand: str) -> None:
    result = invoke("codemod", subcommand, "async-color")
    assert result.exit_code == ExitCode.USAGE
    assert "did you mean async-colour?" in result.stderr


# --- the rest ----------------------------------------------------------------------------------


def test_undo_lists_what_it_put_back(fake: FakeUseCases, monkeypatch: pytest.MonkeyPatch) -> None:
    restored = ["app/api.py"]
    monkeypatch.setattr(use_cases, "undo", lambda _workspace, **_options: restored)
    assert invoke("undo").stdout == "Put back 1 file\n  app/api.py\n"
    restored.clear()
    assert invoke("undo").stdout == "Nothing to undo.\n"


def test_undo_takes_a_number_and_force(fake: FakeUseCases, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, Any]] = []
    monkeypatch.setattr(
        use_cases, "undo", lambda _workspace, **options: asked.append(options) or []
    )
    invoke("undo")
    invoke("undo", "--to", "3", "--force")
    assert asked == [{"back_to": None, "force": False}, {"back_to": 3, "force": True}]
    assert json.loads(invoke("undo", "--format", "json").stdout)["restored"] == []


def test_writes_are_listed_with_what_became_of_their_files(
    fake: FakeUseCases, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(use_cases, "history", lambda _workspace: samples.HISTORY)
    lines = invoke("undo", "--list").stdout.splitlines()
    assert [line.split()[:2] for line in lines] == [
        ["3", "interrupted"],
        ["new", "app/api.py"],
        ["old", "app/crud.py"],
        ["2", "undone"],
        ["1", "written"],
    ]
    assert lines[0].endswith("2 files: 1 old")
    document = json.loads(invoke("undo", "--list", "--format", "json").stdout)
    assert [write["state"] for write in document["writes"]] == ["interrupted", "undone", "written"]


# --- status ------------------------------------------------------------------------------------


def progressed(monkeypatch: pytest.MonkeyPatch, status: Status) -> None:
    found = use_cases.Progressed(status, HISTORY, "2026-11-28", "0123456789ab")
    monkeypatch.setattr(use_cases, "project_status", lambda *_arguments, **_options: found)


def test_status_fails_under_a_number(fake: FakeUseCases, monkeypatch: pytest.MonkeyPatch) -> None:
    """65.5 is enough for 65.5 and not for 66."""
    progressed(monkeypatch, STATUS)
    assert invoke("status").exit_code == ExitCode.CLEAN
    assert invoke("status", "--fail-under", "65.5").exit_code == ExitCode.CLEAN
    assert invoke("status", "--fail-under", "66").exit_code == ExitCode.FINDINGS
    assert invoke("status", "--fail-under", "101").exit_code == ExitCode.USAGE


def test_status_writes_a_page_and_a_badge(
    fake: FakeUseCases, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Beside what it prints; in a folder that is not there it is a usage error."""
    progressed(monkeypatch, STATUS)
    result = invoke("status", "--html", "s.html", "--badge", "b.svg", "--format", "json")
    assert json.loads(result.stdout)["totals"]["done"] == 65.5
    assert (tmp_path / "s.html").read_text("utf-8").startswith("<!doctype html>")
    assert (tmp_path / "b.svg").read_text("utf-8").startswith("<svg")
    assert invoke("status", "--html", "gone/s.html").exit_code == ExitCode.USAGE


# --- init --------------------------------------------------------------------------------------


def test_an_alembic_environment_is_written(fake: FakeUseCases, tmp_path: Path) -> None:
    result = invoke("init", "alembic", "app.models:Base.metadata", "--folder", "db/migrations")
    assert result.exit_code == ExitCode.CLEAN
    written = result.stdout.split()
    assert "db/migrations/env.py" in written
    assert all((tmp_path / path).is_file() for path in written)
    environment = (tmp_path / "db/migrations/env.py").read_text()
    assert "from app.models import Base" in environment


def test_no_file_is_overwritten(fake: FakeUseCases, tmp_path: Path) -> None:
    (tmp_path / "alembic.ini").write_text("mine")
    result = invoke("init", "alembic", "app.models:Base.metadata")
    assert result.exit_code == ExitCode.USAGE
    assert "would overwrite alembic.ini" in result.stderr
    assert not (tmp_path / "migrations").exists()
    assert (tmp_path / "alembic.ini").read_text() == "mine"


def test_metadata_has_to_be_a_place_in_a_module(fake: FakeUseCases) -> None:
    result = invoke("init", "alembic", "no module")
    assert result.exit_code == ExitCode.USAGE
    assert "'no module'" in result.stderr


def test_an_installation_without_templates_says_so(
    fake: FakeUseCases, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The templates are named, not imported: the tooling imports nothing of the runtime."""
    monkeypatch.setattr(init, "ALEMBIC_HOOK", "no_such_module:write")
    result = invoke("init", "alembic", "app.models:Base.metadata")
    assert result.exit_code == ExitCode.USAGE
    assert "no templates" in result.stderr
