"""Engines and factories that functions, properties and lifespans make when they are asked.

The code is executed before, after each route in some order, and after all of them.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from migrate_async.model.selection import EVERYTHING
from support.migration import command, printed, tree, write, written
from support.route_by_route import in_random_order, migrate

_MODELS = """\
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    pass


class Note(Base):
    __tablename__ = "notes"

    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str]
"""
_SCOPE = """
    @contextmanager
    def session(self) -> Iterator[Session]:
        with {opened} as session:
            try:
                yield session
            except Exception:
                session.rollback()
                raise
            else:
                session.commit()
"""
_IMPORTS = """\
from collections.abc import Iterator
from contextlib import contextmanager
{functools}
from sqlalchemy import Engine, create_engine
from sqlalchemy.orm import {orm}


class Database:
"""
_INITIALIZED = (
    _IMPORTS.format(functools="", orm="Session, sessionmaker")
    + """\
    def __init__(self, url: str) -> None:
        self._engine: Engine | None = None
        self._factory: sessionmaker[Session] | None = None
        self.initialize(url)

    def initialize(self, url: str) -> None:
        if self._engine:
            raise RuntimeError("twice")
        self._engine = create_engine(url)
        self._factory = sessionmaker(bind=self._engine)

    def close(self) -> None:
        if self._engine is None:
            raise RuntimeError("not initialized")
        self._engine.dispose()
        self._engine = None

    @property
    def engine(self) -> Engine:
        if self._engine is None:
            raise RuntimeError("not initialized")
        return self._engine
"""
    + _SCOPE.format(opened="self._factory()")
)
_LAZY = (
    _IMPORTS.format(functools="", orm="Session, sessionmaker")
    + """\
    def __init__(self, url: str) -> None:
        self._url = url
        self._engine: Engine | None = None
        self._factory: sessionmaker[Session] | None = None

    def close(self) -> None:
        if self._engine is not None:
            self._engine.dispose()

    @property
    def engine(self) -> Engine:
        if self._engine is None:
            self._engine = create_engine(self._url)
        return self._engine

    @property
    def factory(self) -> sessionmaker[Session]:
        if self._factory is None:
            self._factory = sessionmaker(bind=self.engine)
        return self._factory
"""
    + _SCOPE.format(opened="self.factory()")
)
_CACHED = (
    _IMPORTS.format(functools="from functools import cached_property\n", orm="Session")
    + """\
    def __init__(self, url: str) -> None:
        self._url = url

    def close(self) -> None:
        self.engine.dispose()

    @cached_property
    def engine(self) -> Engine:
        return create_engine(self._url)
"""
    + _SCOPE.format(opened="Session(self.engine, autoflush=False)")
)
_CACHED_FACTORY = _CACHED.replace(
    "        return create_engine(self._url)\n",
    """\
        return create_engine(self._url)

    @cached_property
    def factory(self) -> sessionmaker[Session]:
        return sessionmaker(bind=self.engine)
""",
).replace("Session(self.engine, autoflush=False)", "self.factory()")
_CACHED_FACTORY = _CACHED_FACTORY.replace("import Session\n", "import Session, sessionmaker\n")
_GIVER = """\
from sqlalchemy import Engine, create_engine
from sqlalchemy.orm import Session, sessionmaker


class Database:
    def __init__(self, url: str) -> None:
        self._engine = create_engine(url)
        self._factory = sessionmaker(bind=self._engine)

    @property
    def engine(self) -> Engine:
        return self._engine

    def close(self) -> None:
        self._engine.dispose()

    def session(self) -> Session:
        return self._factory()
"""
OBJECTS = {
    "initialized": _INITIALIZED,
    "lazy": _LAZY,
    "cached": _CACHED,
    "cached factory": _CACHED_FACTORY,
    "giver": _GIVER,
}

_OF_MODULE = """\
database = Database("sqlite:///notes.db")


@asynccontextmanager
async def lifespan(app: FastAPI):
    Base.metadata.create_all(database.engine)
    yield
    database.close()


app = FastAPI(lifespan=lifespan)


def get_db():
    with database.session() as session:
        yield session
"""
_OF_APPLICATION = """\
@asynccontextmanager
async def lifespan(app: FastAPI):
    app.state.database = Database("sqlite:///notes.db")
    Base.metadata.create_all(app.state.database.engine)
    yield
    app.state.database.close()


app = FastAPI(lifespan=lifespan)


def get_database(request: Request) -> Database:
    return request.app.state.database


def get_db(database: Database = Depends(get_database)):
    with database.session() as session:
        yield session
"""
_OF_REQUEST = """\
def configure(url: str = "sqlite:///notes.db") -> Database:
    return Database(url)


@asynccontextmanager
async def lifespan(app: FastAPI):
    database = configure()
    Base.metadata.create_all(database.engine)
    try:
        yield {"database": database}
    finally:
        database.close()


app = FastAPI(lifespan=lifespan)


def _get_session(request: Request):
    with request.state.database.session() as session:
        yield session


def get_db(request: Request):
    yield from _get_session(request)
"""
_TYPED_STATE = _OF_REQUEST.replace(
    """\
    try:
        yield {"database": database}
""",
    """\
    state: State = {"database": database}
    try:
        yield state
""",
).replace("def configure", "class State(TypedDict):\n    database: Database\n\n\ndef configure")
PLACES = {
    "module": _OF_MODULE,
    "application": _OF_APPLICATION,
    "request": _OF_REQUEST,
    "typed state": _TYPED_STATE,
}

_HEAD = """\
from contextlib import asynccontextmanager
{typing}
from fastapi import Depends, FastAPI, Request
from sqlalchemy.orm import Session

from db import Database
from models import Base, Note


"""
_ROUTES = """\


@app.post("/notes")
def add(text: str, db: Session = Depends(get_db)):
    db.add(Note(text=text))
    db.commit()


@app.get("/notes")
def read(db: Session = Depends(get_db)):
    return [note.text for note in db.query(Note).order_by(Note.id)]


@app.get("/count")
def count(db: Session = Depends(get_db)):
    return db.query(Note){unusual}.count()


@app.get("/last")
def last(db: Session = Depends(get_db)):
    return db.query(Note).order_by(Note.id.desc()).first().text
"""
_UNUSUAL = ".enable_assertions(False)"
"""What keeps a function sync."""

_LRU_ENGINE = """\
@lru_cache
def get_engine() -> Engine:
    return create_engine(URL)


def get_db():
    with Session(get_engine()) as session:
        yield session
"""
_CACHE_FACTORY = """\
@lru_cache
def get_engine() -> Engine:
    return create_engine(URL)


@lru_cache(maxsize=1)
def get_factory() -> sessionmaker[Session]:
    return sessionmaker(autoflush=False, bind=get_engine())


def get_db():
    session = get_factory()()
    try:
        yield session
    finally:
        session.close()
"""
_GLOBALS = """\
_engine = None
_factory = None


def get_engine():
    global _engine
    if _engine is None:
        _engine = create_engine(URL)
    return _engine


def get_factory():
    global _factory
    if _factory is None:
        _factory = sessionmaker(bind=get_engine())
    return _factory


def get_db():
    make = get_factory()
    with make() as session:
        yield session
"""
_FUNCTIONS_HEAD = """\
from contextlib import asynccontextmanager
{functools}
from fastapi import Depends, FastAPI
from sqlalchemy import {core}
from sqlalchemy.orm import {orm}

from models import Base, Note

URL = "sqlite:///notes.db"


"""
_START = """\


@asynccontextmanager
async def lifespan(app: FastAPI):
    Base.metadata.create_all(get_engine())
    yield
    get_engine().dispose()


app = FastAPI(lifespan=lifespan)
"""
_LRU = "from functools import lru_cache\n"
FUNCTIONS = {
    "cached engine": (_LRU_ENGINE, _LRU, "Engine, create_engine", "Session"),
    "cached factory": (_CACHE_FACTORY, _LRU, "Engine, create_engine", "Session, sessionmaker"),
    "globals": (_GLOBALS, "", "create_engine", "Session, sessionmaker"),
}

_IN_STATE = """\
from contextlib import asynccontextmanager

from fastapi import Depends, FastAPI, Request
from models import Base, Note
from sqlalchemy import create_engine
from sqlalchemy.orm import Session{more}


@asynccontextmanager
async def lifespan(app: FastAPI):
    engine = create_engine("sqlite:///notes.db")
    Base.metadata.create_all(engine)
{given}
    engine.dispose()


app = FastAPI(lifespan=lifespan)


def get_db(request: Request):
    with {opened} as session:
        yield session
"""
_FACTORY = "sessionmaker(bind=engine)"
STATES = {
    "a factory of the application": (
        f"    app.state.factory = {_FACTORY}\n    yield",
        "request.app.state.factory()",
    ),
    "a factory of requests": (f'    yield {{"factory": {_FACTORY}}}', "request.state.factory()"),
    "an engine of the application": (
        "    app.state.engine = engine\n    yield",
        "Session(request.app.state.engine)",
    ),
    "an engine of requests": ('    yield {"engine": engine}', "Session(request.state.engine)"),
}

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
_ANSWERS = """['["a","b"]', '2', '"b"']\n"""


def _used(folder: Path) -> str:
    try:
        return printed(folder, _USE)
    finally:
        (folder / "notes.db").unlink(missing_ok=True)


def _migrates(tmp_path: Path, files: dict[str, str], *, unusual: str = "") -> str:
    """Migrate all at once and route by route, and give what comes of the first."""
    files = {"models.py": _MODELS, "pyproject.toml": "", **files}
    files["main.py"] += _ROUTES.format(unusual=unusual)
    once = written(tmp_path / "once", files)
    assert _used(once) == _ANSWERS
    migrate(once, EVERYTHING)
    assert _used(once) == _ANSWERS
    assert command(once, "verify").stdout == "Nothing found.\n"
    done = tree(once)
    migrate(once, EVERYTHING)
    assert tree(once) == done, "a second run changes nothing"
    steps = written(tmp_path / "steps", files)
    for route in in_random_order(steps, 2):
        assert _used(steps) == _ANSWERS, route
    assert tree(steps) == done
    text = "".join(path.read_text() for path in sorted(once.glob("*.py")))
    assert "async def last(" in text
    assert ("async def count(" in text) is not bool(unusual)
    return text


@pytest.mark.parametrize(
    ("database", "place", "unusual"),
    [
        *((name, "module", "") for name in OBJECTS),
        *(("initialized", place, _UNUSUAL) for place in PLACES),
        ("giver", "request", ""),
    ],
)
def test_objects(database: str, place: str, unusual: str, tmp_path: Path) -> None:
    typing = "from typing import TypedDict\n" if place == "typed state" else ""
    main = _HEAD.format(typing=typing) + PLACES[place]
    done = _migrates(tmp_path, {"db.py": OBJECTS[database], "main.py": main}, unusual=unusual)
    assert " create_engine(" not in done


@pytest.mark.parametrize(
    ("name", "unusual"), [*((name, "") for name in FUNCTIONS), ("cached factory", _UNUSUAL)]
)
def test_functions(name: str, unusual: str, tmp_path: Path) -> None:
    """`get_factory()()` became an `async_sessionmaker()()` without an engine."""
    functions, functools, core, orm = FUNCTIONS[name]
    head = _FUNCTIONS_HEAD.format(functools=functools, core=core, orm=orm)
    done = _migrates(tmp_path, {"main.py": head + functions + _START}, unusual=unusual)
    assert "async with get_engine().begin() as connection:" in done


@pytest.mark.parametrize("name", STATES)
def test_state(name: str, tmp_path: Path) -> None:
    given, opened = STATES[name]
    more = ", sessionmaker" if _FACTORY in given else ""
    main = _IN_STATE.format(given=given, opened=opened, more=more)
    done = _migrates(tmp_path, {"main.py": main})
    assert "create_async_engine" in done


def test_a_session_that_a_lifespan_yields_is_one_for_the_process(tmp_path: Path) -> None:
    text = _IN_STATE.format(
        given='    yield {"session": Session(engine)}', opened="request.state.session", more=""
    )
    text = text.replace("with request.state.session as session:\n        yield session", "")
    main = f"{text.rstrip()}\n    yield request.state.session\n" + _ROUTES.format(unusual="")
    files = {"models.py": _MODELS, "main.py": main}
    app = written(tmp_path, files)
    said = write(app, "--all")
    assert "it yields its session for the state of all requests" in said
    assert "async def last(" not in (app / "main.py").read_text()


_COMMAND = """\


def main() -> None:
    with Session(get_engine()) as session:
        print(session.query(Note).enable_assertions(False).count())
"""


def test_the_copy_of_a_function_has_the_url_that_was(tmp_path: Path) -> None:
    """`URL` becomes that of the async driver, which nothing else reads."""
    functions, functools, core, orm = FUNCTIONS["cached engine"]
    head = _FUNCTIONS_HEAD.format(functools=functools, core=core, orm=orm)
    main = head + functions + _START + _ROUTES.format(unusual="") + _COMMAND
    app = written(tmp_path, {"models.py": _MODELS, "main.py": main})
    run = "from main import Base, get_engine, main\nBase.metadata.create_all(get_engine())\nmain()"
    assert printed(app, run) == "0\n"
    (app / "notes.db").unlink()
    write(app, "--all")
    text = (app / "main.py").read_text()
    assert (
        'def sync_get_engine() -> Engine:\n    return create_engine("sqlite:///notes.db")' in text
    )
    assert printed(app, f"{_USE}\nfrom main import main\nmain()") == f"{_ANSWERS}2\n"


def test_a_name_of_the_function_is_no_variable_of_the_module(tmp_path: Path) -> None:
    """Only `URL` of the module would be the async one."""
    functions, functools, core, orm = FUNCTIONS["cached engine"]
    functions = functions.replace("get_engine() -> Engine", "get_engine(URL=DEFAULT) -> Engine")
    head = _FUNCTIONS_HEAD.format(functools=functools, core=core, orm=orm)
    head = head.replace(
        '"sqlite:///notes.db"\n', '"sqlite:///other.db"\nDEFAULT = "sqlite:///notes.db"\n'
    )
    done = _migrates(tmp_path, {"main.py": head + functions + _START})
    assert 'URL = "sqlite:///other.db"\nDEFAULT = "sqlite:///notes.db"\n' in done


_MADE_AT_IMPORT = """\
def get_db(request: Request):
    with request.app.state.database.session() as session:
        yield session


@asynccontextmanager
async def lifespan(app: FastAPI):
    yield
    app.state.database.close()


def create_app(url: str) -> FastAPI:
    app = FastAPI(lifespan=lifespan)
    database = Database(url)
    Base.metadata.create_all(database.engine)
    app.state.database = database
    return app


app = create_app("sqlite:///notes.db")
"""


@pytest.mark.parametrize("database", OBJECTS)
def test_tables_that_are_made_at_import(database: str, tmp_path: Path) -> None:
    """With the sync engine beside that of the object; where a property gave it, it was async."""
    main = _HEAD.format(typing="")
    done = _migrates(tmp_path, {"db.py": OBJECTS[database], "main.py": main + _MADE_AT_IMPORT})
    assert "Base.metadata.create_all(blocking_engine(database.engine))" in done


def test_what_listens_to_the_engine_keeps_it_sync(tmp_path: Path) -> None:
    """It would not hear of the other."""
    db = OBJECTS["giver"].replace(
        "        self._factory =",
        '        event.listen(self._engine, "connect", print)\n        self._factory =',
    )
    db = db.replace("import Engine, create_engine", "import Engine, create_engine, event")
    main = _HEAD.format(typing="") + _MADE_AT_IMPORT + _ROUTES.format(unusual="")
    app = written(tmp_path, {"models.py": _MODELS, "db.py": db, "main.py": main})
    said = write(app, "--all")
    assert "main.create_app stays sync" in said
    assert "async" not in (app / "db.py").read_text()
    assert _used(app).endswith(_ANSWERS)


_SCRIPT = """\
from db import Database
from main import Note, app
from sqlalchemy.orm import Session

DATABASE: Database = app.state.database


def main() -> None:
    with Session(DATABASE.engine) as session:
        print(session.query(Note).enable_assertions(False).count())
    with DATABASE.engine.begin() as connection:
        print(connection.exec_driver_sql("SELECT count(*) FROM notes").scalar())


if __name__ == "__main__":
    main()
"""


def test_what_goes_on_opening_sessions_on_it(tmp_path: Path) -> None:
    main = _HEAD.format(typing="") + _MADE_AT_IMPORT + _ROUTES.format(unusual="")
    files = {"models.py": _MODELS, "db.py": _LAZY, "main.py": main, "script.py": _SCRIPT}
    app = written(tmp_path, files)
    run = "import script\nscript.main()"
    assert printed(app, run) == "0\n0\n"
    write(app, "--all")
    assert "async def last(" in (app / "main.py").read_text()
    text = (app / "script.py").read_text()
    assert "Session(blocking_engine(DATABASE.engine))" in text
    assert "blocking_engine(DATABASE.engine).begin()" in text
    assert printed(app, run) == "0\n0\n"
    (app / "script.py").write_text(text.replace(".enable_assertions(False)", ""))
    write(app, "--all", "--allow-dirty")
    text = (app / "script.py").read_text()
    assert "blocking_engine" not in text
    assert "async with DATABASE.engine.begin() as connection:" in text
    assert printed(app, "import asyncio, script\nasyncio.run(script.main())") == "0\n0\n"
