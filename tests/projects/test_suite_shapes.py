"""Shapes of test suites met in applications: they pass before, on sync and on async sessions."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.migration import command, own_tests, tree, write

PYPROJECT = '[tool.pytest.ini_options]\ntestpaths = ["tests"]\npythonpath = ["."]\n'
DATABASE = """\
from sqlalchemy import create_engine
from sqlalchemy.orm import declarative_base, sessionmaker

engine = create_engine("sqlite:///./app.db", connect_args={"check_same_thread": False})
SessionLocal = sessionmaker(autocommit=False, autoflush=False, bind=engine)
Base = declarative_base()


def get_db():
    db = SessionLocal()
    try:
        yield db
    finally:
        db.close()
"""
MODELS = """\
from sqlalchemy import Column, ForeignKey, Integer, String
from sqlalchemy.orm import relationship

from app.database import Base


class Shop(Base):
    __tablename__ = "shops"

    id = Column(Integer, primary_key=True)
    name = Column(String(50), unique=True, nullable=False)
    lines = relationship("Line", back_populates="shop")


class Line(Base):
    __tablename__ = "lines"

    id = Column(Integer, primary_key=True)
    amount = Column(Integer, nullable=False)
    shop_id = Column(ForeignKey("shops.id"), nullable=False)
    shop = relationship("Shop", back_populates="lines")
"""
MAIN = """\
from fastapi import Depends, FastAPI, HTTPException
from sqlalchemy.orm import Session

from app import models
from app.database import engine, get_db

models.Base.metadata.create_all(bind=engine)

app = FastAPI()


@app.post("/shops/{name}")
def create_shop(name: str, db: Session = Depends(get_db)):
    shop = models.Shop(name=name)
    db.add(shop)
    db.commit()
    db.refresh(shop)
    return {"id": shop.id, "name": shop.name}


@app.get("/shops")
def list_shops(db: Session = Depends(get_db)):
    return [shop.name for shop in db.query(models.Shop).order_by(models.Shop.id)]


@app.post("/shops/{shop_id}/lines/{amount}")
def create_line(shop_id: int, amount: int, db: Session = Depends(get_db)):
    db.add(models.Line(shop_id=shop_id, amount=amount))
    db.commit()
    return {"amount": amount}


@app.delete("/lines")
def delete_lines(shop_id: int = 0, db: Session = Depends(get_db)):
    if not shop_id:
        query = db.query(models.Line).filter(models.Line.amount > 0)
        deleted = query.delete(synchronize_session=False)
        db.commit()
        if deleted == 0:
            raise HTTPException(404)
        return {"deleted": deleted}
    shop = db.query(models.Shop).filter(models.Shop.id == shop_id).first()
    if shop is None:
        raise HTTPException(404)
    lines = db.query(models.Line).filter(models.Line.shop_id == shop.id)
    deleted = lines.delete(synchronize_session=False)
    db.commit()
    return {"deleted": deleted, "shop": shop.name}
"""
APPLICATION = {
    "pyproject.toml": PYPROJECT,
    "app/__init__.py": "",
    "app/database.py": DATABASE,
    "app/models.py": MODELS,
    "app/main.py": MAIN,
    "tests/__init__.py": "",
}
OWN_DATABASE = """\
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker
from sqlalchemy.pool import StaticPool

from app.database import Base, get_db
from app.main import app
from app.models import Line, Shop

engine = create_engine(
    "sqlite://", connect_args={"check_same_thread": False}, poolclass=StaticPool
)
TestingSession = sessionmaker(bind=engine)
"""
REQUESTS = """\
def test_lines(client):
    shop = client.post("/shops/corner").json()
    client.post(f"/shops/{shop['id']}/lines/3")
    client.post(f"/shops/{shop['id']}/lines/4")
    assert client.delete("/lines").json() == {"deleted": 2}
    assert client.delete("/lines").status_code == 404
    client.post(f"/shops/{shop['id']}/lines/5")
    answer = client.delete("/lines", params={"shop_id": shop["id"]})
    assert answer.json() == {"deleted": 1, "shop": "corner"}


def test_nothing_is_left(client):
    assert client.get("/shops").json() == []
"""
GIVEN_BY_A_FIXTURE = {
    "tests/conftest.py": OWN_DATABASE
    + """

@pytest.fixture(scope="module")
def override_get_db():
    def get_db_override():
        db = TestingSession()
        try:
            yield db
        finally:
            db.close()

    return get_db_override


@pytest.fixture(scope="module")
def application(override_get_db):
    app.dependency_overrides[get_db] = override_get_db
    yield app
    app.dependency_overrides.clear()


@pytest.fixture(autouse=True)
def tables():
    Base.metadata.create_all(engine)
    yield
    Base.metadata.drop_all(engine)


@pytest.fixture
def client(application):
    return TestClient(application)
""",
    "tests/test_requests.py": REQUESTS,
}
ONE_CLIENT_FOR_MODULES = {
    "tests/utils.py": OWN_DATABASE
    + """
Base.metadata.create_all(engine)
client = TestClient(app)


def override_get_db():
    db = TestingSession()
    try:
        yield db
    finally:
        db.close()


app.dependency_overrides[get_db] = override_get_db


@pytest.fixture
def shop():
    shop = Shop(name="corner")
    db = TestingSession()
    db.add(shop)
    db.commit()
    yield shop
    with engine.connect() as connection:
        connection.execute(Line.__table__.delete())
        connection.execute(Shop.__table__.delete())
        connection.commit()
""",
    "tests/test_lines.py": """\
from app.models import Line
from tests.utils import *


def test_line(shop):
    assert client.post(f"/shops/{shop.id}/lines/3").json() == {"amount": 3}
    db = TestingSession()
    assert db.query(Line).filter(Line.shop_id == shop.id).one().amount == 3
    assert client.delete("/lines").json() == {"deleted": 1}
""",
    "tests/test_shops.py": """\
from tests.utils import client as http
from tests.utils import shop


def test_shop(shop):
    assert http.get("/shops").json() == [shop.name]


def test_none():
    assert http.get("/shops").json() == []
""",
}
MADE_ON_THE_SPOT = {
    "tests/conftest.py": OWN_DATABASE
    + """

@pytest.fixture
def db():
    Base.metadata.create_all(engine)
    connection = engine.connect()
    transaction = connection.begin()
    session = sessionmaker(autocommit=False, autoflush=False, bind=connection)()

    yield session

    session.close()
    transaction.close()
    connection.close()


@pytest.fixture
def client(db):
    app.dependency_overrides[get_db] = lambda: db
    return TestClient(app)
""",
    "tests/test_both.py": """\
from app.main import list_shops
from app.models import Shop


def test_both(client, db):
    db.add(Shop(name="corner"))
    db.commit()
    assert client.get("/shops").json() == ["corner"]
    assert list_shops(db) == ["corner"]


def test_rolled_back(client):
    assert client.get("/shops").json() == []
""",
}
TIED_CLIENT = {
    "tests/conftest.py": """\
import os

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker

from app.database import Base, get_db
from app.main import app

engine = create_engine(os.environ["TEST_DATABASE_URL"])


@pytest.fixture
def db():
    Base.metadata.create_all(engine)
    with engine.connect() as connection:
        transaction = connection.begin()
        with sessionmaker(bind=connection)() as session:
            yield session
        transaction.rollback()
    Base.metadata.drop_all(engine)


@pytest.fixture
def client(db):
    app.dependency_overrides[get_db] = lambda: db
    return TestClient(app)
""",
    "tests/test_both.py": """\
from app.main import list_shops
from app.models import Shop


def answer(request):
    return request().json()


def test_both(client, db):
    db.add(Shop(name="corner"))
    db.commit()
    assert answer(lambda: client.get("/shops")) == ["corner"]
    assert list_shops(db) == ["corner"]
""",
}
ASYNC_TESTS = {
    "tests/conftest.py": """\
import os

import httpx
import pytest
import pytest_asyncio
from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker

from app.database import Base, get_db
from app.main import app

engine = create_engine(os.environ["TEST_DATABASE_URL"])
TestingSession = sessionmaker(bind=engine)


@pytest.fixture(scope="session", autouse=True)
def tables():
    Base.metadata.drop_all(engine)
    Base.metadata.create_all(engine)
    yield
    Base.metadata.drop_all(engine)


@pytest.fixture
def db():
    connection = engine.connect()
    transaction = connection.begin()
    session = TestingSession(bind=connection, join_transaction_mode="create_savepoint")
    yield session
    session.close()
    transaction.rollback()
    connection.close()


@pytest_asyncio.fixture
async def client(db):
    app.dependency_overrides[get_db] = lambda: db
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client
    app.dependency_overrides.clear()
""",
    "tests/test_marked.py": """\
import pytest

from app.models import Shop


@pytest.mark.asyncio
async def test_create(client, db):
    assert (await client.post("/shops/corner")).status_code == 200
    assert db.query(Shop).one().name == "corner"


@pytest.mark.asyncio
async def test_only_requests(client):
    assert (await client.get("/shops")).json() == []


def test_sync(db):
    db.add(Shop(name="corner"))
    db.commit()
    assert db.query(Shop).count() == 1
""",
    "tests/test_module.py": """\
import pytest

from app.models import Shop

pytestmark = pytest.mark.asyncio


async def test_create(client, db):
    assert (await client.post("/shops/corner")).status_code == 200
    assert db.query(Shop).one().name == "corner"


@pytest.mark.usefixtures("db")
async def test_only_requests(client):
    assert (await client.get("/shops")).json() == []
""",
}
UNMARKED = {
    path: text.replace("@pytest_asyncio.fixture", "@pytest.fixture")
    .replace("import pytest_asyncio\n", "")
    .replace("@pytest.mark.asyncio\n", "")
    .replace("\npytestmark = pytest.mark.asyncio\n", "")
    for path, text in ASYNC_TESTS.items()
} | {"pyproject.toml": f'{PYPROJECT}asyncio_mode = "auto"\n'}
A_FIXTURE_THAT_STAYS = {
    "tests/conftest.py": OWN_DATABASE
    + """

@pytest.fixture
def session():
    Base.metadata.create_all(engine)
    db = TestingSession()
    try:
        yield db
    finally:
        db.close()
        Base.metadata.drop_all(engine)


@pytest.fixture
def client(session):
    def override_get_db():
        try:
            yield session
        finally:
            session.rollback()

    app.dependency_overrides[get_db] = override_get_db
    yield TestClient(app)
    app.dependency_overrides.clear()
""",
    "tests/test_requests.py": REQUESTS,
    "tests/test_values.py": """\
from app.database import SessionLocal
from app.models import Line

from tests.conftest import session

known = [session]


def test_own_session():
    with SessionLocal() as db:
        assert db.query(Line).count() == 0
""",
}
SHAPES = {
    "an override that a fixture gives": GIVEN_BY_A_FIXTURE,
    "one client for several modules": ONE_CLIENT_FOR_MODULES,
    "a factory that is called where it is made": MADE_ON_THE_SPOT,
}


def passed(folder: Path) -> str:
    """How many tests of the project passed; no one failed."""
    run = own_tests(folder)
    assert run.returncode == 0, run.stdout[-6000:]
    return next(line for line in reversed(run.stdout.splitlines()) if " passed" in line).split()[0]


@pytest.mark.parametrize("shape", SHAPES)
def test_a_suite_passes_before_between_and_after(shape: str, tmp_path: Path) -> None:
    _same_throughout(tmp_path, SHAPES[shape])


@pytest.mark.usefixtures("on_postgresql")
@pytest.mark.parametrize("files", [ASYNC_TESTS, UNMARKED], ids=["strict", "auto"])
def test_tests_that_are_async_already_get_the_loop_of_the_sessions(
    files: dict[str, str], tmp_path: Path
) -> None:
    """A connection of asyncpg works on one event loop only."""
    _same_throughout(tmp_path, files)


@pytest.mark.usefixtures("on_postgresql")
def test_a_client_that_stays_keeps_its_session_sync(tmp_path: Path) -> None:
    """Requests of a `TestClient` run on a loop of their own."""
    _lay_out(tmp_path, TIED_CLIENT)
    assert passed(tmp_path) == "1"
    write(tmp_path, "--all")
    assert passed(tmp_path) == "1"

    done = tree(tmp_path)
    write(tmp_path, "--all")
    assert tree(tmp_path) == done, "a second run changes nothing"


def test_what_is_inside_of_a_fixture_has_its_session(tmp_path: Path) -> None:
    """`session` is kept as a value, and stays sync: so does the override in `client`."""
    _lay_out(tmp_path, A_FIXTURE_THAT_STAYS)
    assert passed(tmp_path) == "3"
    write(tmp_path, "--all")
    assert "async with SessionLocal()" in (tmp_path / "tests/test_values.py").read_text()
    assert passed(tmp_path) == "3"
    assert command(tmp_path, "verify").stdout == "Nothing found.\n"

    done = tree(tmp_path)
    write(tmp_path, "--all")
    assert tree(tmp_path) == done, "a second run changes nothing"


def _lay_out(folder: Path, files: dict[str, str]) -> None:
    for path, text in {**APPLICATION, **files}.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)


def _same_throughout(tmp_path: Path, files: dict[str, str]) -> None:
    """The same number of tests passes before, on sync sessions and on async ones."""
    _lay_out(tmp_path, files)
    before = passed(tmp_path)
    write(tmp_path, "--all")
    assert passed(tmp_path) == before

    said = write(tmp_path, "--step", "tests")
    assert "MA57" not in said.replace("MA572", "")
    text = b"".join(tree(tmp_path).values())
    assert b"create_engine(" not in text.replace(b"create_async_engine(", b"")
    settings = tmp_path / "pyproject.toml"
    shim = 'filterwarnings = ["error::migrate_async.LegacyShimWarning"]\n'
    settings.write_text(settings.read_text() + shim)
    assert passed(tmp_path) == before

    done = tree(tmp_path)
    write(tmp_path, "--step", "tests")
    assert tree(tmp_path) == done, "a second run changes nothing"
