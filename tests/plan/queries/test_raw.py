"""SQL given as strings, parameters given as keywords, and `engine.execute()`."""

from __future__ import annotations

import textwrap

import pytest
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from migrate_async.config import Settings
from migrate_async.model.plan import Step
from migrate_async.model.selection import Selection
from migrate_async.plan.planner import make_plan
from migrate_async.rewrite.engine import rewrite_text
from support import query_cases
from support.projects import project

PREAMBLE = """\
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session

engine = create_engine("sqlite://")
SQL = "SELECT 2"


"""


def _converted(body: str, *, awaited: bool = False) -> str:
    source = f"{PREAMBLE}def case(db: Session, x=None):\n{textwrap.indent(body, '    ')}\n"
    after = query_cases.convert(source, awaited=awaited)
    return textwrap.dedent(after.partition("x=None):\n")[2]).strip()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("db.execute('SELECT 1')", "db.execute(text('SELECT 1'))"),
        ("db.execute(f'SELECT {x}')", "db.execute(text(f'SELECT {x}'))"),
        ("db.execute('SELECT ' + x)", "db.execute(text('SELECT ' + x))"),
        ("db.execute('SELECT %d' % x)", "db.execute(text('SELECT %d' % x))"),
        ("db.execute('SELECT {}'.format(x))", "db.execute(text('SELECT {}'.format(x)))"),
        ("db.execute(SQL)", "db.execute(text(SQL))"),
        ("db.execute(statement='SELECT 1')", "db.execute(statement=text('SELECT 1'))"),
        ("db.scalar('SELECT 1')", "db.scalar(text('SELECT 1'))"),
        ("db.execute('SELECT :a', {'a': 1})", "db.execute(text('SELECT :a'), {'a': 1})"),
        ("db.execute(text('SELECT :a'), a=x)", "db.execute(text('SELECT :a'), params={\"a\": x})"),
    ],
)
def test_strings_become_text_and_keywords_a_dict(before: str, after: str) -> None:
    assert _converted(before) == after


@pytest.mark.parametrize(
    "body",
    [
        "db.execute(text('SELECT 1'))",
        "db.execute(x)",
        "db.execute(x.statement, {'a': 1})",
        "x.execute('SELECT 1')",
        "db.execute(text('SELECT :a'), params={'a': 1})",
    ],
)
def test_what_is_right_or_unknown_stays(body: str) -> None:
    assert _converted(body) == body


def test_connection_names_its_parameters_differently() -> None:
    body = "with engine.connect() as connection:\n    connection.execute('SELECT :a', a=1)"
    assert _converted(body).endswith("connection.execute(text('SELECT :a'), parameters={\"a\": 1})")


@pytest.mark.parametrize(
    "statement",
    [
        "engine.execute('DELETE FROM t')",
        "rows = engine.execute('SELECT 1').fetchall()",
        "return engine.scalar('SELECT 1')",
        "for row in engine.execute('SELECT 1'):\n    print(row)",
    ],
)
def test_engine_execute_gets_a_connection(statement: str) -> None:
    """A transaction that commits, as the autocommit of 1.x did."""
    inner = (
        statement.replace("engine.", "connection.").replace("('", "(text('").replace("')", "'))")
    )
    block = "with engine.begin() as connection:\n"
    assert _converted(statement) == block + textwrap.indent(inner, "    ")


def test_connection_gets_a_free_name() -> None:
    body = "connection = x\nengine.execute(SQL)\nreturn connection"
    assert "with engine.begin() as connection_2:" in _converted(body)


def test_engine_execute_in_a_coroutine_function() -> None:
    body = "db.execute('SELECT 1')\nrows = engine.execute(SQL).fetchall()"
    after = _converted(body, awaited=True)
    assert "async with engine.begin() as connection:" in after
    assert "rows = (await connection.execute(text(SQL))).fetchall()" in after


def test_result_that_outlives_the_statement_stays() -> None:
    body = "result = engine.execute(SQL)\nreturn result.fetchall()"
    assert _converted(body) == body


def test_converted_code_runs() -> None:
    """The legacy form does not run on 2.x any more."""
    body = (
        "one = db.execute('SELECT :a', a=1).scalar()\n"
        "two = engine.execute(SQL).scalar()\n"
        "return one, two"
    )
    module = query_cases.load(
        query_cases.convert(f"{PREAMBLE}def case(db: Session):\n{textwrap.indent(body, '    ')}\n"),
        "raw",
    )
    with Session(create_engine("sqlite://")) as db:
        assert module.case(db) == (1, 2)


ENGINE = """\
from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker

engine = create_engine("sqlite:///app.db")
SessionLocal = sessionmaker(bind=engine)
"""
SCRIPT = """\
from sqlalchemy import create_engine

from database import SessionLocal, engine


def names():
    return engine.execute("SELECT name FROM users").all()


def clean(db):
    db.execute("DELETE FROM users")
    db.commit()


def other(url):
    mirror = create_engine(url)
    result = mirror.execute("SELECT 1")
    return result
"""


def test_functions_without_a_query_are_translated_with_their_colour() -> None:
    """`engine.execute()` colours a function; one that cannot be translated keeps its engine."""
    files = {"database.py": ENGINE, "script.py": SCRIPT}
    plan = make_plan(project(files), Step.ALL, Settings())
    [script] = [file for file in plan.files if file.path == "script.py"]
    after = rewrite_text(script, SCRIPT)
    assert "async with engine.begin() as connection:" in after
    assert 'await connection.execute(text("SELECT name FROM users"))' in after
    assert 'await db.execute(text("DELETE FROM users"))' in after
    assert SCRIPT.partition("def other")[2] in after, "as it was"
    assert {(item.function, item.verdict) for item in plan.functions} == {
        ("script.names", "convert"),
        ("script.clean", "convert"),
        ("script.other", "keep"),
    }


def test_they_wait_for_their_turn() -> None:
    files = {
        "database.py": ENGINE,
        "script.py": SCRIPT,
        "other.py": "def other(db):\n    db.flush()\n",
    }
    plan = make_plan(project(files), Step.ALL, Settings(), Selection(paths=("other.py",)))
    [script] = [file for file in plan.files if file.path == "script.py"]
    assert "text(" not in rewrite_text(script, SCRIPT)
