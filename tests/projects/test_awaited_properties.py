"""Properties that run SQL: coroutines where each read can be awaited. Executed before and after."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.migration import command, printed_anew, tree, write, written
from support.route_by_route import in_random_order

DB = """\
from sqlalchemy import ForeignKey, create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, sessionmaker

engine = create_engine("sqlite:///notes.db")
SessionLocal = sessionmaker(bind=engine)


class Base(DeclarativeBase):
    pass


class Group(Base):
    __tablename__ = "groups"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


class Note(Base):
    __tablename__ = "notes"

    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str]
    group_id: Mapped[int] = mapped_column(ForeignKey("groups.id"))


def get_db():
    with SessionLocal() as db:
        yield db
"""
VIEWS = """\
import inspect

from fastapi import Depends


def view(router):
    def decorate(cls):
        injected = {
            name: value for base in reversed(cls.__mro__) for name, value in vars(base).items()
            if type(value) is type(Depends())
        }

        def __init__(self, **given):
            vars(self).update(given)

        __init__.__signature__ = inspect.Signature([
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=value)
            for name, value in injected.items()
        ])
        cls.__init__ = __init__
        cls.__signature__ = __init__.__signature__
        for route in router.routes:
            function = route.endpoint
            if inspect.signature(function).parameters.get("self") is not None:
                first, *rest = inspect.signature(function).parameters.values()
                function.__signature__ = inspect.Signature([
                    first.replace(default=Depends(cls), kind=inspect.Parameter.KEYWORD_ONLY),
                    *(item.replace(kind=inspect.Parameter.KEYWORD_ONLY) for item in rest),
                ])
        return cls
    return decorate
"""
SERVICES = """\
from functools import cached_property

from sqlalchemy import select
from sqlalchemy.orm import Session

from db import Group, Note

made = []


class NoteService:
    def __init__(self, db: Session, group: Group):
        made.append(group.id)
        self.db = db
        self.group = group

    def add(self, text: str) -> Note:
        note = Note(text=text, group_id=self.group.id)
        self.db.add(note)
        self.db.commit()
        return note

    def texts(self) -> list[str]:
        query = self.db.query(Note).filter(Note.group_id == self.group.id)
        return [note.text for note in query.order_by(Note.id)]


class Matcher:
    def __init__(self, db: Session):
        self.db = db
        self._known: dict[str, int] | None = None

    @property
    def groups_by_name(self) -> dict[str, int]:
        if self._known is None:
            groups = self.db.execute(select(Group)).scalars()
            self._known = {group.name: group.id for group in groups}
        return self._known

    def match(self, name: str) -> int | None:
        return self.groups_by_name.get(name) or min(self.groups_by_name.values())


class Parser:
    def __init__(self, db: Session):
        self.matcher = Matcher(db)

    def parse(self, names: list[str]) -> list:
        found = [self.matcher.match(name) for name in names if name in self.matcher.groups_by_name]
        return [*found, len(self.matcher.groups_by_name)]


class Exporter:
    def __init__(self, db: Session):
        self.db = db

    @cached_property
    def rows(self) -> list[Note]:
        return self.db.query(Note).order_by(Note.id).all()

    def lines(self) -> list[str]:
        return [f"{row.id}: {row.text}" for row in self.rows] + [str(len(self.rows))]
"""
MAIN = """\
from functools import cached_property

from fastapi import APIRouter, Depends, FastAPI, HTTPException
from sqlalchemy.orm import Session

from db import Group, Note, get_db
from services import Exporter, NoteService, Parser
from views import view

router = APIRouter()


class Controller:
    db: Session = Depends(get_db)

    @property
    def group_name(self) -> str:
        return "none"

    @property
    def group(self) -> Group:
        return self.db.query(Group).filter(Group.name == self.group_name).first()


@view(router)
class Notes(Controller):
    @property
    def group_name(self) -> str:
        return "readers"

    @cached_property
    def service(self) -> NoteService:
        return NoteService(self.db, self.group)

    @router.post("/notes")
    def create(self, text: str):
        if not self.group:
            raise HTTPException(404)
        note = self.service.add(text)
        return {"id": note.id, "group": self.group.name, "texts": self.service.texts()}

    @router.get("/notes")
    def read(self):
        twice = [self.service is self.service for _ in range(2)]
        return [self._named(f"{self.group.name}!"), self.service.group.id, twice]

    def _named(self, text: str) -> str:
        return text + self.group.name


app = FastAPI()


@app.get("/parsed")
def parsed(db: Session = Depends(get_db)):
    return Parser(db).parse(["readers", "unknown", "others"])


@app.get("/exported")
def exported(db: Session = Depends(get_db)):
    exporter = Exporter(db)
    return [exporter.lines(), exporter.lines()]
"""
FILES = {
    "pyproject.toml": "[project]\nname = 'app'\nversion = '0'\n[tool.ruff]\nline-length = 100\n",
    "db.py": DB,
    "views.py": VIEWS,
    "services.py": SERVICES,
    "main.py": MAIN,
}
DRIVE = """\
import warnings
warnings.simplefilter("ignore")
warnings.simplefilter("error", RuntimeWarning)
import db
import services
from fastapi.testclient import TestClient
from main import app, router
from sqlalchemy import create_engine, insert

app.include_router(router)
engine = create_engine("sqlite:///notes.db")
db.Base.metadata.create_all(engine)
with engine.begin() as connection:
    connection.execute(insert(db.Group), [{"name": "others"}, {"name": "readers"}])
with TestClient(app) as client:
    for text in ("one", "two"):
        print(client.post("/notes", params={"text": text}).json())
    for path in ("/notes", "/parsed", "/exported"):
        print(client.get(path).json())
print(services.made)
"""


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> str:
    return printed_anew(written(tmp_path_factory.mktemp("legacy"), FILES), DRIVE)


def test_each_read_is_awaited(tmp_path: Path, answers: str) -> None:
    app = written(tmp_path, FILES)
    write(app, "--all")
    main, services = (app / "main.py").read_text(), (app / "services.py").read_text()
    assert "    @property\n    async def group(self) -> Group:" in main
    assert "    @property\n    def group_name(self) -> str:" in main
    assert "    @awaitable_cached_property\n    async def service(self) -> NoteService:" in main
    assert "NoteService(self.db, await self.group)" in main
    assert "note = await (await self.service).add(text)" in main
    assert 'f"{(await self.group).name}!"' in main
    assert "from functools import" not in main
    assert "return (await self.groups_by_name).get(name)" in services
    assert "    @awaitable_cached_property\n    async def rows(self) -> list[Note]:" in services
    assert printed_anew(app, DRIVE) == answers
    assert command(app, "verify").stdout == "Nothing found.\n"
    done = tree(app)
    write(app, "--all", "--allow-dirty")
    assert tree(app) == done, "a second run changes nothing"


def test_route_by_route_they_end_where_one_run_does(tmp_path: Path, answers: str) -> None:
    """A property stays sync as long as something that waits for its turn reads it."""
    once = written(tmp_path / "once", FILES)
    write(once, "--all")
    app = written(tmp_path / "steps", FILES)
    for step in in_random_order(app, 1):
        assert printed_anew(app, DRIVE) == answers, step
    assert tree(app) == tree(once)


_SETTER = """\
    @groups_by_name.setter
    def groups_by_name(self, names):
        self._known = names

    def match("""
_STAYS = {
    "a setter": (
        "    def match(",
        _SETTER,
    ),
    "a read by name": (
        "return self.groups_by_name.get(name)",
        "return getattr(self, 'groups_by_name').get(name)",
    ),
    "a read that cannot be awaited": (
        "min(self.groups_by_name.values())",
        'min(self.groups_by_name[name] for name in ("others",))',
    ),
    "a read in a lambda": (
        "min(self.groups_by_name.values())",
        "min((1, 2), key=lambda n: len(self.groups_by_name) + n)",
    ),
    "a read of something unknown": (
        "len(self.matcher.groups_by_name)]",
        'len(vars(self)["matcher"].groups_by_name)]',
    ),
}


@pytest.mark.parametrize("case", _STAYS)
def test_a_property_stays_with(case: str, tmp_path: Path) -> None:
    """Who reads it stays sync with it, and a bridge reaches that."""
    old, new = _STAYS[case]
    assert old in SERVICES
    files = {**FILES, "services.py": SERVICES.replace(old, new, 1)}
    before = printed_anew(written(tmp_path / "before", files), DRIVE)
    app = written(tmp_path / "after", files)
    write(app, "--all")
    text = (app / "services.py").read_text()
    assert "    @property\n    def groups_by_name(self)" in text
    assert printed_anew(app, DRIVE) == before
    done = tree(app)
    write(app, "--all", "--allow-dirty")
    assert tree(app) == done
