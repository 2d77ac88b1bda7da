"""What code does with a session: reads, writes, endings, and what is handed on."""

from __future__ import annotations

import pytest

from migrate_async.index.project import Project
from migrate_async.lint.resources.repetition import Repetition
from migrate_async.lint.transactions.deeds import Act, Deeds
from migrate_async.lint.transactions.managers import lent_sessions, only_closes
from migrate_async.lint.transactions.waits import Waits
from migrate_async.lint.view import View
from support.projects import find_call, project

HEAD = """\
from sqlalchemy import delete, insert, select, text
from sqlalchemy.orm import Session

"""


def acts(code: str, name: str = "f") -> list[Act]:
    """The acts on `db` in the function `f(db)` whose body is `code`."""
    body = "".join(f"    {line}\n" for line in code.splitlines())
    linked = project({"m.py": f"{HEAD}\ndef {name}(db: Session, x):\n{body}"})
    function = linked.function(f"m.{name}")
    assert function is not None
    deeds = View(linked).analysis(Deeds)
    return sorted(deeds.of_parameter(function, "db"), key=lambda act: act.value)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("db.execute(select(x))", [Act.READ]),
        ("db.execute(insert(x).values(a=1))", [Act.WRITE]),
        ("db.execute(x.__table__.update().where(x.a == 1))", [Act.WRITE]),
        ("db.execute(text('  update items set a = 1'))", [Act.WRITE]),
        ("db.execute(text(f'DELETE FROM {x}'))", [Act.WRITE]),
        (
            "statement = delete(x)\nstatement = statement.where(x.a)\ndb.execute(statement)",
            [Act.WRITE],
        ),
        ("db.query(x).filter(x.a).all()", [Act.READ]),
        ("db.query(x).filter(x.a).delete()", [Act.WRITE]),
        ("return db.query(x).filter(x.a)", [Act.OTHER]),
        ("db.add(x)", [Act.STAGE]),
        ("db.add(x)\ndb.commit()", [Act.COMMIT, Act.STAGE]),
        ("with db.begin():\n    db.flush()", [Act.BEGIN, Act.FLUSH]),
        ("return db", [Act.ESCAPE]),
        ("unknown(db)", [Act.ESCAPE]),
        ("db.bind", [Act.OTHER]),
    ],
)
def test_acts(code: str, expected: list[Act]) -> None:
    """Each statement is taken for what it does to the transaction."""
    assert acts(code) == expected


CALLS = f"""{HEAD}
def outer(db: Session, x):
    inner(db, x)


def inner(session, x):
    session.add(x)
    session.commit()


def loop(db: Session, x):
    db.flush()
    loop(db, x)
"""


def test_what_is_handed_on_counts() -> None:
    """The acts of the functions that get the session, under whatever name; recursion ends."""
    linked = project({"m.py": CALLS})
    deeds = View(linked).analysis(Deeds)
    outer, loop = linked.function("m.outer"), linked.function("m.loop")
    assert outer is not None
    assert loop is not None
    assert deeds.of_parameter(outer, "db") == {Act.STAGE, Act.COMMIT}
    assert deeds.of_parameter(loop, "db") == {Act.FLUSH}


MANAGERS = """\
from contextlib import contextmanager

from sqlalchemy.orm import sessionmaker

SessionLocal = sessionmaker()


@contextmanager
def closing_only():
    with SessionLocal() as db:
        yield db


@contextmanager
def committing():
    with SessionLocal() as db:
        yield db
        db.commit()


@contextmanager
def around_closing():
    with closing_only() as inner:
        yield inner


@contextmanager
def around_committing():
    with committing() as inner:
        yield inner


@contextmanager
def beginning():
    with SessionLocal.begin() as db:
        yield db


def use():
    with {manager}() as db:
        db.add(1)
"""


@pytest.mark.parametrize(
    ("manager", "expected"),
    [
        ("closing_only", True),
        ("around_closing", True),
        ("committing", False),
        ("around_committing", False),
        ("beginning", False),
    ],
)
def test_what_a_context_manager_does_at_its_end(manager: str, expected: bool) -> None:
    """Followed through the context managers that it uses itself."""
    linked = project({"m.py": MANAGERS.replace("{manager}", manager)})
    use = linked.function("m.use")
    assert use is not None
    [(name, _, found)] = lent_sessions(use, linked)
    assert (name, found.name) == ("db", manager)
    assert only_closes(found, linked, View(linked).analysis(Deeds)) is expected


WAITS = """\
import time

import boto3
import httpx
import requests
from openai import OpenAI

client = OpenAI()


def direct(url):
    requests.get(url)
    boto3.client("s3").upload_file("a", "b", "c")
    client.chat.completions.create(model="m")
    with httpx.Client() as http:
        http.post(url)
        http.close()
    time.sleep(0)
    url.get()


def caller(url):
    direct(url)
"""


@pytest.mark.parametrize(
    ("function", "callee", "expected"),
    [
        ("direct", "get", ("requests.get", True)),
        ("direct", "upload_file", ("boto3.client", True)),
        ("direct", "create", ("openai.OpenAI", True)),
        ("direct", "post", ("httpx.Client", True)),
        ("direct", "close", ("", False)),
        ("direct", "sleep", ("", False)),
        ("caller", "direct", ("requests.get", False)),
    ],
)
def test_waits(function: str, callee: str, expected: tuple[str, bool]) -> None:
    """Calls of services are known by their libraries, also below a function of the project."""
    linked = project({"m.py": WAITS})
    call = find_call(linked, f"m.{function}", callee)
    assert Waits(linked).of_call(call, linked.scope_of(call)) == expected


def repetition(files: dict[str, str], name: str) -> tuple[bool, bool]:
    """Whether the function runs once, and whether it runs often."""
    linked: Project = project(files)
    function = linked.function(name)
    assert function is not None
    answers = Repetition(linked)
    return answers.is_once(function), answers.is_often(function)


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"m.py": "def f():\n    pass\n\n\nf()\n"}, (True, False)),
        ({"m.py": "def f():\n    pass\n"}, (False, False)),
        ({"m.py": "def f():\n    pass\n\n\ndef main():\n    f()\n"}, (True, False)),
        (
            {
                "m.py": "from fastapi import FastAPI\n\napp = FastAPI()\n\n\ndef f():\n    pass\n"
                '\n\n@app.get("/")\ndef index():\n    f()\n'
            },
            (False, True),
        ),
        (
            {
                "m.py": "def f():\n    pass\n",
                "tests/test_m.py": "from m import f\n\n\ndef test_f():\n    f()\n",
            },
            (True, False),
        ),
    ],
)
def test_repetition(files: dict[str, str], expected: tuple[bool, bool]) -> None:
    """Import, start-up and tests run a function once; routes run it often."""
    assert repetition(files, "m.f") == expected
