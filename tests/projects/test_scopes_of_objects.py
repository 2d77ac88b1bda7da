"""Context managers and functions that give sessions: as methods, and handed on as values.

The code is executed before, after each route and after all.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from migrate_async.model.selection import EVERYTHING
from support.migration import command, printed, tree, write
from support.route_by_route import in_random_order, migrate

_HEAD = """\
from contextlib import contextmanager

from sqlalchemy import create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, sessionmaker

engine = create_engine("sqlite:///notes.db")
SessionLocal = sessionmaker(bind=engine)


class Base(DeclarativeBase):
    pass


class Note(Base):
    __tablename__ = "notes"

    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str]


"""
_SCOPE = """\
@contextmanager
def scope():
    session = SessionLocal()
    try:
        yield session
        session.commit()
    except Exception:
        session.rollback()
        raise
    finally:
        session.close()
"""
_GIVER = "def scope():\n    return SessionLocal()\n"


def _method(function: str) -> str:
    lines = function.replace("scope()", "scope(self)").splitlines()
    body = "".join(f"    {line}\n" for line in lines)
    return f"class Database:\n{body}\n\ndatabase = Database()\n"


_MAIN = """\
from fastapi import FastAPI

from db import Base, Note, {imported}, engine

app = FastAPI()


@app.on_event("startup")
def create():
    Base.metadata.create_all(engine)


{reader}

@app.post("/notes")
def add(text: str):
    with {scope}() as db:
        db.add(Note(text=text))
        db.commit()


@app.get("/notes")
def read():
    return {texts}


@app.get("/count")
def count():
    return {number}


@app.get("/last")
def last():
    with {scope}() as db:
        return db.query(Note).order_by(Note.id.desc()).first().text
"""
_QUERIES = """\
{indent}def texts({param}):
{indent}    with {call}() as db:
{indent}        return [note.text for note in db.query(Note).order_by(Note.id)]


{indent}def number({param}):
{indent}    with {call}() as db:
{indent}        return db.query(Note){unusual}.count()
"""
_REPOSITORY = """\
class Repository:
    def __init__(self, session_factory):
        self.session_factory = session_factory

"""


def _reader(way: str, scope: str, unusual: str) -> dict[str, str]:
    """Functions that enter the scope by its name, by a parameter or by an attribute."""
    if way == "attribute":
        code = _QUERIES.format(
            indent="    ", param="self", call="self.session_factory", unusual=unusual
        )
        reader = f"{_REPOSITORY}{code}\n\nrepository = Repository({scope})\n"
        return {
            "reader": reader,
            "texts": "repository.texts()",
            "number": "repository.number()",
        }
    param, call = ("", scope) if way == "name" else ("scope", "scope")
    reader = _QUERIES.format(indent="", param=param, call=call, unusual=unusual)
    given = "" if way == "name" else scope
    return {"reader": reader, "texts": f"texts({given})", "number": f"number({given})"}


_USE = """
import warnings
warnings.simplefilter("ignore")
from fastapi.testclient import TestClient
from main import app
with TestClient(app) as client:
    for text in ("a", "b"):
        client.post("/notes", params={"text": text})
    print([client.get(path).text for path in ("/notes", "/count", "/last")])
"""


def _written(folder: Path, of: str, kind: str, way: str, unusual: str = "") -> Path:
    function = {"scope": _SCOPE, "giver": _GIVER}[kind]
    folder.mkdir()
    is_method = of == "method"
    (folder / "db.py").write_text(_HEAD + (_method(function) if is_method else function))
    scope, imported = ("database.scope", "database") if is_method else ("scope", "scope")
    parts = _reader(way, scope, unusual)
    text = _MAIN.format(scope=scope, imported=imported, **parts)
    (folder / "main.py").write_text(text)
    (folder / "pyproject.toml").write_text("")
    return folder


def _used(folder: Path) -> str:
    try:
        return printed(folder, _USE)
    finally:
        (folder / "notes.db").unlink(missing_ok=True)


_ANSWERS = """['["a","b"]', '2', '"b"']\n"""
_UNUSUAL = ".enable_assertions(False)"
"""What keeps a function sync."""


@pytest.mark.parametrize("of", ["method", "function"])
@pytest.mark.parametrize("way", ["name", "parameter", "attribute"])
@pytest.mark.parametrize("unusual", ["", _UNUSUAL], ids=["converts", "kept"])
def test_scopes(of: str, way: str, unusual: str, tmp_path: Path) -> None:
    once = _written(tmp_path / "once", of, "scope", way, unusual)
    assert _used(once) == _ANSWERS
    migrate(once, EVERYTHING)
    assert _used(once) == _ANSWERS
    done = tree(once)
    migrate(once, EVERYTHING)
    assert tree(once) == done, "a second run changes nothing"
    steps = _written(tmp_path / "steps", of, "scope", way, unusual)
    for route in in_random_order(steps, 1):
        assert _used(steps) == _ANSWERS, route
    assert tree(steps) == done


def test_a_method_gets_a_sync_side_for_what_stays_sync(tmp_path: Path) -> None:
    """It goes with the last who needs it, and so does the sync factory."""
    folder = _written(tmp_path / "app", "method", "scope", "name")
    write(folder, "--route", "GET /last")
    text = (folder / "db.py").read_text()
    assert "    @asynccontextmanager\n    async def scope(self):" in text
    assert (
        "    @contextmanager\n    def sync_scope(self):\n        session = SyncSessionLocal" in text
    )
    assert "with database.sync_scope() as db:" in (folder / "main.py").read_text()
    write(folder, "--all", "--allow-dirty")
    assert "sync" not in (folder / "db.py").read_text().lower().replace("async", "")


@pytest.mark.parametrize("of", ["method", "function"])
@pytest.mark.parametrize("way", ["name", "attribute"])
@pytest.mark.parametrize("unusual", ["", _UNUSUAL], ids=["converts", "kept"])
def test_functions_that_give_sessions(of: str, way: str, unusual: str, tmp_path: Path) -> None:
    folder = _written(tmp_path / "app", of, "giver", way, unusual)
    assert _used(folder) == _ANSWERS
    migrate(folder, EVERYTHING)
    assert _used(folder) == _ANSWERS
    done = tree(folder)
    migrate(folder, EVERYTHING)
    assert tree(folder) == done


def test_a_giver_in_an_attribute_has_no_name_to_change(tmp_path: Path) -> None:
    """Half of its users cannot convert: the others would get its async session."""
    folder = _written(tmp_path / "app", "function", "giver", "attribute")
    before = tree(folder)
    done = command(folder, "migrate", "--route", "GET /last", "--write")
    assert done.returncode == 2
    assert "self.session_factory will give an AsyncSession" in " ".join(done.stderr.split())
    assert tree(folder) == before


_FACTORY_OF_MODULE = """\
class Database:
    def get_session(self):
        with SessionLocal() as session:
            yield session


database = Database()
"""
_FACTORY_OF_OBJECT = """\
class Database:
    def __init__(self, url: str):
        self.engine = create_engine(url)
        self.factory = sessionmaker(bind=self.engine)

    def get_session(self):
        session = self.factory()
        try:
            yield session
        finally:
            session.close()


database = Database("sqlite:///notes.db")
"""
_INJECTED = """\
from typing import Annotated

from fastapi import Depends, FastAPI
from sqlalchemy.orm import Session

{imports}

app = FastAPI()
{alias}

@app.on_event("startup")
def create():
    {create}


@app.post("/notes")
def add(text: str, {parameter}):
    db.add(Note(text=text))
    db.commit()


@app.get("/notes")
def read({parameter}):
    return [note.text for note in db.query(Note).order_by(Note.id)]


@app.get("/count")
def count({parameter}):
    return db.query(Note){unusual}.count()


@app.get("/last")
def last({parameter}):
    return db.query(Note).order_by(Note.id.desc()).first().text
"""
_WAYS = {
    "name": ("from db import Base, Note, database", "", "database.get_session"),
    "module": ("import db as data\nfrom db import Base, Note", "", "data.database.get_session"),
    "alias": (
        "from db import Base, Note, database",
        "SessionDep = Annotated[Session, Depends(database.get_session)]\n",
        "",
    ),
    "one file": ("", "", "database.get_session"),
}


def _injected(folder: Path, database: str, way: str, unusual: str) -> Path:
    folder.mkdir()
    is_own = "self.factory" in database
    head = _HEAD
    if is_own:
        made = 'engine = create_engine("sqlite:///notes.db")\n'
        head = head.replace(f"{made}SessionLocal = sessionmaker(bind=engine)\n", "")
    imports, alias, name = _WAYS[way]
    holder = "data.database" if way == "module" else "database"
    create = f"Base.metadata.create_all({holder}.engine)"
    if not is_own:
        create = "Base.metadata.create_all(engine)"
        imports = imports.replace("Base, Note", "Base, Note, engine")
    parameter = "db: SessionDep" if way == "alias" else f"db: Session = Depends({name})"
    main = _INJECTED.format(
        imports=imports, alias=alias, create=create, parameter=parameter, unusual=unusual
    )
    if way == "one file":
        main = head + database + main.replace("\n\n\n\napp = ", "\n\napp = ")
    else:
        (folder / "db.py").write_text(head + database)
    (folder / "main.py").write_text(main)
    (folder / "pyproject.toml").write_text("")
    return folder


@pytest.mark.parametrize("way", _WAYS)
@pytest.mark.parametrize(
    "database", [_FACTORY_OF_MODULE, _FACTORY_OF_OBJECT], ids=["module", "object"]
)
@pytest.mark.parametrize("unusual", ["", _UNUSUAL], ids=["converts", "kept"])
def test_dependencies(database: str, way: str, unusual: str, tmp_path: Path) -> None:
    """`Depends(database.get_session)`: kept code shares the session of the request."""
    once = _injected(tmp_path / "once", database, way, unusual)
    assert _used(once) == _ANSWERS
    migrate(once, EVERYTHING)
    assert _used(once) == _ANSWERS
    text = "".join(path.read_text() for path in sorted(once.glob("*.py")))
    assert "async def last(" in text
    assert ("get_sync_db" in text) is bool(unusual)
    done = tree(once)
    migrate(once, EVERYTHING)
    assert tree(once) == done, "a second run changes nothing"
    steps = _injected(tmp_path / "steps", database, way, unusual)
    for route in in_random_order(steps, 1):
        assert _used(steps) == _ANSWERS, route
    assert tree(steps) == done
