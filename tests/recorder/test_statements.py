"""Statements, values and the ends of transactions as they are recorded."""

from __future__ import annotations

import datetime
import time
import uuid
from pathlib import Path
from typing import Any

import pytest

from migrate_async.model.profile import Execution, Profile
from migrate_async.recorder.sql import normalise, rows, values
from migrate_async.recorder.values import Values
from support.recorded import line_of, record


@pytest.mark.parametrize(
    ("text", "style", "expected", "parameters", "row"),
    [
        ("SELECT  a\nFROM t WHERE b = ?", "qmark", "SELECT a FROM t WHERE b = ?", (1,), [1]),
        ("SELECT %s, %s", "format", "SELECT ?, ?", (1, 2), [1, 2]),
        ("b = %(b)s AND a = %(a)s", "pyformat", "b = ? AND a = ?", {"a": 1, "b": 2}, [2, 1]),
        ("a = %(a)s OR a = %(a)s", "pyformat", "a = ? OR a = ?", {"a": 1}, [1, 1]),
        ("a LIKE '%%x' AND b = %s", "format", "a LIKE '%x' AND b = ?", (1,), [1]),
        ("a = :a AND b = '12:30'", "named", "a = ? AND b = '12:30'", {"a": 1}, [1]),
        ("a = :2 AND b = :1", "numeric", "a = ? AND b = ?", (1, 2), [2, 1]),
        ("a = $1::INTEGER", "numeric_dollar", "a = ?", (1,), [1]),
        ("a = $1::VARCHAR(20), b = $2", "numeric_dollar", "a = ?, b = ?", (1, 2), [1, 2]),
        ("a = $1::TIMESTAMP WITH TIME ZONE", "numeric_dollar", "a = ?", (1,), [1]),
        ("a = ANY($1::INTEGER[])", "numeric_dollar", "a = ANY(?)", ([1],), [[1]]),
        ("a = %(a)s::JSONB", "pyformat", "a = ?", {"a": 1}, [1]),
        ("a::TEXT = 'x'", "numeric_dollar", "a::TEXT = 'x'", (), []),
        ("a = '?' AND \"?\" = ?", "qmark", "a = '?' AND \"?\" = ?", (1,), [1]),
        ("a = 'it''s ?' AND b = ?", "qmark", "a = 'it''s ?' AND b = ?", (1,), [1]),
    ],
)
def test_placeholders_are_the_same_for_all_drivers(
    text: str, style: str, expected: str, parameters: Any, row: list[Any]
) -> None:
    found = normalise(text, style)
    assert found.text == expected
    assert values(found, parameters) == row


@pytest.mark.parametrize(
    ("text", "expected", "rows_of_it"),
    [
        ("INSERT INTO t (a, b) VALUES (?, ?), (?, ?)", "INSERT INTO t (a, b) VALUES (?, ?)", 2),
        (
            "INSERT INTO t (a) VALUES (?), (?) RETURNING a",
            "INSERT INTO t (a) VALUES (?) RETURNING a",
            2,
        ),
        ("INSERT INTO t (a) VALUES (?), (lower(?))", None, 1),
        ("INSERT INTO t (a) VALUES (?), (?) ON CONFLICT DO UPDATE SET a = ?", None, 1),
        ("INSERT INTO t (a) VALUES (?)", None, 1),
    ],
)
def test_an_insert_of_many_rows_is_one_with_many_rows(
    text: str, expected: str | None, rows_of_it: int
) -> None:
    found = normalise(text, "qmark")
    assert found.text == (expected or text)
    assert len(rows(found, list(range(text.count("?"))))) == rows_of_it


def test_a_statement_without_values_has_no_rows() -> None:
    assert rows(normalise("SELECT 1", "qmark"), ()) == []


NOW = datetime.datetime.now(datetime.timezone.utc)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (3, "3"),
        (1.5, "1.5"),
        ('a "b"\nä', '"a \\"b\\"\\nä"'),
        ("x" * 201, "<text 201 "),
        (b"abc", "<bytes 3 ba7816bf8f01>"),
        ([1, "a"], '[1, "a"]'),
        (datetime.date(2020, 2, 29), "<date 2020-02-29>"),
        (datetime.datetime(2020, 2, 29, 10), "<datetime 2020-02-29T10:00:00>"),
        (datetime.time(10), "<time 10:00:00>"),
        ("2020-02-29 10:00:00", '"2020-02-29 10:00:00"'),
        (NOW, "<now>"),
        (NOW.replace(tzinfo=None), "<now>"),
        (datetime.datetime.now(), "<now>"),
        (str(NOW.replace(tzinfo=None)), "<now>"),
        (time.time(), "<now>"),
        (NOW.date(), "<today>"),
        (str(NOW.date()), "<today>"),
        ("$2b$12$abcdefghijklmnopqrstuv", "<hash>"),
        (uuid.uuid4(), "<uuid 1>"),
        (str(uuid.uuid4()), "<uuid 1>"),
        (uuid.uuid4().hex, "<uuid 1>"),
        ("2020-13-99 10:00:00", '"2020-13-99 10:00:00"'),
        ("20", '"20"'),
    ],
    ids=[f"value-{number}" for number in range(25)],  # moments differ from worker to worker
)
def test_values_are_text(value: Any, text: str) -> None:
    assert Values().text(value).startswith(text)


def test_a_point_in_time_that_was_reckoned_from_now() -> None:
    now = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=1)
    values = [now + datetime.timedelta(days=1), now - datetime.timedelta(hours=2)]
    assert [Values().text(value) for value in values] == ["<now +24h>", "<now -2h>"]
    minutes = now + datetime.timedelta(minutes=20)
    assert Values().text(minutes) == f"<datetime {minutes.isoformat()}>"
    written = values[0].replace(microsecond=0)
    assert Values().text(written) == f"<datetime {written.isoformat()}>"


def test_uuids_are_numbered_as_they_appear() -> None:
    one, two = uuid.uuid4(), uuid.uuid4()
    known = Values()
    texts = [known.text(value) for value in (one, two, str(one), two.hex)]
    assert texts == ["<uuid 1>", "<uuid 2>", "<uuid 1>", "<uuid 2>"]
    assert known.text(f"user_{two}@example.com") == '"user_<uuid 2>@example.com"'
    assert known.text(f"a{one}") == f'"a{one}"', "digits go on: it may be something else"


# --- in a process ------------------------------------------------------------------------------

START = "from models import *\n\nengine = filled()\ndb = Session(engine)\n"


def executions(profile: Profile, text: str) -> list[Execution]:
    """Those of the statements that start with `text`, and are not of `filled`."""
    (test,) = profile.tests
    return [
        run
        for run in test.executions
        if profile.statements[run.statement].startswith(text) and run.at.startswith("main.py")
    ]


def test_a_statement_has_its_place_and_parameters(tmp_path: Path) -> None:
    text = START + "db.query(Author).filter(Author.name == 'Ann').one()  # query\n"
    (run,) = executions(record(tmp_path, text), "SELECT")
    assert run.at == f"main.py:{line_of(text, 'query')}"
    assert run.parameters == (('"Ann"',),)
    assert run.cause == ""


def test_equal_executions_in_succession_are_counted(tmp_path: Path) -> None:
    text = START + "for _ in range(3):\n    db.query(Author.id).all()\n"
    (run,) = executions(record(tmp_path, text), "SELECT")
    assert run.count == 3


def test_many_rows_are_rows(tmp_path: Path) -> None:
    text = START + (
        "insert = Author.__table__.insert()\n"
        "db.execute(insert, [{'name': 'Eve'}, {'name': 'Dan'}])\n"
    )
    (run,) = executions(record(tmp_path, text), "INSERT")
    assert run.parameters == (('"Dan"',), ('"Eve"',))


@pytest.mark.parametrize(
    ("lines", "causes"),
    [
        (["db.query(Author).first().books"], ["", "lazy"]),
        (["author = db.get(Author, 1)", "db.get(Author, 1)"], ["get"]),
        (["db.get(Author, 1, options=[joinedload(Author.books)])"], ["get"]),
        (["db.get(Author, 1, options=[selectinload(Author.books)])"], ["get", "eager"]),
        (["db.query(Book).first().author"], ["", "lazy"]),
        (["db.query(Author).options(selectinload(Author.books)).all()"], ["", "eager"]),
        (["author = db.query(Author).first()", "db.refresh(author)"], ["", "refresh"]),
        (
            [
                "options = selectinload(Book.author), selectinload(Book.pages)",
                "book = db.query(Book).options(*options).first()",
                "db.expire_all()",
                "db.refresh(book)",
            ],
            ["", "eager", "eager", "refresh", "eager", "eager"],
        ),
        (["author = db.query(Author).first()", "db.commit()", "author.name"], ["", "refresh"]),
        (["db.delete(db.query(Author).first())", "db.flush()"], ["", "lazy", "lazy", "lazy"]),
    ],
    ids=[
        "lazy",
        "get",
        "get and join",
        "get and more",
        "many to one",
        "eager",
        "refresh",
        "eager refresh",
        "expired",
        "cascade",
    ],
)
def test_the_cause_of_a_statement(lines: list[str], causes: list[str], tmp_path: Path) -> None:
    profile = record(tmp_path, START + "\n".join(lines) + "\n")
    assert [run.cause for run in executions(profile, "SELECT")] == causes


def test_the_ends_of_transactions_and_savepoints(tmp_path: Path) -> None:
    text = START + (
        "db.add(Author(name='Dan'))\ndb.flush()\n"
        "with db.begin_nested():\n    db.add(Author(name='Eve'))\n"
        "nested = db.begin_nested()\ndb.execute(select(1))\nnested.rollback()\n"
        "db.commit()\ndb.execute(select(1))\ndb.rollback()\n"
    )
    profile = record(tmp_path, text)
    (test,) = profile.tests
    run = [profile.statements[e.statement] for e in test.executions if e.at.startswith("main.py")]
    ends = [text for text in run if not text.startswith(("INSERT", "SELECT"))]
    assert ends == [
        "SAVEPOINT",
        "RELEASE SAVEPOINT",
        "SAVEPOINT",
        "ROLLBACK TO SAVEPOINT",
        "COMMIT",
        "ROLLBACK",
    ]


def test_what_it_ran_on(tmp_path: Path) -> None:
    (found,) = record(tmp_path, START).environments
    assert found.startswith("python 3.")
    assert found.endswith(", sqlite+pysqlite")


def test_two_equal_runs_give_equal_profiles(tmp_path: Path) -> None:
    text = START + "db.delete(db.query(Author).first())\ndb.commit()\n"
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    assert record(tmp_path / "one", text) == record(tmp_path / "two", text)
