"""Some code cannot use an async session: it stays sync, perhaps with its source; the rest converts.

The code is executed before and after.
"""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import pytest

from support.fixture_apps import fixture_app
from support.migration import copy_of, own_tests, printed, printed_anew, tree, write

_MODELS = """\
from sqlalchemy import create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker


class Base(DeclarativeBase):
    pass


class Note(Base):
    __tablename__ = "notes"

    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str]


engine = create_engine("sqlite:///notes.db")
SessionLocal = sessionmaker(bind=engine)
Base.metadata.create_all(engine)


def add(db: Session, text: str) -> int:
    note = Note(text=text)
    db.add(note)
    db.commit()
    return note.id


def notes(db: Session) -> list[str]:
    return [note.text for note in db.query(Note).all()]
"""

_OWN = """\
from models import SessionLocal, Note


@app.get("/own")
def own():
    with SessionLocal() as db:
        return db.query(Note).count()
"""

_STATE = """\
from typing import Annotated

from fastapi import Depends, FastAPI, Request
from sqlalchemy.orm import Session, scoped_session, sessionmaker

from models import add, engine, notes

app = FastAPI()


@app.middleware("http")
async def session_of_request(request: Request, call_next):
    registry = scoped_session(sessionmaker(bind=engine))
    request.state.registry = registry
    request.state.db = registry()
    try:
        return await call_next(request)
    finally:
        request.state.db.close()
        request.state.registry.remove()


class Permission:
    def __init__(self, request: Request):
        self.allowed = len(notes(request.state.db)) < 10


class Permissions:
    def __init__(self, classes):
        self.classes = classes

    def __call__(self, request: Request):
        return [each(request=request).allowed for each in self.classes]


def get_db(request: Request) -> Session:
    return request.state.db


DbSession = Annotated[Session, Depends(get_db)]


def common(db_session: DbSession):
    return {"db_session": db_session}


Common = Annotated[dict, Depends(common)]


def listed(*, db_session):
    return notes(db_session)


@app.post("/notes", dependencies=[Depends(Permissions([Permission]))])
def create(text: str, db_session: DbSession):
    return add(db_session, text)


@app.get("/notes")
def read(common: Common):
    return listed(**common)
"""

_COROUTINE = """\
import asyncio

from fastapi import Depends, FastAPI
from sqlalchemy.orm import Session

from models import Note, SessionLocal, add, notes

app = FastAPI()


def get_db():
    with SessionLocal() as db:
        yield db


def reader(db: Session = Depends(get_db)):
    return lambda: notes(db)


@app.post("/notes")
async def create(text: str, db: Session = Depends(get_db)):
    await asyncio.sleep(0)
    db.query(Note).enable_assertions(False).all()
    return add(db, text)


@app.get("/notes")
def read(reader=Depends(reader)):
    return reader()
"""

_MADE = """\
from fastapi import Depends, FastAPI
from sqlalchemy import create_engine
from sqlalchemy.orm import Session, sessionmaker

from models import Note, add, notes

app = FastAPI()


def made(url):
    own = create_engine(url)
    factory = sessionmaker(bind=own)
    return factory


def serve(application):
    application.state.factory = made("sqlite:///notes.db")


serve(app)


def get_db():
    db = app.state.factory()
    try:
        yield db
    finally:
        db.close()


class Start:
    def __init__(self):
        with app.state.factory() as db:
            self.count = db.query(Note).count()


@app.post("/notes")
def create(text: str, db: Session = Depends(get_db)):
    return add(db, f"{text} {Start().count}")


@app.get("/notes")
def read(db: Session = Depends(get_db)):
    return notes(db)
"""

_SCOPE = """\
import threading
from contextlib import contextmanager

from fastapi import Depends, FastAPI
from sqlalchemy.orm import Session

from models import Note, SessionLocal, add, notes

app = FastAPI()


@contextmanager
def scope():
    db = SessionLocal()
    try:
        yield db
        db.commit()
    finally:
        db.close()


def get_db():
    with scope() as db:
        yield db


class Notes:
    def __init__(self, db: Session):
        self.db = db

    def add(self, text):
        return add(self.db, text)


def service(kind):
    def get(db: Session = Depends(get_db)):
        return kind(db)

    return get


def work(done):
    with scope() as db:
        done.extend(notes(db))


@app.post("/notes")
def create(text: str, service: Notes = Depends(service(Notes))):
    return service.add(text)


@app.get("/notes")
def read(db: Session = Depends(get_db)):
    done = []
    thread = threading.Thread(target=work, args=(done,))
    thread.start()
    thread.join()
    return [*done, db.query(Note).count()]
"""

_USE = """
import warnings
warnings.simplefilter("ignore")
from fastapi.testclient import TestClient
from main import app
with TestClient(app) as client:
    for text in ("one", "two"):
        print(client.post("/notes", params={"text": text}).text)
    print(client.get("/notes").text, client.get("/own").text)
"""


def _used(folder: Path) -> str:
    return printed_anew(folder, _USE)


_READING_SCOPE = _SCOPE.replace("        db.commit()", "        notes(db)\n        db.commit()")


@pytest.mark.parametrize(
    "application",
    [_STATE, _MADE, _READING_SCOPE],
    ids=["state", "made", "a scope that a thread enters, and that queries"],
)
def test_the_rest_converts(tmp_path: Path, application: str) -> None:
    (tmp_path / "models.py").write_text(_MODELS)
    own = _OWN if application is not _MADE else _OWN.replace("\nfrom", "from")
    (tmp_path / "main.py").write_text(application + "\n\n" + textwrap.dedent(own))
    before = _used(tmp_path)

    said = write(tmp_path, "--all")
    assert "MA205" in said
    assert "MA202" not in said
    text = (tmp_path / "main.py").read_text()
    assert "async def own" in text
    assert "\ndef read(" in text
    assert "Depends(get_db)" in text
    assert _used(tmp_path) == before

    after = tree(tmp_path)
    write(tmp_path, "--all", "--allow-dirty")
    assert tree(tmp_path) == after, "a second run changes nothing"


def test_the_second_session_comes_back(tmp_path: Path) -> None:
    """When the route converts, both are the async ones again."""
    (tmp_path / "models.py").write_text(_MODELS)
    (tmp_path / "main.py").write_text(_BESIDE + _KEPT)
    before = _used(tmp_path)
    write(tmp_path, "--all")
    main = tmp_path / "main.py"
    lines = main.read_text().splitlines(keepends=True)
    text = "".join(line for line in lines if "sessions = {" not in line)
    main.write_text(text.replace("len({id(session) for session in sessions.values()})", "2"))
    write(tmp_path, "--all", "--allow-dirty")
    assert "sync_db" not in main.read_text()
    assert "async def read(" in main.read_text()
    assert _used(tmp_path) == before


def test_a_scope_that_a_thread_enters_keeps_no_source(tmp_path: Path) -> None:
    (tmp_path / "models.py").write_text(_MODELS)
    (tmp_path / "main.py").write_text(_SCOPE + "\n\n" + _OWN)
    before = _used(tmp_path)

    said = write(tmp_path, "--all")
    assert "MA205" not in said
    text = (tmp_path / "main.py").read_text()
    assert "\nasync def scope():" in text
    assert "\ndef sync_scope():" in text
    assert "async with scope() as db:\n        yield db" in text
    assert "with sync_scope() as db:\n        done.extend" in text
    assert _used(tmp_path) == before

    after = tree(tmp_path)
    write(tmp_path, "--all", "--allow-dirty")
    assert tree(tmp_path) == after, "a second run changes nothing"


def test_a_coroutine_that_stays_sync_keeps_no_source(tmp_path: Path) -> None:
    (tmp_path / "models.py").write_text(_MODELS)
    (tmp_path / "main.py").write_text(_COROUTINE + "\n\n" + _OWN)
    before = _used(tmp_path)

    said = write(tmp_path, "--all")
    assert "MA206" in said
    assert "MA205" not in said
    text = (tmp_path / "main.py").read_text()
    assert "@implicit_io\nasync def create(" in text
    assert "async with SessionLocal() as db:" in text
    assert _used(tmp_path) == before

    after = tree(tmp_path)
    write(tmp_path, "--all", "--allow-dirty")
    assert tree(tmp_path) == after, "a second run changes nothing"


_GETTER = """\
from functools import cached_property

from fastapi import Depends, FastAPI
from sqlalchemy.orm import Session

from models import Note, SessionLocal, notes

app = FastAPI()


def get_db():
    with SessionLocal() as db:
        yield db


class Notes:
    def __init__(self, db: Session | None):
        self._db = db

    def _required(self) -> Session:
        if self._db is None:
            raise ValueError
        return self._db

    @cached_property
    def first(self):
        db = self._required()
        return db.query(Note).order_by(Note.id).first()

    def add(self, text):
        db = self._required()
        db.add(Note(text=text))
        db.commit()
        return self.first.text

    def all(self):
        db = self._required()
        return [note.text for note in db.query(Note).all()]


@app.post("/notes")
def create(text: str, db: Session = Depends(get_db)):
    return Notes(db).add(text)


@app.get("/notes")
def read(db: Session = Depends(get_db)):
    return Notes(db).all() + notes(db)
"""


def test_methods_that_ask_a_method_for_the_session_share_it(tmp_path: Path) -> None:
    (tmp_path / "models.py").write_text(_MODELS)
    by_name = '\n\ndef first_of(notes):\n    return getattr(notes, "first")\n'
    (tmp_path / "main.py").write_text(_GETTER + "\n\n" + _OWN + by_name)
    before = _used(tmp_path)

    write(tmp_path, "--all")
    text = (tmp_path / "main.py").read_text()
    assert "async def own" in text
    assert "    def all(self):" in text
    assert _used(tmp_path) == before

    after = tree(tmp_path)
    write(tmp_path, "--all", "--allow-dirty")
    assert tree(tmp_path) == after, "a second run changes nothing"


def test_the_copy_of_a_scope_goes_with_who_entered_it(tmp_path: Path) -> None:
    """`sync_session_scope` serves a thread; without one, everybody enters the async one."""
    folder = copy_of(fixture_app("small/session_scopes").before, tmp_path)
    write(folder, "--all")
    database, jobs = folder / "app" / "database.py", folder / "app" / "jobs.py"
    assert "\ndef sync_session_scope() -> Iterator[Session]:" in database.read_text()
    assert "sync_reading" not in database.read_text(), "no thread enters that one"

    text = jobs.read_text()
    jobs.write_text(
        text.replace("pool.submit(finish, number, state).result()", "finish(number, state)")
    )
    write(folder, "--all", "--allow-dirty")
    assert not re.search(r"\b(sync_|Sync)", database.read_text())
    assert (
        "async with session_scope() as db:\n        job = await find(db, number)"
        in jobs.read_text()
    )
    tests = own_tests(folder)
    assert tests.returncode == 0, tests.stdout


_DRIVER = """\
from fastapi import Depends, FastAPI
from sqlalchemy.orm import Session

from models import Note, SessionLocal, add, notes

app = FastAPI()


def get_db():
    with SessionLocal() as db:
        yield db


@app.post("/notes")
def write(text: str, db: Session = Depends(get_db)):
    return add(db, text)


@app.get("/notes")
def read(db: Session = Depends(get_db)):
    return notes(db)


def lengths(db: Session) -> list[int]:
    cursor = db.connection().connection.cursor()
    cursor.execute("SELECT length(text) FROM notes")
    return [row[0] for row in cursor.fetchall()]


@app.post("/archive")
def archive():
    with SessionLocal() as db:
        db.query(Note).filter(Note.text == "").delete()
        found = lengths(db)
        db.rollback()
        return found
"""


def test_the_driver_of_a_session_of_its_own(tmp_path: Path) -> None:
    """Only who opens that session stays sync, and sees in it what it has not committed."""
    (tmp_path / "models.py").write_text(_MODELS)
    (tmp_path / "main.py").write_text(_DRIVER)
    use = (
        "from fastapi.testclient import TestClient\nfrom main import app\n"
        "with TestClient(app) as client:\n"
        "    for text in ('', 'two'):\n        client.post('/notes', params={'text': text})\n"
        "    print(client.post('/archive').json(), client.get('/notes').json())\n"
    )
    before = printed(tmp_path, use)
    assert before == "[3] ['', 'two']\n"
    (tmp_path / "notes.db").unlink()
    assert "MA202" not in write(tmp_path, "--all")
    text = (tmp_path / "main.py").read_text()
    assert "async def read" in text
    assert "    with SyncSessionLocal() as db:" in text
    assert printed(tmp_path, use) == before
    done = tree(tmp_path)
    write(tmp_path, "--all", "--allow-dirty")
    assert tree(tmp_path) == done


_BESIDE = """\
from fastapi import Depends, FastAPI
from sqlalchemy.orm import Session

from models import Note, SessionLocal, add, notes

app = FastAPI()


def get_db():
    with SessionLocal() as db:
        yield db


@app.post("/notes")
def create(
    text: str, db: Session = Depends(get_db), other: Session = Depends(get_db, use_cache=False)
):
    add(db, text)
    return [other is db, other.query(Note).count()]
"""

_KEPT = """

@app.get("/notes")
def read(
    db: Session = Depends(get_db),
    other: Session = Depends(get_db, use_cache=False),
    same: Session = Depends(get_db),
):
    sessions = {"db": db, "other": other, "same": same}
    return [len({id(session) for session in sessions.values()}), db is same, notes(other)]
"""


@pytest.mark.parametrize("stays", [False, True])
def test_a_second_session_of_the_request(tmp_path: Path, stays: bool) -> None:
    """FastAPI keeps one async session for the request: its sync side is no second one.

    A route that stays sync takes the sync side of another one, and the others convert.
    """
    (tmp_path / "models.py").write_text(_MODELS)
    (tmp_path / "main.py").write_text(_BESIDE + _KEPT * stays)
    before = _used(tmp_path)
    said = write(tmp_path, "--all")
    code = (tmp_path / "main.py").read_text()
    assert "MA205" not in said
    assert "async def create(" in code
    assert ("Depends(get_uncached_sync_db, use_cache=False)" in code) is stays
    assert ("def get_uncached_sync_db(" in code) is stays
    assert _used(tmp_path) == before
    after = tree(tmp_path)
    write(tmp_path, "--all", "--allow-dirty")
    assert tree(tmp_path) == after, "a second run changes nothing"
