"""A function that keeps its engine in a `global` of its own: each side keeps one."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.migration import printed, tree, write, written

_DATABASE = """\
from sqlalchemy import create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker


class Base(DeclarativeBase):
    pass


class Note(Base):
    __tablename__ = "notes"

    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str]


_engine = None


def get_api_session() -> Session:
    global _engine  # one for the process
    if not _engine:
        _engine = create_engine("sqlite:///notes.db")
    SessionLocal = sessionmaker(bind=_engine)
    return SessionLocal()
"""

_STAYS = """\


def nightly(text):
    db = get_api_session()
    db.add(Note(text=text))
    db.commit()
    db.close()


@app.post("/nightly")
def run_nightly(text: str):
    thread = threading.Thread(target=nightly, args=(text,))
    thread.start()
    thread.join()
    return text
"""

_MAIN = """\
import threading

from fastapi import Depends, FastAPI
from sqlalchemy.orm import Session

from database import Note, get_api_session

app = FastAPI()


def get_db():
    db = get_api_session()
    try:
        yield db
    finally:
        db.close()


@app.get("/notes")
def read(db: Session = Depends(get_db)):
    return [note.text for note in db.query(Note).order_by(Note.id)]
"""

_USE = """\
import sqlite3
with sqlite3.connect("notes.db") as connection:
    connection.execute("CREATE TABLE IF NOT EXISTS notes (id INTEGER PRIMARY KEY, text TEXT)")
    connection.execute("DELETE FROM notes")
from fastapi.testclient import TestClient
from main import app
with TestClient(app) as client:
    for request in {requests}:
        print(client.request(*request).json())
"""
_REQUESTS = [("GET", "/notes"), ("POST", "/nightly?text=a"), ("GET", "/notes")]


@pytest.mark.parametrize("requests", [_REQUESTS, _REQUESTS[1:] + _REQUESTS[1:]])
def test_each_side_keeps_an_engine_of_its_own(
    tmp_path: Path, requests: list[tuple[str, str]]
) -> None:
    """Whichever comes first; and when nothing stays sync, one side is left, as at once."""
    folder = written(tmp_path / "steps", {"database.py": _DATABASE, "main.py": _MAIN + _STAYS})
    use = _USE.format(requests=requests)
    before = printed(folder, use)

    write(folder, "--all")
    done = tree(folder)
    database = (folder / "database.py").read_text()
    assert "async def read(" in (folder / "main.py").read_text()
    assert "    global _sync_engine  # one for the process\n    if not _sync_engine:" in database
    assert "\n_engine = None\n_sync_engine = None\n" in database
    assert printed(folder, use) == before
    write(folder, "--all", "--allow-dirty")
    assert tree(folder) == done, "a second run changes nothing"

    main = (folder / "main.py").read_text()
    (folder / "main.py").write_text(main[: main.index("\n\ndef nightly(")])
    write(folder, "--all", "--allow-dirty")
    once = written(tmp_path / "once", {"database.py": _DATABASE, "main.py": _MAIN})
    write(once, "--all")
    assert tree(folder)["database.py"] == tree(once)["database.py"]


_OF_MODULE = (
    _DATABASE[: _DATABASE.index("_engine = None")]
    + """\
engine = create_engine("sqlite:///notes.db")


def get_api_session() -> Session:
    factory = sessionmaker(bind=engine)
    return factory()
"""
)


def test_a_factory_of_its_own_on_the_engine_of_its_module(tmp_path: Path) -> None:
    """The copy binds its own to the sync engine."""
    files = {"database.py": _OF_MODULE, "main.py": _MAIN + _STAYS}
    folder = written(tmp_path / "app", files)
    use = _USE.format(requests=_REQUESTS)
    before = printed(folder, use)

    write(folder, "--all")

    done = tree(folder)
    assert "factory = sessionmaker(bind=sync_engine)" in (folder / "database.py").read_text()
    assert printed(folder, use) == before
    write(folder, "--all", "--allow-dirty")
    assert tree(folder) == done


_SCENARIO = """\


class Scenario:
    def __init__(self):
        self.db = self._session()

    def _session(self):
        factory = sessionmaker(bind=engine)
        return factory()

    def run(self, text):
        self.db.add(Note(text=text))
        self.db.commit()
        self.db.close()


def nightly(text):
    Scenario().run(text)
"""


def test_one_that_nobody_async_asks_needs_no_copy(tmp_path: Path) -> None:
    """It is bound to the sync engine, and that is all."""
    stays = _SCENARIO + _STAYS[_STAYS.index("\n\n@app.post") :]
    imports = "from sqlalchemy.orm import Session, sessionmaker"
    main = _MAIN.replace("from sqlalchemy.orm import Session", imports)
    main = main.replace("import Note, get_api_session", "import Note, engine, get_api_session")
    files = {"database.py": _OF_MODULE, "main.py": main + stays}
    folder = written(tmp_path / "app", files)
    use = _USE.format(requests=_REQUESTS)
    before = printed(folder, use)

    write(folder, "--all")

    done = tree(folder)
    text = (folder / "main.py").read_text()
    assert "async def read(" in text
    assert text.count("factory = sessionmaker(bind=sync_engine)") == 1
    assert printed(folder, use) == before
    write(folder, "--all", "--allow-dirty")
    assert tree(folder) == done


@pytest.mark.parametrize(
    "other",
    [
        "\n\ndef close():\n    if _engine:\n        _engine.dispose()\n",
        "\n\n_engine = None\n",
    ],
)
def test_a_shared_one_keeps_all_sync(tmp_path: Path, other: str) -> None:
    """A copy would find the other side's engine there."""
    files = {"database.py": _DATABASE + other, "main.py": _MAIN + _STAYS}
    folder = written(tmp_path / "app", files)
    use = _USE.format(requests=_REQUESTS)
    before = printed(folder, use)

    assert "MA205" in write(folder, "--all")

    assert "sync_" not in (folder / "database.py").read_text()
    assert printed(folder, use) == before
