"""A plan carried over an edit is the plan that a run from nothing makes."""

from __future__ import annotations

import random
import shutil
from dataclasses import replace
from pathlib import Path
from typing import get_args, get_type_hints

import pytest

from migrate_async.cli import carried, use_cases
from migrate_async.cli.progress import Progress
from migrate_async.cli.workspace import Workspace, open_workspace
from migrate_async.model import plan as p
from migrate_async.model.plan import Step
from migrate_async.model.summary import Mode
from migrate_async.plan.moved import moved
from migrate_async.report.json import plan_document
from support.edits import EDITS, siblings

SMALL = Path(__file__).parents[2] / "fixtures" / "small"
COUNT = 9


def _planned(workspace: Workspace) -> str:
    return plan_document(use_cases.show_plan(workspace, Step.ALL, Progress()))


def _patch(workspace: Workspace) -> str:
    return use_cases.migrate(workspace, Step.ALL, Mode.DIFF, Progress()).patch


@pytest.mark.parametrize(("name", "seed"), [("tutorial", 1), ("services_over_repositories", 2)])
def test_edits(name: str, seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of comments, bodies, signatures, routes and models; of what is called and what is not."""
    results: list[bool] = []
    real = carried.carried

    def noted(*arguments: object) -> object:
        found = real(*arguments)  # type: ignore[arg-type]
        results.append(found is not None)
        return found

    monkeypatch.setattr(carried, "carried", noted)
    root = tmp_path / "project"
    shutil.copytree(SMALL / name, root)
    (root / "pyproject.toml").touch()
    chance = random.Random(seed)  # noqa: S311 - reproducible, not secret
    workspace = open_workspace([root])
    cold = replace(workspace, cache=False)
    _patch(workspace)
    for number in range(COUNT):
        path = chance.choice(siblings(root))
        edit = chance.choice(EDITS)
        edit(path, chance)
        assert _planned(workspace) == _planned(cold), (number, edit, path)
    assert _patch(workspace) == _patch(cold)
    assert True in results, "some edits are carried over"


APP = """\
from sqlalchemy.orm import Session


def more(db: Session):
    # all of them
    return db.query(int).all()
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "app.py").write_text(APP)
    (tmp_path / "other.py").write_text(
        "from app import more\n\n\ndef f(db):\n    return more(db)\n"
    )
    return tmp_path


def _is_carried(root: Path, monkeypatch: pytest.MonkeyPatch, **texts: str) -> bool:
    """Whether the plan is known after the edits, without a look at the project."""

    def loaded(*_: object, **__: object) -> None:
        raise AssertionError

    workspace = open_workspace([root])
    use_cases.show_plan(workspace, Step.ALL, Progress())
    for name, text in texts.items():
        (root / f"{name}.py").write_text(text)
    with monkeypatch.context() as patched:
        patched.setattr(use_cases, "load_project", loaded)
        try:
            found = use_cases.show_plan(workspace, Step.ALL, Progress())
        except AssertionError:
            return False
    assert found == use_cases.make_plan(workspace, Step.ALL, Progress())[0]
    return True


HELPER = "\n\ndef weigh(values):\n    return sum(value * 2 for value in values)\n"
CARRIED = {
    "a comment": "# first\n" + APP,
    "another comment": APP.replace("all of them", "each of them"),
    "blank lines": APP.replace("\n\n\n", "\n\n\n\n"),
    "a helper": APP + HELPER,
    "a helper above": APP.replace("\n\n\ndef", HELPER + "\n\ndef"),
}
NOT_CARRIED = {
    "a query": APP.replace("all()", "first()"),
    "a line break inside a statement": APP.replace("query(int)", "query(\n        int)"),
    "a helper that is said": APP + HELPER + "USED = weigh\n",
    "a helper on a session": APP + HELPER.replace("values)", "db)"),
    "a helper that hides a builtin": APP + HELPER.replace("weigh", "sum"),
    "a helper that is understood": APP + HELPER.replace("weigh", "get_session"),
    "a helper in the plan": APP + HELPER.replace("weigh", "AsyncSession"),
    "a helper that calls": APP + HELPER.replace("sum(", "more("),
    "a helper under a decorator": APP + HELPER.replace("def", "@more\ndef"),
    "an async helper": APP + HELPER.replace("def", "async def"),
    "a helper said elsewhere": APP + HELPER.replace("weigh", "f"),
}


@pytest.mark.parametrize("what", CARRIED)
def test_what_cannot_matter(what: str, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither links nor plans anything, there and back."""
    assert _is_carried(root, monkeypatch, app=CARRIED[what])
    assert _is_carried(root, monkeypatch, app=APP)


@pytest.mark.parametrize("what", NOT_CARRIED)
def test_what_could_matter(what: str, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Is planned anew."""
    assert not _is_carried(root, monkeypatch, app=NOT_CARRIED[what])


def test_who_mentions_it(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An edit of two files that makes one say what the other one has."""
    other = (root / "other.py").read_text()
    assert not _is_carried(root, monkeypatch, app=APP + HELPER, other=other + "# weigh\n")
    assert _is_carried(root, monkeypatch, app="# x\n" + APP + HELPER, other="# y\n" + other)


def test_every_place_of_an_edit_moves() -> None:
    """`plan.moved` knows by name what of an edit is a place."""
    edits = get_args(p.AnyEdit)
    hints = {name: kind for edit in edits for name, kind in get_type_hints(edit).items()}
    assert {name for name, kind in hints.items() if str(p.Span) in str(kind)} == {"span", "until"}


def test_what_takes_no_part_moves_too() -> None:
    def plan(line: int) -> p.Plan:
        reason = p.Reason("suite-stays", "why", "tests/test_app.py", line)
        test = p.FunctionDecision("tests.test_it", "tests/test_app.py", line, "keep", (reason,))
        return p.Plan(step="all", others=(test,))

    assert moved(plan(3), "tests/test_app.py", {3: 5}, "") == plan(5)
