"""`migrate-async init`: what a project begins with."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from migrate_async import config
from migrate_async.cli.exit_codes import ExitCode
from migrate_async.cli.setup import pre_commit, pyproject
from migrate_async.cli.setup.pyproject import Found
from support.cli import invoke
from support.git import repository

APPLICATION = Path(__file__).parents[2] / "fixtures" / "small" / "tutorial" / "before"
WORKFLOW = Path(".github/workflows/migrate-async.yml")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "blog"
    shutil.copytree(APPLICATION, root, ignore=shutil.ignore_patterns("__pycache__"))
    (root / "pyproject.toml").write_text('[project]\nname = "blog"\n')
    (root / ".github").mkdir()
    versions = root / "alembic" / "versions"
    versions.mkdir(parents=True)
    (root / "alembic" / "env.py").write_text("")
    (versions / "1_first.py").write_text("")
    monkeypatch.chdir(root)
    return repository(root)


def test_everything_is_written_and_the_linter_is_quiet_then(project: Path) -> None:
    done = invoke("init")
    assert done.exit_code == ExitCode.CLEAN, done.stderr
    settings = config.load(project)
    assert settings.exclude == ("alembic/versions/",)
    assert settings.get_db == "blog.main.get_db"
    assert settings.lint.baseline == "lint-baseline.json"
    hooks = yaml.safe_load((project / pre_commit.FILE).read_text())["repos"][0]["hooks"]
    assert hooks[0]["id"] == "migrate-async-lint"
    workflow = yaml.safe_load((project / WORKFLOW).read_text())
    assert workflow["jobs"]["lint"]["steps"][-1]["run"] == "migrate-async lint --format github"
    assert workflow[True]["push"]["branches"] == ["main"], "YAML 1.1 reads `on` as true"
    assert invoke("lint").exit_code == ExitCode.CLEAN


def test_a_second_time_changes_nothing(project: Path) -> None:
    invoke("init")
    before = {path: path.read_bytes() for path in project.rglob("*.*") if path.is_file()}
    again = invoke("init")
    assert again.exit_code == ExitCode.CLEAN
    assert again.stdout.count("left ") == 3
    assert {path: path.read_bytes() for path in before} == before


def test_a_diff_writes_nothing(project: Path) -> None:
    before = sorted(project.rglob("*"))
    shown = invoke("init", "--diff").stdout
    assert "+[tool.migrate-async]" in shown
    assert "+repos:" in shown
    written = {path.relative_to(project).parts[0] for path in set(project.rglob("*")) - set(before)}
    assert written <= {".migrate-async"}


def test_undo_puts_the_settings_back(project: Path) -> None:
    invoke("init")
    invoke("undo")
    assert (project / "pyproject.toml").read_text() == '[project]\nname = "blog"\n'


def test_without_a_ci_service_there_is_no_step(project: Path) -> None:
    (project / ".github").rmdir()
    invoke("init")
    assert not (project / ".github").exists()


def test_gitlab_gets_a_job_behind_the_others(project: Path) -> None:
    (project / ".github").rmdir()
    (project / ".gitlab-ci.yml").write_text("test:\n  script: [pytest]\n")
    invoke("init")
    jobs = yaml.safe_load((project / ".gitlab-ci.yml").read_text())
    assert list(jobs) == ["test", "migrate-async"]


def test_settings_of_ones_own_are_left_and_get_no_baseline(project: Path) -> None:
    text = '[tool.migrate-async]\nstyle = "inline"\n'
    (project / "pyproject.toml").write_text(text)
    done = invoke("init")
    assert (project / "pyproject.toml").read_text() == text
    assert not (project / "lint-baseline.json").exists()
    assert "baseline" not in done.stdout


@pytest.mark.parametrize(
    "before",
    [
        "repos:\n- repo: a\n  rev: '1'\n  hooks: [{id: x}]\n",
        (
            "# ours\nfail_fast: true\nrepos:  # all\n\n  # first\n  - repo: a\n    rev: '1'\n"
            "    hooks:\n    - id: x\n"
        ),
        "repos:\r\n    - repo: a\r\n      rev: '1'\r\n      hooks: [{id: x}]",
    ],
)
def test_a_hook_is_added_in_the_layout_of_the_file(before: str) -> None:
    after = pre_commit.propose(before).after
    assert after is not None
    assert after.startswith(before.rstrip("\r\n"))
    assert ("\r\n" in after) == ("\r\n" in before)
    assert "\r\r" not in after
    old, new = yaml.safe_load(before), yaml.safe_load(after)
    assert new["repos"][:-1] == old["repos"]
    assert new["repos"][-1]["hooks"][0]["id"] == "migrate-async-lint"


@pytest.mark.parametrize("before", ["repos: []\n", "repos:\n- repo: a\nci: {}\n", "default: x\n"])
def test_a_hook_for_a_file_of_another_shape_is_advice(before: str) -> None:
    proposal = pre_commit.propose(before)
    assert proposal.after is None
    assert "migrate-async-lint" in proposal.advice


@pytest.mark.parametrize("before", ["", "[project]", '[project]\r\nname = "x"\r\n'])
def test_the_table_is_appended_whatever_the_file_ends_with(before: str) -> None:
    after = pyproject.propose(before, Found("known.json")).after
    assert after is not None
    assert after.startswith(before)
    assert ("\r\n" in after) == ("\r\n" in before)


def test_what_could_not_be_read_is_told(project: Path) -> None:
    """Else a project of broken files begins with no finding at all."""
    (project / "broken.py").write_text("def f(:\n")
    assert "broken.py:1:0 error[MA001]" in invoke("init").stdout


def test_a_folder_without_python_is_the_wrong_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for command in ("init", "scan", "lint", "plan", "status", "migrate"):
        result = invoke(command)
        assert result.exit_code == ExitCode.USAGE
        assert "no Python files in" in result.stderr
    assert [path.name for path in tmp_path.iterdir() if path.name != ".migrate-async"] == []


def test_a_folder_of_projects_is_told_from_a_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("api", "jobs", "notes"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "main.py").write_text("from sqlalchemy.orm import Session\n")
    for name in ("api", "jobs"):
        (tmp_path / name / "pyproject.toml").touch()
    monkeypatch.chdir(tmp_path)
    assert "has 2 in it (api, jobs), which were taken for one" in invoke("scan").stdout
    refused = invoke("init")
    assert refused.exit_code == ExitCode.USAGE
    assert "run init in one, api say" in refused.stderr
    assert "taken for one" not in invoke("scan", "api").stdout
