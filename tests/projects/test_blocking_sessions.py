"""Routes that need the connection of the sync driver, where nothing else in the request does.

The code is executed before, after each route in some order, and after all of them.
"""

from __future__ import annotations

from pathlib import Path

from migrate_async.model.selection import EVERYTHING
from support.migration import command, own_tests, printed, tree, write, written
from support.route_by_route import in_random_order, migrate

_DB = """\
from sqlalchemy import create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, sessionmaker

engine = create_engine("sqlite:///notes.db")
SessionLocal = sessionmaker(autoflush=False, bind=engine)


class Base(DeclarativeBase):
    pass


class Note(Base):
    __tablename__ = "notes"

    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str]


def get_db():
    db = SessionLocal()
    try:
        yield db
    finally:
        db.close()
"""
_MAIN = """\
from contextlib import asynccontextmanager

from fastapi import BackgroundTasks, Depends, FastAPI, Header
from sqlalchemy.orm import Session

from db import Base, Note, engine, get_db


@asynccontextmanager
async def lifespan(app: FastAPI):
    Base.metadata.create_all(engine)
    yield


app = FastAPI(lifespan=lifespan)
SEEN = []


def get_user(name: str = Header("somebody")):
    return name


def raw_texts(db):
    cursor = db.connection().connection.cursor()
    cursor.execute("SELECT text FROM notes ORDER BY id")
    return [text for (text,) in cursor.fetchall()]


def texts_and_count(db=Depends(get_db)):
    return [*raw_texts(db), db.query(Note).count()]


def note_down(db: Session, name: str):
    SEEN.append([name, *texts_and_count(db)])


@app.post("/notes")
def add(text: str, db: Session = Depends(get_db)):
    db.add(Note(text=text))
    db.commit()


@app.get("/notes")
def read(db: Session = Depends(get_db)):
    return [note.text for note in db.query(Note).order_by(Note.id)]


@app.get("/raw")
def raw(db=Depends(get_db), user=Depends(get_user)):
    return texts_and_count(db)


@app.post("/task")
def task(tasks: BackgroundTasks, db: Session = Depends(get_db), user=Depends(get_user)):
    tasks.add_task(note_down, db, user)


@app.get("/seen")
def seen():
    return SEEN
"""
_USE = """
import warnings
warnings.simplefilter("ignore")
from fastapi.testclient import TestClient
from main import app
with TestClient(app) as client:
    for text in ("a", "b"):
        client.post("/notes", params={"text": text})
    client.post("/task")
    print([client.get(path).text for path in ("/notes", "/raw", "/seen")])
"""
_ANSWERS = """['["a","b"]', '["a","b",2]', '[["somebody","a","b",2]]']\n"""
_CONFTEST = """\
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker
from sqlalchemy.pool import StaticPool

from db import Base, get_db
from main import app


@pytest.fixture
def session():
    engine = create_engine(
        "sqlite://", connect_args={"check_same_thread": False}, poolclass=StaticPool
    )
    Base.metadata.create_all(engine)
    with sessionmaker(engine)() as session:
        yield session


@pytest.fixture
def client(session):
    app.dependency_overrides[get_db] = lambda: session
    yield TestClient(app)
    app.dependency_overrides.clear()
"""
_TESTS = """\
from db import Note


def test_raw(client, session):
    session.add(Note(text="of the test"))
    session.flush()
    assert client.get("/raw").json() == ["of the test", 1]
    assert client.get("/notes").json() == ["of the test"]
"""
_FILES = {"db.py": _DB, "main.py": _MAIN, "pyproject.toml": ""}


def _used(folder: Path) -> str:
    try:
        return printed(folder, _USE)
    finally:
        (folder / "notes.db").unlink(missing_ok=True)


def test_all_else_converts(tmp_path: Path) -> None:
    once = written(tmp_path / "once", _FILES)
    assert _used(once) == _ANSWERS
    migrate(once, EVERYTHING)
    assert _used(once) == _ANSWERS
    assert command(once, "verify").stdout == "Nothing found.\n"
    main = (once / "main.py").read_text()
    assert "def raw(db=Depends(get_blocking_db), user=Depends(get_user)):" in main
    assert "async def read(db: AsyncSession = Depends(get_db)):" in main
    assert "def get_blocking_db(" in (once / "db.py").read_text()
    done = tree(once)
    migrate(once, EVERYTHING)
    assert tree(once) == done, "a second run changes nothing"
    steps = written(tmp_path / "steps", _FILES)
    for route in in_random_order(steps, 1):
        assert _used(steps) == _ANSWERS, route
    assert tree(steps) == done


def test_it_goes_with_the_cursor(tmp_path: Path) -> None:
    app = written(tmp_path, _FILES)
    write(app, "--all")
    main = (app / "main.py").read_text()
    start, rest = main.split("def raw_texts(db):\n")
    _, end = rest.split("\n\n\n", 1)
    body = "    return [note.text for note in db.query(Note).order_by(Note.id)]"
    (app / "main.py").write_text(f"{start}def raw_texts(db: Session):\n{body}\n\n\n{end}")
    write(app, "--all", "--allow-dirty")
    assert _used(app) == _ANSWERS
    assert "blocking" not in (app / "main.py").read_text() + (app / "db.py").read_text()
    assert "async def raw(db: AsyncSession" in (app / "main.py").read_text().replace(
        "db=", "db: AsyncSession="
    )


def test_tests_that_override_the_dependency(tmp_path: Path) -> None:
    """It is their session, as they know no other dependency."""
    files = {**_FILES, "conftest.py": _CONFTEST, "test_notes.py": _TESTS}
    app = written(tmp_path, files)
    assert own_tests(app).returncode == 0
    write(app, "--all")
    assert "get_blocking_db" in (app / "main.py").read_text()
    done = own_tests(app)
    assert done.returncode == 0, done.stdout[-3000:]


def test_a_session_that_others_in_the_request_have_stays(tmp_path: Path) -> None:
    """They would not see what it has not committed, nor its objects."""
    main = _MAIN.replace(
        'def get_user(name: str = Header("somebody")):\n    return name',
        'def get_user(db: Session = Depends(get_db)):\n    return "somebody"',
    )
    app = written(tmp_path, {**_FILES, "main.py": main})
    assert _used(app) == _ANSWERS
    said = write(app, "--all")
    assert "could not share an async session" in said
    assert "blocking" not in (app / "main.py").read_text()
    assert _used(app) == _ANSWERS


def test_a_dependency_of_a_router_may_be_one(tmp_path: Path) -> None:
    main = _MAIN.replace("app = FastAPI(lifespan=lifespan)\n", "").replace(
        "\n\ndef raw_texts",
        "\n\ndef check(db: Session = Depends(get_db)):\n    db.query(Note).count()\n\n\n"
        "app = FastAPI(lifespan=lifespan, dependencies=[Depends(check)])\n\n\ndef raw_texts",
    )
    app = written(tmp_path, {**_FILES, "main.py": main})
    write(app, "--all")
    assert "blocking" not in (app / "main.py").read_text()
    assert _used(app) == _ANSWERS
