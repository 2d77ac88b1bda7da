"""After any edits, a run with what earlier runs left says the same as a run from nothing."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from migrate_async.cli import lint_use_case, use_cases
from migrate_async.cli.lint_request import LintRequest
from migrate_async.cli.progress import Progress
from migrate_async.cli.workspace import Workspace, open_workspace
from migrate_async.model.plan import Plan, Step
from migrate_async.source.reach import SMALL

DATABASE = """\
from sqlalchemy import create_engine
from sqlalchemy.orm import Session, sessionmaker

SessionLocal = sessionmaker(bind=create_engine("sqlite://"))


class Store:
    def __init__(self, db: Session):
        self.db = db

    def find(self, key):
        return self.db.query(Store).get(key)


def get_db():
    db = SessionLocal()
    yield db
"""
COLD = "import os\n\n\ndef work_{n}(value):\n    return os.path.join('{n}', value)\n"
HOT = """\
from app.database import SessionLocal


def leak_{n}():
    db = SessionLocal()
    {body}
"""
USER = "from app.{other} import {name}\n\n\nasync def use_{n}(db):\n    return {name}(db)\n"
BODIES = ("db.add(1)", "return db.query(int).all()", "db.close()", "pass", "return db")
EDITS = 12


def _names(count: int) -> list[str]:
    return [f"m{number:03}" for number in range(count)]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Hundreds of files, of which few have to do with a database."""
    (tmp_path / "pyproject.toml").touch()
    app = tmp_path / "app"
    app.mkdir()
    (app / "__init__.py").touch()
    (app / "database.py").write_text(DATABASE)
    for number, name in enumerate(_names(SMALL + 10)):
        (app / f"{name}.py").write_text(COLD.format(n=number))
    (app / "m001.py").write_text(HOT.format(n=1, body="db.add(1)"))
    (app / "m002.py").write_text(USER.format(n=2, other="m001", name="leak_1"))
    return tmp_path


def _rewrite(path: Path, chance: random.Random) -> None:
    number, body = chance.randrange(5), chance.choice(BODIES)
    other = chance.choice(_names(8))
    path.write_text(
        chance.choice(
            (
                COLD.format(n=number),
                HOT.format(n=number, body=body),
                USER.format(n=number, other=other, name=f"leak_{chance.randrange(5)}"),
                "def broken(:\n",
                "",
            )
        )
    )


def _grow(path: Path, chance: random.Random) -> None:
    text = path.read_text() if path.exists() else ""
    path.write_text(f"{text}\n\ndef more_{chance.randrange(99)}(db):\n    db.commit()\n")


def _shift(path: Path, _chance: random.Random) -> None:
    path.write_text("# a comment\n" + (path.read_text() if path.exists() else ""))


def _delete(path: Path, _chance: random.Random) -> None:
    path.unlink(missing_ok=True)


def _rename(path: Path, _chance: random.Random) -> None:
    database = path.with_name("database.py")
    text = database.read_text()
    old, new = ("Store", "Shelf") if "Store" in text else ("Shelf", "Store")
    database.write_text(text.replace(old, new))


def _sign(path: Path, _chance: random.Random) -> None:
    """Change what functions take and give."""
    if path.exists():
        path.write_text(path.read_text().replace("():", "(extra=None):").replace("(db)", "(db, 1)"))


_EDITS: tuple[Callable[[Path, random.Random], None], ...] = (
    *(_rewrite, _rewrite, _grow, _shift),
    *(_delete, _rename, _sign),
)


def _said(workspace: Workspace) -> tuple[object, ...]:
    lint = lint_use_case.lint(workspace, LintRequest(strict=True), Progress()).result
    scan = use_cases.scan_project(workspace, Progress())
    return lint, scan, use_cases.show_plan(workspace, Step.ALL, Progress())


def _whole_plan(workspace: Workspace) -> Plan:
    """The plan of a run that reads and links everything."""
    settings = msgspec.structs.replace(workspace.settings, reach="all")
    everything = replace(workspace, settings=settings, cache=False)
    return use_cases.show_plan(everything, Step.ALL, Progress())


@pytest.mark.parametrize("seed", range(3))
def test_edits_are_seen(root: Path, seed: int) -> None:
    """Of bodies, signatures, names and places; of files that come, go, break and are mended."""
    chance = random.Random(seed)  # noqa: S311 - reproducible, not secret
    workspace = open_workspace([root])
    before = _said(workspace)
    changes = 0
    for _ in range(EDITS):
        path = root / "app" / f"{chance.choice(_names(8))}.py"
        chance.choice(_EDITS)(path, chance)
        found = _said(workspace)
        assert found == _said(replace(workspace, cache=False))
        assert found[-1] == _whole_plan(workspace)
        changes += found != before
        before = found
    assert changes > EDITS // 3


def test_an_edit_of_a_file_apart_plans_nothing(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever it does, unless it gets to do with the others, or does not parse."""
    workspace = open_workspace([root])
    first = use_cases.show_plan(workspace, Step.ALL, Progress())
    path = root / "app" / "m100.py"
    with monkeypatch.context() as patched:
        patched.setattr(use_cases, "load_project", lambda *_, **__: pytest.fail("loaded again"))
        for text in ("import json\n\nVALUE = json.dumps(1)\n", "class User: ...\n"):
            path.write_text(text)
            assert use_cases.show_plan(workspace, Step.ALL, Progress()) == first
    for text in ("from app.m001 import leak_1\n\nleak_1()\n", "def (\n", "", "VALUE = 2\n"):
        path.write_text(text)
        assert use_cases.show_plan(workspace, Step.ALL, Progress()) == _whole_plan(workspace)


def test_an_edit_out_of_reach_links_nothing(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was found before is still true; only the numbers can have changed."""
    workspace = open_workspace([root])
    first = lint_use_case.lint(workspace, LintRequest(), Progress()).result
    assert first.findings
    assert first.files_unread > SMALL
    (root / "app" / "m100.py").write_text("VALUE = 1\n")
    (root / "app" / "new.py").write_text("VALUE = 1\n")
    monkeypatch.setattr(use_cases, "load_project", lambda *_: pytest.fail("loaded again"))
    monkeypatch.setattr("migrate_async.cli.lint_look.load_project", use_cases.load_project)
    again = lint_use_case.lint(workspace, LintRequest(), Progress()).result
    assert again.findings == first.findings
    assert again.files_unread == first.files_unread + 1
