"""A plan carried over an edit is the plan that a run from nothing makes."""

from __future__ import annotations

import random
import re
import shutil
from collections.abc import Callable
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
from migrate_async.report.json import plan_document

SMALL = Path(__file__).parents[2] / "fixtures" / "small"
EDITS = 9

Edit = Callable[[Path, random.Random], None]

INERT = """

def weigh_{n}(values, limit: int = {n}):
    total = 0
    for value in sorted(values):
        if value > limit:
            total += value
    return str(total).strip()
"""
TOUCHING = """

def touch_{n}(db: Session, wanted: int):
    return db.query(User).filter(User.id == wanted).first()
"""
ROUTE = """

@router.get("/more/{n}")
def more_{n}(db: Session = Depends(get_db)):
    return more(db)
"""


def _starts(lines: list[str]) -> list[int]:
    """Where a comment can stand, most of the time."""
    return [n for n, line in enumerate(lines) if line.strip() and not line.startswith((")", '"'))]


def _comment(path: Path, chance: random.Random) -> None:
    lines = path.read_text().splitlines(keepends=True)
    number = chance.choice(_starts(lines) or [0])
    lines[number:number] = ["# said by the way\n"] * chance.randrange(1, 4)
    path.write_text("".join(lines))


def _blank(path: Path, chance: random.Random) -> None:
    lines = path.read_text().splitlines(keepends=True)
    lines.insert(chance.randrange(len(lines) + 1), "\n")
    path.write_text("".join(lines))


def _inert(path: Path, chance: random.Random) -> None:
    """A function that matters to nobody: at the end, or before another one."""
    text, new = path.read_text(), INERT.format(n=chance.randrange(1000))
    places = [match.start() for match in re.finditer(r"^(?=def |class )", text, re.MULTILINE)]
    place = chance.choice([len(text), *places])
    before = text[:place].rstrip("\n")
    path.write_text(before + "\n" + new + "\n\n" * bool(text[place:]) + text[place:])


def _change_inert(path: Path, _chance: random.Random) -> None:
    text = path.read_text()
    path.write_text(text.replace("total += value", "total += value\n            limit -= 1", 1))


def _drop_inert(path: Path, _chance: random.Random) -> None:
    path.write_text(
        re.sub(r"\n\ndef weigh_\d+\(.*?strip\(\)\n", "", path.read_text(), flags=re.DOTALL)
    )


def _call_inert(path: Path, chance: random.Random) -> None:
    """What was inert is said by others, in code or in a string."""
    names = re.findall(r"def (weigh_\d+)", "".join(p.read_text() for p in _siblings(path)))
    if names:
        said = chance.choice(("VALUE = {}\n", "VALUE = '{}'\n")).format(chance.choice(names))
        path.write_text(path.read_text() + said)


def _touch(path: Path, chance: random.Random) -> None:
    path.write_text(path.read_text() + TOUCHING.format(n=chance.randrange(99)))


def _route(path: Path, chance: random.Random) -> None:
    path.write_text(path.read_text() + ROUTE.format(n=chance.randrange(99)))


def _body(path: Path, chance: random.Random) -> None:
    swaps = (
        (".all()", ".first()"),
        (".first()", ".one()"),
        ("db.commit()", "db.flush()"),
        ("return ", "return None or "),
        ("True", "False"),
        ("int", "str"),
    )
    path.write_text(path.read_text().replace(*chance.choice(swaps), 1))


def _sign(path: Path, _chance: random.Random) -> None:
    path.write_text(re.sub(r"\(db: Session", "(extra, db: Session", path.read_text(), count=1))


def _model(path: Path, _chance: random.Random) -> None:
    path.write_text(path.read_text().replace("nullable", "index").replace("lazy=", "uselist="))


def _add_file(path: Path, chance: random.Random) -> None:
    path.with_name(f"new_{chance.randrange(9)}.py").write_text(INERT.format(n=1).lstrip())


def _delete(path: Path, chance: random.Random) -> None:
    if chance.random() < 0.3:
        path.unlink()


_EDITS: tuple[Edit, ...] = (
    *(_comment, _comment, _blank, _inert, _inert, _change_inert, _drop_inert, _call_inert),
    *(_touch, _route, _body, _sign, _model, _add_file, _delete),
)


def _siblings(path: Path) -> list[Path]:
    return sorted(path.parent.rglob("*.py"))


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
    for number in range(EDITS):
        path = chance.choice(_siblings(root))
        edit = chance.choice(_EDITS)
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

    def loaded(*_: object) -> None:
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
