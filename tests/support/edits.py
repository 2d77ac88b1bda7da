"""Edits of a project's files, some of which cannot matter and some of which do."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from pathlib import Path

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
    names = re.findall(r"def (weigh_\d+)", "".join(p.read_text() for p in siblings(path)))
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


EDITS: tuple[Edit, ...] = (
    *(_comment, _comment, _blank, _inert, _inert, _change_inert, _drop_inert, _call_inert),
    *(_touch, _route, _body, _sign, _model, _add_file, _delete),
)


def siblings(path: Path) -> list[Path]:
    return sorted(path.parent.rglob("*.py"))
