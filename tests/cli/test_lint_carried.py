"""What the linter carries over an edit is what a run from nothing finds."""

from __future__ import annotations

import random
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from migrate_async.cli import lint_carried, lint_look, lint_use_case
from migrate_async.cli.lint_request import LintRequest, Ratchet
from migrate_async.cli.progress import Progress
from migrate_async.cli.workspace import Workspace, open_workspace
from migrate_async.model.lint import LintResult
from support.edits import EDITS, siblings

SMALL = Path(__file__).parents[2] / "fixtures" / "small"
COUNT = 14


def _look(workspace: Workspace, *, strict: bool = False) -> LintResult:
    return lint_use_case.lint(workspace, LintRequest(strict=strict), Progress()).result


@pytest.mark.parametrize(("name", "seed"), [("tutorial", 1), ("services_over_repositories", 2)])
def test_edits(name: str, seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of comments, bodies, signatures, routes and models; of what is called and what is not."""
    results: list[bool] = []
    real = lint_carried.carried

    def noted(*arguments: object) -> object:
        found = real(*arguments)  # type: ignore[arg-type]
        results.append(found is not None)
        return found

    monkeypatch.setattr(lint_carried, "carried", noted)
    root = tmp_path / "project"
    shutil.copytree(SMALL / name, root)
    (root / "pyproject.toml").touch()
    chance = random.Random(seed)  # noqa: S311 - reproducible, not secret
    workspace = open_workspace([root])
    cold = replace(workspace, cache=False)
    assert _look(workspace, strict=True).findings
    for number in range(COUNT):
        path = chance.choice(siblings(root))
        edit = chance.choice(EDITS)
        edit(path, chance)
        for strict in (True, False):
            found = _look(workspace, strict=strict)
            assert found == _look(cold, strict=strict), (number, edit, path)
    assert True in results, "some edits are carried over"


APP = """\
from sqlalchemy.orm import Session


def more(db: Session):
    # all of them
    return db.query(int).all()


def once(db: Session):
    return db.query(int).all()  # noqa: MA801
"""
HELPER = "\n\ndef weigh(values):\n    return sum(value * 2 for value in values)\n"
CARRIED = {
    "a comment": "# first\n" + APP,
    "a comment beside a finding": APP.replace(".all()\n\n", ".all()  # each\n\n"),
    "blank lines": APP.replace("\n\n\n", "\n\n\n\n"),
    "a helper": APP + HELPER,
    "a helper above": APP.replace("\n\n\ndef", HELPER + "\n\ndef", 1),
}
NOT_CARRIED = {
    "a query": APP.replace("all()", "first()", 1),
    "a suppression gone": APP.replace("  # noqa: MA801", ""),
    "another suppression": APP.replace("# noqa: MA801", "# noqa: MA802"),
    "a suppression that moves": APP.replace("  # noqa", "    # noqa"),
    "a suppression more": APP.replace("# all of them", "# noqa: MA801"),
    "a helper on a session": APP + HELPER.replace("values)", "db)"),
    "a helper with a suppression": APP + HELPER.replace("values):", "values):  # noqa: MA801"),
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "app.py").write_text(APP)
    return tmp_path


def _is_carried(
    root: Path, monkeypatch: pytest.MonkeyPatch, text: str, request: LintRequest
) -> bool:
    """Whether the result is known after the edit, without a look at the project."""

    def loaded(*_: object, **__: object) -> None:
        raise AssertionError

    workspace = open_workspace([root])
    before = lint_use_case.lint(workspace, request, Progress()).result
    assert before.findings or before.baselined
    (root / "app.py").write_text(text)
    with monkeypatch.context() as patched:
        patched.setattr(lint_look, "take_look", loaded)
        try:
            found = lint_use_case.lint(workspace, request, Progress()).result
        except AssertionError:
            return False
    cold = replace(workspace, cache=False)
    assert found == lint_use_case.lint(cold, request, Progress()).result
    return True


@pytest.mark.parametrize("what", CARRIED)
def test_what_cannot_matter(what: str, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs no rule, there and back."""
    request = LintRequest(strict=True)
    assert _is_carried(root, monkeypatch, CARRIED[what], request)
    assert _is_carried(root, monkeypatch, APP, request)


@pytest.mark.parametrize("what", NOT_CARRIED)
def test_what_could_matter(what: str, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Is looked at anew."""
    assert not _is_carried(root, monkeypatch, NOT_CARRIED[what], LintRequest(strict=True))


def test_a_baseline_knows_lines_by_their_text(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What moves is known still; what reads otherwise is new, and its old entry stale."""
    file = root / "baseline.json"
    workspace = open_workspace([root])
    update = LintRequest(baseline=file, ratchet=Ratchet.UPDATE)
    lint_use_case.lint(workspace, update, Progress())
    request = LintRequest(baseline=file)
    assert _is_carried(root, monkeypatch, "# first\n" + APP, request)
    assert _look_with(workspace, request).baselined
    text = CARRIED["a comment beside a finding"]
    assert _is_carried(root, monkeypatch, text, request)
    found = _look_with(workspace, request)
    assert found.findings
    assert [message.code for message in found.diagnostics] == ["MA010"]


def _look_with(workspace: Workspace, request: LintRequest) -> LintResult:
    return lint_use_case.lint(workspace, request, Progress()).result


def test_after_an_edit_was_undone(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next one is one of the text before, for which the answer was there all along."""
    request = LintRequest(strict=True)
    assert not _is_carried(root, monkeypatch, NOT_CARRIED["a query"], request)
    workspace = open_workspace([root])
    for text in (NOT_CARRIED["a query"], APP):
        (root / "app.py").write_text(text)
        _look_with(workspace, request)
    assert _is_carried(root, monkeypatch, CARRIED["a comment"], request)


def test_rules_of_others_look_at_what_they_like(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody knows whether a comment matters to them."""
    monkeypatch.setattr("migrate_async.lint.plugins.packages", lambda: ["theirs"])
    workspace = open_workspace([root])
    seen: list[bool] = []
    real = lint_carried.carried
    monkeypatch.setattr(
        lint_carried, "carried", lambda *given: seen.append(real(*given) is not None)
    )
    monkeypatch.setattr(lint_use_case, "_chosen", lambda *_: ())
    _look(workspace)
    (root / "app.py").write_text("# first\n" + APP)
    _look(workspace)
    assert seen == [False]
