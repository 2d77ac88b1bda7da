"""Trees of Python files to measure on: made here, always the same, or one of your own.

Two shapes matter. In a *sparse* tree few files have to do with SQLAlchemy, as in a large product
with some services on a database; in a *dense* one most files mention it and one in eight has
queries, as in a backend with CRUD classes.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

LINES_PER_FILE = 120
_WORDS = (  # noqa: SIM905 - sixty quoted words would fill the page
    "account address amount batch budget channel client color config contract counter customer "
    "device discount event export filter handler inbox invoice item label ledger limit location "
    "margin message metric order parcel payment period policy price product profile quota rate "
    "record region report request result rule sample schedule segment setting shipment signal "
    "source stage status storage supplier task template ticket token total transfer unit vendor"
).split()


@dataclass(frozen=True)
class Shape:
    """How many of a tree's files mention SQLAlchemy, and how many run queries."""

    name: str
    mentions: float
    queries: float


SPARSE = Shape("sparse", mentions=0.006, queries=0.002)
DENSE = Shape("dense", mentions=0.6, queries=0.13)


def make_tree(folder: Path, shape: Shape, lines: int, seed: int = 1) -> Path:
    """Write a tree of about `lines` lines into `folder` and return its root.

    Equal arguments give equal files. All packages hang below `app`, next to a database module.
    """
    root = folder / f"{shape.name}-{lines}"
    chance = random.Random(seed)  # noqa: S311 - reproducible, not secret
    _write(root / "pyproject.toml", '[project]\nname = "benchmark"\nversion = "0"\n')
    _write(root / "app" / "__init__.py", "")
    _write(root / "app" / "database.py", _DATABASE)
    _write(root / "app" / "models.py", _models(chance))
    written = number = 0
    while written < lines:
        package = root / "app" / f"part_{number // 50:03}"
        if number % 50 == 0:
            _write(package / "__init__.py", "")
        text = _module(chance, shape)
        _write(package / f"module_{number:05}.py", text)
        written += text.count("\n")
        number += 1
    return root


def count_lines(root: Path) -> tuple[int, int]:
    """The Python files below `root` and their lines."""
    files = (path for path in root.rglob("*.py") if path.is_file())
    sizes = [path.read_bytes().count(b"\n") for path in files]
    return len(sizes), sum(sizes)


_DATABASE = '''\
"""The database of the application."""

from sqlalchemy import create_engine
from sqlalchemy.orm import declarative_base, sessionmaker

engine = create_engine("sqlite:///./app.db")
SessionLocal = sessionmaker(autocommit=False, autoflush=False, bind=engine)
Base = declarative_base()


def get_db():
    db = SessionLocal()
    try:
        yield db
    finally:
        db.close()
'''

_MODEL = """

class {model}(Base):
    __tablename__ = "{table}"

    id = Column(Integer, primary_key=True)
    name = Column(String(50), unique=True)
    owner_id = Column(Integer, index=True)
    active = Column(Boolean, default=True)
"""

_CRUD = '''

def get_{name}(db: Session, {name}_id: int):
    return db.query({model}).filter({model}.id == {name}_id).first()


def list_{name}s(db: Session, owner_id: int, skip: int = 0, limit: int = 100):
    query = db.query({model}).filter({model}.owner_id == owner_id)
    # inactive ones are hidden
    query = query.filter({model}.active.is_(True))
    return query.order_by({model}.name.desc()).offset(skip).limit(limit).all()


def create_{name}(db: Session, *, name: str, owner_id: int):
    {name} = {model}(name=name, owner_id=owner_id)
    db.add({name})
    db.commit()
    db.refresh({name})
    return {name}


def count_{name}s(db: Session, owner_id: int) -> int:
    """How many the owner has."""
    return db.query({model}).filter({model}.owner_id == owner_id).count()
'''

_MENTION = '''

def is_known_{name}_{number}(error: Exception) -> bool:
    """Whether the caller may go on after `error`."""
    return isinstance(error, NoResultFound) and "{other}" not in str(error)
'''

_PLAIN = '''

class {title}{number}:
    """Keeps one {name} and its {other}."""

    def __init__(self, {name}: str, {other}: int = {number}) -> None:
        self.{name} = {name}
        self.{other} = {other}
        self._seen: dict[str, int] = {{}}

    def update(self, values: list[int]) -> int:
        total = 0
        for position, value in enumerate(values):
            if value % 2 == 0 and position > self.{other}:
                total += value * position
            elif value < 0:
                self._seen[f"{{self.{name}}}-{{position}}"] = value
            else:
                total -= 1
        return total

    def as_text(self) -> str:
        pairs = sorted(self._seen.items(), key=lambda pair: (pair[1], pair[0]))
        return ", ".join(f"{{key}}={{value:>4}}" for key, value in pairs) or "{other}"


def merge_{name}_{number}(left: dict[str, int], right: dict[str, int]) -> dict[str, int]:
    """Both, the greater value where they differ."""
    merged = dict(left)
    for key, value in right.items():
        try:
            merged[key] = max(merged[key], value)
        except KeyError:
            merged[key] = value
    return {{key: merged[key] for key in sorted(merged) if merged[key] is not None}}
'''


def _module(chance: random.Random, shape: Shape) -> str:
    share = chance.random()
    if share < shape.queries:
        return _crud_module(chance)
    name, other = chance.sample(_WORDS, 2)
    parts = [f'"""Rules about each {name}."""\n\nfrom __future__ import annotations\n']
    if share < shape.mentions:
        parts.append("\nfrom sqlalchemy.exc import NoResultFound\n")
        parts.append(_MENTION.format(name=name, other=other, number=1))
    while sum(part.count("\n") for part in parts) < LINES_PER_FILE:
        name, other = chance.sample(_WORDS, 2)
        fields = {"name": name, "other": other, "title": name.title(), "number": len(parts)}
        parts.append(_PLAIN.format(**fields))
    return "".join(parts)


def _crud_module(chance: random.Random) -> str:
    names = sorted(chance.sample(_WORDS, LINES_PER_FILE // _CRUD.count("\n")))
    models = ", ".join(name.title() for name in names)
    head = f"from sqlalchemy.orm import Session\n\nfrom app.models import {models}\n"
    return head + "".join(_CRUD.format(name=name, model=name.title()) for name in names)


def _models(chance: random.Random) -> str:
    head = (
        "from sqlalchemy import Boolean, Column, Integer, String\n\nfrom app.database import Base\n"
    )
    words = sorted(_WORDS, key=lambda word: (chance.random(), word))
    return head + "".join(_MODEL.format(model=w.title(), table=f"{w}s") for w in words)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
