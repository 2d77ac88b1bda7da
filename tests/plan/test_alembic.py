"""Alembic: which environments are left, and why; which revisions an async driver refuses."""

from __future__ import annotations

import pytest

from migrate_async.config import Settings
from migrate_async.model.plan import CopyAssignment, Plan, Step
from migrate_async.plan.alembic.revisions import has_several_statements
from migrate_async.plan.planner import make_plan
from support.projects import project

_ENV = """\
from alembic import context
from sqlalchemy import create_engine, engine_from_config, inspect

config = context.config


def do_run_migrations(connection):
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()

"""


def planned(body: str, step: Step = Step.ALEMBIC, **files: str) -> Plan:
    """The plan for an environment with the functions in `body`, and other modules."""
    named = {f"{name}.py": text for name, text in files.items()}
    return make_plan(project({"migrations/env.py": _ENV + body, **named}), step, Settings())


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        pytest.param(
            """
def run_migrations_online():
    engine = create_engine("sqlite:///a.db")
    print(inspect(engine).get_table_names())
    with engine.connect() as connection:
        do_run_migrations(connection)

run_migrations_online()
""",
            "engine is used for more than connecting",
            id="inspected",
        ),
        pytest.param(
            """
def run_migrations_online():
    engine = config.attributes["engine"]
    with engine.connect() as connection:
        do_run_migrations(connection)

run_migrations_online()
""",
            "it is not clear how its engine is made",
            id="passed by the caller",
        ),
        pytest.param(
            """
def run_migrations_online():
    engine = create_engine("sqlite:///a.db")
    with engine.connect() as connection:
        version = connection.exec_driver_sql("SELECT 1").scalar()
        do_run_migrations(connection)
    print(version)

run_migrations_online()
""",
            "version lives in and outside of the connection",
            id="a value goes out",
        ),
        pytest.param(
            """
def run_migrations_online():
    engine = create_engine("sqlite:///a.db")
    with engine.connect() as connection:
        if connection.in_transaction():
            return
        do_run_migrations(connection)

run_migrations_online()
""",
            "a block with a connection is left half-way",
            id="returns",
        ),
        pytest.param(
            """
def run_migrations_online():
    for url in ["sqlite:///a.db"]:
        engine = create_engine(url)
        with engine.connect() as connection:
            do_run_migrations(connection)
            break

run_migrations_online()
""",
            "a block with a connection is left half-way",
            id="breaks",
        ),
        pytest.param(
            """
def run_migrations_online():
    engines = {name: create_engine(name) for name in ["sqlite:///a.db"]}
    for name, engine in engines.items():
        connection = engine.connect()
        do_run_migrations(connection)

run_migrations_online()
""",
            "no function opens a connection in it",
            id="several databases in a dict",
        ),
    ],
)
def test_what_is_not_understood_is_left_and_reported(body: str, reason: str) -> None:
    plan = planned(body)
    assert plan.files == ()
    assert [(d.code, d.message.partition(": ")[2]) for d in plan.diagnostics] == [("MA561", reason)]


def test_a_function_called_by_another_module_is_left() -> None:
    body = """
def run_migrations_online():
    engine = create_engine("sqlite:///a.db")
    with engine.connect() as connection:
        do_run_migrations(connection)
"""
    other = "from migrations.env import run_migrations_online\n\nrun_migrations_online()\n"
    plan = planned(body, other=other)
    assert plan.files == ()
    assert "is called by another module" in plan.diagnostics[0].message


_ASKED = """
def run_migrations_online():
    engine = create_engine("postgresql://localhost/a")
    with engine.connect() as connection:
        do_run_migrations(connection)

run_migrations_online()
"""

_REVISION = """
from alembic import op

revision = "1"
down_revision = None


def upgrade():
    op.execute("UPDATE a SET b = 'x;y'")
    op.execute('''
        CREATE TABLE a (id int);
        CREATE INDEX i ON a (id);
    ''')
"""


def test_revisions_with_several_statements_are_reported_with_the_environment() -> None:
    found = planned(_ASKED, first=_REVISION).diagnostics
    assert [(d.path, d.line, d.code) for d in found] == [("first.py", 10, "MA562")]


@pytest.mark.parametrize(
    ("sql", "several"),
    [
        ("SELECT 1", False),
        ("SELECT 1;", False),
        ("SELECT 1; -- done", False),
        ("SELECT ';'; \n", False),
        ("SELECT 1; SELECT 2", True),
        ("CREATE FUNCTION f() AS $$ BEGIN x; y; END $$ LANGUAGE plpgsql;", False),
        ("CREATE FUNCTION f() AS $a$ x; y; $a$; DROP TABLE t", True),
        ("/* a; b */ SELECT 1", False),
    ],
)
def test_statements_are_counted_outside_of_strings(sql: str, several: bool) -> None:
    assert has_several_statements(sql) is several


_LEGACY_APP = """
from sqlalchemy import create_engine
from sqlalchemy.orm import Session, sessionmaker

URL = "sqlite:///a.db"
engine = create_engine(URL)
SessionLocal = sessionmaker(bind=engine)


def names(db: Session):
    return db.execute("SELECT 1").all()


def main():
    with SessionLocal() as db:
        return names(db)
"""


def test_an_engine_in_a_revision_stays_sync() -> None:
    """Alembic runs it inside of a sync function, whatever the application does."""
    revision = _REVISION.replace(
        "def upgrade", "def engine():\n    bind = create_engine('sqlite:///a.db')\n\ndef upgrade"
    ).replace("from alembic", "from sqlalchemy import create_engine\nfrom alembic")
    plan = make_plan(
        project({"app.py": _LEGACY_APP, "versions/first.py": revision}), Step.ALL, Settings()
    )
    assert [file.path for file in plan.files] == ["app.py"]


def test_the_sync_twin_of_an_engine_keeps_the_sync_url() -> None:
    """The variable that held it names the async driver from now on."""
    revision = _REVISION.replace('op.execute("UPDATE', 'Session(engine).execute("UPDATE').replace(
        "from alembic", "from app import engine\nfrom sqlalchemy.orm import Session\nfrom alembic"
    )
    files = {"app.py": _LEGACY_APP, "versions/first.py": revision}
    plan = make_plan(project(files), Step.ALL, Settings())
    (copy,) = [edit for edit in plan.files[0].edits if isinstance(edit, CopyAssignment)]
    assert (copy.name, dict(copy.names)) == ("sync_engine", {"URL": '"sqlite:///a.db"'})


def test_functions_of_an_async_environment_stay_as_alembic_calls_them() -> None:
    """What `run_sync` runs gets a sync connection for good."""
    body = """
async def run_migrations_online():
    from sqlalchemy.ext.asyncio import create_async_engine

    engine = create_async_engine("sqlite+aiosqlite:///a.db")
    async with engine.connect() as connection:
        await connection.run_sync(do_run_migrations)
"""
    env = (_ENV + body).replace(
        "(connection):\n",
        "(connection):\n    connection.exec_driver_sql('SELECT 1')\n",
    )
    files = {"app.py": _LEGACY_APP, "migrations/env.py": env}
    plan = make_plan(project(files), Step.ALL, Settings())
    assert [file.path for file in plan.files] == ["app.py"]
