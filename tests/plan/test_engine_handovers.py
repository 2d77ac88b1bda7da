"""Engines and connections that are given to libraries, or taken apart down to their driver."""

from __future__ import annotations

import textwrap

import pytest

from migrate_async.config import Settings
from migrate_async.model.plan import Plan, Step
from migrate_async.plan.planner import make_plan
from migrate_async.rewrite.engine import rewrite_text
from support.projects import project

DATABASE = """
from sqlalchemy import Column, Integer, create_engine
from sqlalchemy.orm import declarative_base, sessionmaker

engine = create_engine("sqlite:///x.db")
SessionLocal = sessionmaker(engine)
Base = declarative_base()


class User(Base):
    __tablename__ = "users"
    id = Column(Integer, primary_key=True)


def get_db():
    with SessionLocal() as db:
        yield db
"""
MAIN = """
import database
import pandas as pd
from alembic import migration
from database import SessionLocal, User, engine, get_db
from fastapi import BackgroundTasks, Depends, FastAPI
from opentelemetry.instrumentation.sqlalchemy import SQLAlchemyInstrumentor
from sqladmin import Admin
from sqlalchemy import MetaData, Table
from sqlalchemy.ext.automap import automap_base
from sqlalchemy.orm import Session
from sqlalchemy_utils import database_exists

app = FastAPI()


@app.get("/count")
def count(db: Session = Depends(get_db)):
    return db.query(User).count()


def load(bind):
    return pd.read_sql("users", bind)


"""
ROUTE = '@app.get("/")\ndef route(db: Session = Depends(get_db)):\n'

KEPT = {
    'return pd.read_sql("users", engine)': 'return pd.read_sql("users", sync_engine)',
    'return pd.read_sql("users", con=database.engine)': (
        'return pd.read_sql("users", con=database.sync_engine)'
    ),
    'return pd.read_sql("users", db.bind)': 'return pd.read_sql("users", db.bind)',
    'return pd.read_sql("users", db.get_bind())': 'return pd.read_sql("users", db.get_bind())',
    'return pd.read_sql("users", db.connection())': 'return pd.read_sql("users", db.connection())',
    'with engine.begin() as c:\n    pd.DataFrame([1]).to_sql("users", c)': (
        'with sync_engine.begin() as c:\n    pd.DataFrame([1]).to_sql("users", c)'
    ),
    "with engine.connect() as c:\n    return migration.MigrationContext.configure(c)": (
        "with sync_engine.connect() as c:\n    return migration.MigrationContext.configure(c)"
    ),
    "return load(engine)": "return load(sync_engine)",
    "return Table('x', MetaData(), autoload_with=engine).c": (
        "return Table('x', MetaData(), autoload_with=sync_engine).c"
    ),
    "for table in Base.metadata.sorted_tables:\n    table.create(engine)": (
        "for table in Base.metadata.sorted_tables:\n    table.create(sync_engine)"
    ),
    "return db.get_bind().raw_connection().cursor()": (
        "return sync_engine.raw_connection().cursor()"
    ),
    "taken = db.bind.raw_connection()\nreturn taken.cursor()": (
        "taken = sync_engine.raw_connection()\nreturn taken.cursor()"
    ),
    "connection = db.connection()\nreturn connection.engine.raw_connection()": (
        "connection = db.connection()\nreturn sync_engine.raw_connection()"
    ),
    "return engine.raw_connection().cursor()": "return sync_engine.raw_connection().cursor()",
    "with engine.connect() as c:\n    return c.connection.cursor()": (
        "with sync_engine.connect() as c:\n    return c.connection.cursor()"
    ),
    "with database.SessionLocal() as own:\n    return pd.read_sql('users', own.bind)": (
        "with database.SyncSessionLocal() as own:\n    return pd.read_sql('users', own.bind)"
    ),
}

AT_THE_TOP = {
    "FRAME = load(engine)": "FRAME = load(sync_engine)",
    "EXISTS = database_exists(engine.url)": "EXISTS = database_exists(sync_engine.url)",
    "EXISTS = database_exists(database.engine.url)": (
        "EXISTS = database_exists(database.sync_engine.url)"
    ),
    "Auto = automap_base()\nAuto.prepare(autoload_with=engine)": (
        "Auto = automap_base()\nAuto.prepare(autoload_with=sync_engine)"
    ),
    "META = MetaData()\nMETA.reflect(bind=engine)\nTHINGS = META.tables['things']": (
        "META = MetaData()\nMETA.reflect(bind=sync_engine)\nTHINGS = META.tables['things']"
    ),
    "THINGS = Table('things', MetaData(), autoload_with=engine)": (
        "THINGS = Table('things', MetaData(), autoload_with=sync_engine)"
    ),
    "admin = Admin(app, engine)": "admin = Admin(app, engine)",
    "SQLAlchemyInstrumentor().instrument(engine=engine)": (
        "SQLAlchemyInstrumentor().instrument(engine=engine.sync_engine)"
    ),
    "SQLAlchemyInstrumentor().instrument(engines=[database.engine])": (
        "SQLAlchemyInstrumentor().instrument(engines=[database.engine.sync_engine])"
    ),
}


def planned(more: str) -> tuple[str, Plan]:
    """The text of `MAIN` and `more` after a run, to which a second one adds nothing."""
    files = {"database.py": DATABASE, "main.py": MAIN + more}
    plan = make_plan(project(files), Step.ALL, Settings(), digests={})
    plans = {file.path: file for file in plan.files}
    done = {path: rewrite_text(plans[path], text) for path, text in files.items()}
    again = make_plan(project(done), Step.ALL, Settings(), digests={})
    assert not [edit for file in again.files for edit in file.edits]
    return done["main.py"], plan


@pytest.mark.parametrize(("body", "wanted"), KEPT.items())
def test_whoever_gives_one_stays_sync(body: str, wanted: str) -> None:
    text, plan = planned(f"{ROUTE}{textwrap.indent(body, '    ')}\n")
    assert "async def count" in text
    _, _, found = text.partition("\ndef route(db: Session = Depends(get_sync_db)):\n")
    assert textwrap.dedent(found) == f"{wanted}\n"
    assert any("main.route stays sync" in item.message for item in plan.diagnostics)


@pytest.mark.parametrize(("line", "wanted"), AT_THE_TOP.items())
def test_modules_give_what_fits(line: str, wanted: str) -> None:
    text, _ = planned(f"{line}\n")
    assert text.endswith(f"\n{wanted}\n")
    assert "async def count" in text


def test_the_driver_of_a_session_keeps_its_source_sync() -> None:
    """Its sync side has the async driver. Here the user of the request is of the same session."""
    text = (
        f"{MAIN}def user(db: Session = Depends(get_db)):\n    return db.get(User, 1)\n\n\n"
        '@app.get("/")\ndef route(me=Depends(user), db: Session = Depends(get_db)):\n'
        "    return db.connection().connection.cursor()\n"
    )
    plan = make_plan(project({"database.py": DATABASE, "main.py": text}), Step.ALL, Settings())
    assert {edit.codemod for file in plan.files for edit in file.edits} == {"query-to-select"}
    assert [item.code for item in plan.diagnostics if item.path == "main.py"].count("MA205") == 1


def test_who_alone_has_a_session_takes_one_on_the_sync_driver() -> None:
    text, plan = planned(f"{ROUTE}    return db.connection().connection.cursor()\n")
    assert "def route(db: Session = Depends(get_blocking_db)):" in text
    assert "async def count" in text
    assert not [item for item in plan.diagnostics if item.code in ("MA202", "MA205")]


RAW = "    connection = session.connection()\n    return connection.connection.cursor()\n"
GIVEN = {
    "a route": f"{ROUTE}    return raw(db)\n\n\ndef raw(session: Session):\n{RAW}",
    "through another helper": f"{ROUTE}    return middle(session=db)\n\n\n"
    f"def middle(session):\n    return raw(session)\n\n\ndef raw(session: Session):\n{RAW}",
    "through an object": "class Repository:\n    def __init__(self, db: Session):\n"
    "        self.db = db\n\n    def raw(self):\n"
    f"        return self.db.connection().connection.cursor()\n\n\n{ROUTE}"
    "    return Repository(db).raw()\n",
    "a task": '@app.get("/")\ndef route(tasks: BackgroundTasks, db: Session = Depends(get_db)):\n'
    f"    tasks.add_task(raw, db)\n\n\ndef raw(session: Session):\n{RAW}",
}
ALIAS = (
    "from typing import Annotated\nSession_ = Annotated[Session, Depends(get_db)]\n\n\n"
    f'@app.get("/")\ndef route(db: Session_):\n    return raw(db)\n\n\n'
    f"def raw(session: Session):\n{RAW}"
)


@pytest.mark.parametrize("more", GIVEN.values(), ids=GIVEN)
def test_the_driver_of_a_session_that_callers_give(more: str) -> None:
    """The source is that of the callers' sessions."""
    text, plan = planned(more)
    assert "async def count" in text
    assert "db: Session = Depends(get_blocking_db)):" in text
    assert not [item for item in plan.diagnostics if item.code in ("MA202", "MA205")]


def test_the_driver_of_a_session_by_an_alias() -> None:
    plan = make_plan(
        project({"database.py": DATABASE, "main.py": MAIN + ALIAS}), Step.ALL, Settings()
    )
    assert {edit.codemod for file in plan.files for edit in file.edits} == {"query-to-select"}
    (found,) = [item for item in plan.diagnostics if item.code in ("MA202", "MA205")]
    assert "stays sync (it works on a connection of the driver" in found.message
    assert "Session_ goes on giving a sync one" in found.message


def test_nobody_knows_who_gives_a_session() -> None:
    """Nothing is written then, unless nobody is there who could."""
    unused = f"{MAIN}def raw(session: Session):\n{RAW}"
    plan = make_plan(project({"database.py": DATABASE, "main.py": unused}), Step.ALL, Settings())
    assert not [item for item in plan.diagnostics if item.code == "MA202"]
    text = f"{unused}\n\nsomebody.later(raw)\n"
    plan = make_plan(project({"database.py": DATABASE, "main.py": text}), Step.ALL, Settings())
    (found,) = [item for item in plan.diagnostics if item.code == "MA202"]
    assert found.message.startswith("main.raw stays sync (")


def test_the_driver_of_a_session_that_somebody_opens() -> None:
    """Who opens it does so with the sync factory; the rest converts."""
    text, plan = planned(
        "@app.post('/')\ndef route(tasks: BackgroundTasks):\n    tasks.add_task(work)\n\n\n"
        "def work():\n    with SessionLocal() as db:\n        raw(db)\n\n\n"
        f"def raw(session: Session):\n{RAW}"
    )
    assert "async def count" in text
    assert "def work():\n    with SyncSessionLocal() as db:\n        raw(db)\n" in text
    assert not [item for item in plan.diagnostics if item.code in ("MA202", "MA205")]
    (found,) = [item for item in plan.diagnostics if item.message.startswith("main.work")]
    assert "it opens the session that main.raw works on" in found.message


OBJECT = """
import pandas as pd
from fastapi import Depends, FastAPI
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session, sessionmaker

app = FastAPI()


class Database:
    def __init__(self, url):
        self.engine = create_engine(url)
        self.factory = sessionmaker(self.engine)

    def get_session(self):
        with self.factory() as session:
            yield session


database = Database("sqlite:///x.db")


@app.get("/other")
def other(db: Session = Depends(database.get_session)):
    return db.scalar(text("SELECT 1"))


"""


def test_an_object_has_a_sync_engine_beside_the_async_one() -> None:
    """The runtime has it, for a library."""
    text = f"{OBJECT}@app.get(\"/\")\ndef route():\n    return pd.read_sql('x', database.engine)\n"
    (file,) = make_plan(project({"app.py": text}), Step.ALL, Settings(), digests={}).files
    done = rewrite_text(file, text)
    assert "\ndef route():\n    return pd.read_sql('x', blocking_engine(database.engine))" in done
    assert "async def other(" in done
    again = make_plan(project({"app.py": done}), Step.ALL, Settings(), digests={})
    assert not again.files


def test_an_object_whose_url_is_known_has_one_engine() -> None:
    """The runtime is not asked to make it, and knows no other."""
    text = OBJECT.replace("create_engine(url)", 'create_engine("sqlite:///x.db")')
    text += "@app.get('/')\ndef route():\n    return pd.read_sql('x', database.engine)\n"
    plan = make_plan(project({"app.py": text}), Step.ALL, Settings())
    assert not plan.files
    assert {item.code for item in plan.diagnostics} == {"MA201", "MA205"}


def test_the_session_of_an_object_has_a_sync_side() -> None:
    text = (
        f'{OBJECT}@app.get("/")\ndef route(db: Session = Depends(database.get_session)):\n'
        "    return pd.read_sql('x', db.connection())\n"
    )
    (file,) = make_plan(project({"app.py": text}), Step.ALL, Settings(), digests={}).files
    done = rewrite_text(file, text)
    assert (
        "async def get_sync_db(db: AsyncSession = Depends(database.get_session)) -> Session:"
    ) in done
    assert "def route(db: Session = Depends(get_sync_db)):" in done


def test_objects_of_which_nobody_needs_a_sync_side() -> None:
    plan = make_plan(project({"app.py": OBJECT}), Step.ALL, Settings())
    verdicts = {item.function: item.verdict for item in plan.functions}
    assert verdicts["app.other"] == verdicts["app.Database.get_session"] == "convert"


STUCK = (
    OBJECT.replace(
        "class Database:",
        "class OwnSession(Session):\n    def is_open(self):\n        return self.is_active\n\n\n"
        "class Database:",
    )
    .replace("sessionmaker(self.engine)", "sessionmaker(self.engine, class_=OwnSession){more}")
    .replace("import pandas as pd\n", "import pandas as pd\n{imports}")
)
ASYNC_BESIDE = """
        self.async_engine = create_async_engine(url)
        self.async_factory = async_sessionmaker(self.async_engine)

    async def get_async_session(self):
        async with self.async_factory() as session:
            yield session"""
ASYNC_IMPORT = "from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine\n"


@pytest.mark.parametrize(
    ("more", "imports"), [("", ""), (ASYNC_BESIDE, ASYNC_IMPORT)], ids=["alone", "async beside"]
)
def test_an_engine_that_stays_sync_can_be_passed_on(more: str, imports: str) -> None:
    """It was refused, `MA202`; the session class has no async counterpart, so nothing converts."""
    head = STUCK.replace("{more}", more).replace("{imports}", imports)
    text = (
        f"{head}@app.get('/')\ndef route():\n    return pd.read_sql('x', database.engine)\n\n\n"
        "@app.get('/both')\ndef both():\n    return helper()\n\n\n"
        "def helper():\n    with database.factory() as session:\n"
        "        return session.query(text('1')).enable_assertions(False).all()\n"
    )
    plan = make_plan(project({"app.py": text}), Step.ALL, Settings())
    assert not plan.files
    assert not [item for item in plan.diagnostics if item.code == "MA202"]
    assert not [item for item in plan.functions if item.verdict != "keep"]
