"""The codemod through LibCST's own command, in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from migrate_async.model.plan import FilePlan, Plan, encode
from migrate_async.plan.queries import plan_queries
from support import query_cases

COMMAND = "migrate_async_codemods.query_to_select.QueryToSelect"
LEGACY = """\
from sqlalchemy.orm import Session
from support.corpus_models import User


def user_names(db: Session):
    return set(user.name for user in db.query(User))
"""
CONVERTED = """\
from sqlalchemy import select
from sqlalchemy.orm import Session
from support.corpus_models import User


def user_names(db: Session):
    return set(user.name for user in db.execute(select(User)).scalars())
"""


def _run(folder: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "libcst.tool", "codemod", "--no-format", "-x", COMMAND]
    done = subprocess.run(
        [*command, *arguments, "--hide-progress", "-j", "1", "app.py"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return (folder / "app.py").read_text(encoding="utf-8")


def _plan(text: str) -> Plan:
    project = query_cases.index(text, "app.py")
    function = project.function("app.user_names")
    assert function is not None
    found = plan_queries(project, query_cases.Settings(), lambda _: False).functions[function]
    edits, imports = tuple(found.edits), tuple(sorted(found.imports))
    return Plan("queries", (FilePlan("app.py", "", edits, imports),))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "app.py").write_text(LEGACY, encoding="utf-8")
    return tmp_path


def test_with_a_plan(folder: Path) -> None:
    """The plan knows the model, which is in another module: no `unique()` is needed."""
    (folder / "plan.json").write_bytes(encode(_plan(LEGACY)))
    assert _run(folder, "--plan", "plan.json") == CONVERTED


def test_by_itself(folder: Path) -> None:
    """Without a plan nothing is known about the model: its rows may repeat."""
    assert _run(folder) == CONVERTED.replace(".scalars()", ".scalars().unique()")


def test_twice(folder: Path) -> None:
    once = _run(folder)
    assert _run(folder) == once
