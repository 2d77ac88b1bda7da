"""The plugin in the real flake8: single-file rules, with its own `# noqa`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from migrate_async.lint.registry import rules

CODE = """\
from sqlalchemy.orm import Session


def get(db: Session):
    return db.query(1).all()


def known(db: Session):
    return db.query(1).all()  # noqa: MA801


def unsure(db):
    return db.query(1).all()
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "crud.py").write_text(CODE)
    return tmp_path


def flake8(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "flake8", "-j", "1", "--isolated", "--select", "MA"]
    return subprocess.run(
        [*command, *arguments], cwd=root, capture_output=True, text=True, check=False
    )


def test_findings_are_shown(root: Path) -> None:
    done = flake8(root, "crud.py")
    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        "crud.py:5:12: MA801 `db.query(...)` is legacy `Query` API (legacy-query)"
    ]


def test_settings_of_the_project_choose(root: Path) -> None:
    (root / "pyproject.toml").write_text("[tool.migrate-async.lint]\nignore = ['MA801']\n")
    assert flake8(root, "crud.py").stdout == ""


def test_text_on_stdin_and_files_that_cannot_be_parsed(root: Path) -> None:
    command = [sys.executable, "-m", "flake8", "--isolated", "--select", "MA,E9", "-"]
    done = subprocess.run(command, cwd=root, capture_output=True, input=CODE.encode(), check=False)
    assert b"stdin:5:12: MA801" in done.stdout
    (root / "broken.py").write_text("x = (\n")
    assert "MA" not in flake8(root, "broken.py").stdout


def test_the_plugin_is_listed_with_its_version(root: Path) -> None:
    assert "migrate-async" in flake8(root, "--version").stdout


def test_loading_the_plugin_imports_nothing(root: Path) -> None:
    """The bare runtime may be all that is installed."""
    code = (
        "import sys; import migrate_async.integrations.flake8; "
        "print({'msgspec', 'pathspec', 'click', 'libcst'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_without_the_tools_nothing_is_found(root: Path) -> None:
    code = (
        "import sys; sys.modules['msgspec'] = None; import ast; "
        "from migrate_async.integrations.flake8 import Checker; "
        f"print(list(Checker(ast.parse(''), 'crud.py', {CODE!r}.splitlines(True)).run()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "[]", done.stderr


def test_some_rules_need_one_file_only() -> None:
    """Others are left to `migrate-async lint`."""
    assert any(rule.PER_FILE for rule in rules())
    assert not all(rule.PER_FILE for rule in rules())
