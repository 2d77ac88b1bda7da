"""The hook, the action and the snippets for CI: valid by their schemas, and run."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from migrate_async.cli.lint_options import FORMATS
from migrate_async.report.findings import report
from support.git import commit, git, repository
from support.schemas import schema

REPOSITORY = Path(__file__).parents[2]
LEGACY = "from sqlalchemy.orm import Session\n\n\ndef f(db: Session):\n    return db.query(1)\n"
ACTION: dict[str, Any] = yaml.safe_load((REPOSITORY / "action.yml").read_text())
HOOKS: list[dict[str, Any]] = yaml.safe_load((REPOSITORY / ".pre-commit-hooks.yaml").read_text())


def block(language: str, start: str) -> Any:
    """The fenced block of docs/lint.md in `language` that has `start`."""
    text = (REPOSITORY / "docs" / "lint.md").read_text(encoding="utf-8")
    blocks = re.findall(rf"^```{language}\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)
    return yaml.safe_load(next(found for found in blocks if start in found))


def validate(document: Any, url: str) -> None:
    standard = schema(url)
    kind = jsonschema.validators.validator_for(standard, jsonschema.Draft7Validator)
    kind(standard).validate(document)


def program_on_path() -> dict[str, str]:
    """An environment in which `migrate-async` and `python` are those of the tests."""
    scripts = str(Path(sys.executable).parent)
    return {**os.environ, "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}"}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    root.mkdir()
    (root / "pyproject.toml").touch()
    (root / "legacy.py").write_text(LEGACY)
    (root / "clean.py").write_text("x = 1\n")
    return repository(root)


# --- pre-commit --------------------------------------------------------------------------------


def test_the_hooks_are_hooks() -> None:
    validate(HOOKS, "https://json.schemastore.org/pre-commit-hooks.json")
    validate(block("yaml", "hooks:"), "https://json.schemastore.org/pre-commit-config.json")
    ids = {hook["id"] for hook in HOOKS}
    assert {h["id"] for repo in block("yaml", "hooks:")["repos"] for h in repo["hooks"]} <= ids


def test_pre_commit_runs_the_hook(root: Path, tmp_path: Path) -> None:
    """The real program, on staged files; `language: system` spares the network."""
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    local = [
        {key: value for key, value in hook.items() if key != "additional_dependencies"}
        | {"language": "system"}
        for hook in HOOKS
    ]
    (hooks / ".pre-commit-hooks.yaml").write_text(yaml.safe_dump(local))
    repository(hooks)

    def pre_commit(*files: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "pre_commit", "try-repo", str(hooks)]
        return subprocess.run(
            [*command, "migrate-async-lint", "--files", *files],
            cwd=root,
            env={**program_on_path(), "PRE_COMMIT_HOME": str(tmp_path / "home")},
            capture_output=True,
            text=True,
            check=False,
        )

    failed = pre_commit("legacy.py", "clean.py")
    assert failed.returncode == 1, failed.stderr
    assert "legacy.py:5:12 MA801" in failed.stdout
    passed = pre_commit("clean.py")
    assert passed.returncode == 0, passed.stdout
    assert "Passed" in passed.stdout


# --- GitHub ------------------------------------------------------------------------------------


def test_the_action_is_an_action() -> None:
    validate(ACTION, "https://json.schemastore.org/github-action.json")


def test_the_action_reads_each_input_once_through_the_environment() -> None:
    """Never in a script, where its text would be run."""
    for step in ACTION["runs"]["steps"]:
        assert "${{" not in step["run"]
    used = re.findall(r"inputs\.([a-z-]+)", str(ACTION["runs"]))
    assert set(used) == set(ACTION["inputs"])


def run_action(root: Path, tmp_path: Path, **inputs: str) -> tuple[int, str, str]:
    """Exit code, output and `GITHUB_OUTPUT` of the step that lints."""
    step = next(step for step in ACTION["runs"]["steps"] if step.get("id") == "lint")
    values = {name: given["default"] for name, given in ACTION["inputs"].items()} | inputs
    environment = {
        name: values[re.findall(r"inputs\.([a-z-]+)", text)[0]]
        for name, text in step["env"].items()
    }
    output = tmp_path / "output"
    done = subprocess.run(
        [shutil.which("bash") or "bash", "-eo", "pipefail", "-c", step["run"]],
        cwd=root,
        env={**program_on_path(), **environment, "GITHUB_OUTPUT": str(output)},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout, output.read_text()


def test_the_action_annotates(root: Path, tmp_path: Path) -> None:
    code, stdout, output = run_action(root, tmp_path)
    assert code == 1
    assert stdout.startswith("::error file=legacy.py,line=5,endLine=5,col=12,")
    assert output == "exit-code=1\n"


def test_the_action_hands_its_inputs_on(root: Path, tmp_path: Path) -> None:
    inputs = {"paths": "clean.py legacy.py", "format": "sarif", "output": "lint.sarif"}
    code, _, _ = run_action(root, tmp_path, **inputs, arguments="--exit-zero --strict")
    assert code == 0
    assert "MA801" in (root / "lint.sarif").read_text()
    code, stdout, _ = run_action(root, tmp_path, paths="clean.py")
    assert (code, stdout) == (0, "")
    git(root, "checkout", "-q", "-b", "topic")
    (root / "fresh.py").write_text(LEGACY)
    commit(root)
    _, stdout, _ = run_action(root, tmp_path, since="HEAD~1")
    assert re.findall(r"file=([\w.]+)", stdout) == ["fresh.py"]


def test_the_action_runs_nothing_that_is_in_an_input(root: Path, tmp_path: Path) -> None:
    run_action(root, tmp_path, paths="$(touch pwned) `touch pwned`", since="; touch pwned")
    assert not (root / "pwned").exists()


def test_the_workflow_of_the_page_uses_inputs_that_exist() -> None:
    steps = block("yaml", "runs-on")["jobs"]["lint"]["steps"]
    ours = next(step for step in steps if "migrate-async" in step["uses"])
    assert set(ours["with"]) <= set(ACTION["inputs"])


# --- GitLab ------------------------------------------------------------------------------------


def test_the_gitlab_job_is_a_job() -> None:
    path = "app/assets/javascripts/editor/schema/ci.json"
    url = f"https://gitlab.com/gitlab-org/gitlab/-/raw/master/{path}"
    validate(block("yaml", "codequality"), url)


def test_the_gitlab_job_writes_the_report_that_it_uploads(root: Path) -> None:
    job = block("yaml", "codequality")["migrate-async"]
    command = next(line for line in job["script"] if line.startswith("migrate-async"))
    done = subprocess.run(
        command.split(), cwd=root, env=program_on_path(), capture_output=True, check=False
    )
    assert done.returncode == 1
    assert (root / job["artifacts"]["reports"]["codequality"]).is_file()


def test_the_command_line_has_the_formats_that_there_are() -> None:
    assert tuple(report.FORMATS) == FORMATS
