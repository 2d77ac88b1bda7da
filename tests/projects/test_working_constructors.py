"""Objects whose `__init__` works on the session that it keeps, or hands on.

Nothing can await there: the object is made on the sync side, and keeps that. The code is executed
before, after each route and after all.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from migrate_async.model.selection import EVERYTHING
from support.migration import command, own_tests, printed, tree, write
from support.route_by_route import in_random_order, migrate

_HEAD = """\
import asyncio
from dataclasses import dataclass

from fastapi import Depends, FastAPI
from sqlalchemy import create_engine, func, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker

engine = create_engine("sqlite:///items.db", connect_args={"check_same_thread": False})
SessionLocal = sessionmaker(bind=engine)


class Base(DeclarativeBase):
    pass


class Item(Base):
    __tablename__ = "items"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


Base.metadata.create_all(engine)
app = FastAPI()


def get_db():
    with SessionLocal() as db:
        yield db


"""
_METHODS = """\
    def rename(self, name):
        self.item.name = name
        self.db.commit()
        return self.item.name

    async def total(self):
        return self.db.scalar(select(func.count()).select_from(Item))


"""
_ADDS = """\
        self.item = Item(name=name)
        db.add(self.item)
        db.commit()
"""
_ITSELF = f"""\
class Runner:
    def __init__(self, db: Session, name: str):
        self.db = db
{_ADDS}
{_METHODS}"""
_BY_A_FUNCTION = f"""\
def added(db: Session, name: str):
    item = Item(name=name)
    db.add(item)
    db.commit()
    return item


{_ITSELF.replace(_ADDS, "        self.item = added(db, name)")}"""
_BY_A_METHOD = f"""\
class Runner:
    def __init__(self, db: Session, name: str):
        self.db = db
        self.item = self.added(name)

    def added(self, name):
        item = Item(name=name)
        self.db.add(item)
        self.db.commit()
        return item

{_METHODS}"""
_BELOW = f"""\
class Keeper:
    def __init__(self, db: Session):
        self.db = db

{_METHODS}
class Runner(Keeper):
    def __init__(self, db: Session, name: str):
        super().__init__(db)
{_ADDS}

"""
_AROUND = f"""\
class Items:
    def __init__(self, db: Session):
        self.db = db

    def total(self):
        return self.db.scalar(select(func.count()).select_from(Item))


class Runner:
    def __init__(self, db: Session, name: str):
        self.db = db
        self.items = Items(db)
{_ADDS}
    def rename(self, name):
        self.item.name = name
        self.db.commit()
        return self.item.name

    async def total(self):
        return self.items.total()


"""
_DATACLASS = f"""\
@dataclass
class Runner:
    db: Session
    name: str

    def __post_init__(self):
        self.item = Item(name=self.name)
        self.db.add(self.item)
        self.db.commit()

{_METHODS}"""
_INJECTED = f"""\
class Runner:
    def __init__(self, name: str, db: Session = Depends(get_db)):
        self.db = db
{_ADDS}
{_METHODS}"""
_GIVEN = f"""\
{_ITSELF}def get_runner(name: str, db: Session = Depends(get_db)):
    return Runner(db, name)


"""
_OF_WHAT_STAYS = f"""\
{_ITSELF}def made(db: Session, name: str):
    db.query(Item).enable_assertions(False).count()
    return Runner(db, name)


"""
_CLASS_METHOD = f"""\
class Runner:
    def __init__(self, db: Session, name: str):
        self.db = db
{_ADDS}
    @classmethod
    def of(cls, db: Session, name: str):
        return cls(db, name)

{_METHODS}"""


def _making(code: str) -> str:
    """Routes that make the object by `code`."""
    return f"""\
@app.post("/items/{{name}}")
def make(name: str, db: Session = Depends(get_db)):
    runner = {code}
    return runner.rename(name + "!")


@app.get("/total/{{name}}")
async def total(name: str, db: Session = Depends(get_db)):
    runner = {code}
    return await runner.total()
"""


def _given(code: str) -> str:
    """Routes that get the object from FastAPI."""
    return f"""\
@app.post("/items/{{name}}")
def make(name: str, runner: Runner = Depends({code})):
    return runner.rename(name + "!")


@app.get("/total/{{name}}")
async def total(name: str, runner: Runner = Depends({code})):
    return await runner.total()
"""


_MADE = _making("Runner(db, name)")
_WAYS = {
    "itself": (_ITSELF, _MADE),
    "without annotation": (
        _ITSELF.replace("db: Session", "db"),
        _making("Runner(name=name, db=db)"),
    ),
    "by a function": (_BY_A_FUNCTION, _MADE),
    "by a method": (_BY_A_METHOD, _MADE),
    "below a class that only keeps": (_BELOW, _MADE),
    "around another": (_AROUND, _MADE),
    "a dataclass": (_DATACLASS, _MADE),
    "a dependency": (_INJECTED, _given("Runner")),
    "given by a dependency": (_GIVEN, _given("get_runner")),
    "made by a function that stays sync": (_OF_WHAT_STAYS, _making("made(db, name)")),
    "made by a class method": (_CLASS_METHOD, _making("Runner.of(db, name)")),
}
_COUNT = """

@app.get("/names")
def names(db: Session = Depends(get_db)):
    return [item.name for item in db.query(Item).order_by(Item.id)]
"""
_USE = """
import warnings
warnings.simplefilter("ignore")
from fastapi.testclient import TestClient
import main
with TestClient(main.app) as client:
    for name in ("a", "b"):
        print(client.post("/items/" + name).text, client.get("/total/" + name).text)
    print(client.get("/names").text)
    print(getattr(main.engine, "sync_engine", main.engine).pool.checkedout())
"""
_ANSWERS = """"a!" 2\n"b!" 4\n["a!","a","b!","b"]\n0\n"""


def _written(folder: Path, way: str) -> Path:
    folder.mkdir()
    of_class, routes = _WAYS[way]
    (folder / "main.py").write_text(f"{_HEAD}{of_class}\n{routes}{_COUNT}")
    (folder / "pyproject.toml").write_text("")
    return folder


def _used(folder: Path) -> str:
    try:
        return printed(folder, _USE)
    finally:
        (folder / "items.db").unlink(missing_ok=True)


@pytest.mark.parametrize("way", _WAYS)
def test_what_works_in_its_constructor_stays_on_the_sync_side(way: str, tmp_path: Path) -> None:
    once = _written(tmp_path / "once", way)
    assert _used(once) == _ANSWERS
    said = write(once, "--all")
    assert "MA201" in said
    assert _used(once) == _ANSWERS
    assert "MA27" not in command(once, "verify").stdout
    done = tree(once)
    migrate(once, EVERYTHING)
    assert tree(once) == done, "a second run changes nothing"
    steps = _written(tmp_path / "steps", way)
    for route in in_random_order(steps, 1):
        assert _used(steps) == _ANSWERS, route
    assert tree(steps) == done


_LATER = """

async def later(db: Session):
    await asyncio.sleep(0)
    return db.scalar(select(func.count()).select_from(Item))
"""
_SUITE = """\
import pytest
from sqlalchemy import func, select

from main import Item, SessionLocal, later


class Helper:
    def __init__(self, db, name):
        self.db = db
        self.item = Item(name=name)
        db.add(self.item)
        db.commit()

    async def total(self):
        return self.db.scalar(select(func.count()).select_from(Item))

    async def twice(self):
        return 2 * await self.total()


@pytest.fixture
def db():
    with SessionLocal() as session:
        yield session


@pytest.fixture
def helper(db):
    return Helper(db, "a")


@pytest.mark.asyncio
async def test_helper(helper, db):
    total = await later(db)
    assert await helper.total() == total
    assert await helper.twice() == 2 * total


@pytest.mark.asyncio
async def test_later(helper, db):
    db.add(Item(name="b"))
    db.commit()
    assert await helper.total() == await later(db)
"""


def test_helpers_of_tests_work_on_the_loop_of_the_tests(tmp_path: Path) -> None:
    """The tests convert, for what they call has to; the object that they make does not."""
    folder = _written(tmp_path / "app", "itself")
    main = folder / "main.py"
    main.write_text(main.read_text() + _LATER)
    (folder / "test_helper.py").write_text(_SUITE)
    assert own_tests(folder).returncode == 0
    said = write(folder, "--all")
    assert "MA206" in said
    text = (folder / "test_helper.py").read_text()
    assert "@implicit_io\n    async def total(self)" in text
    assert "await later(db)" in text
    run = own_tests(folder)
    assert run.returncode == 0, run.stdout[-3000:]
    assert "MA27" not in command(folder, "verify").stdout
    done = tree(folder)
    migrate(folder, EVERYTHING)
    assert tree(folder) == done, "a second run changes nothing"
