"""Comments go where they suppress, and change nothing else."""

from __future__ import annotations

import pytest

from migrate_async.config import Settings
from migrate_async.index.extract import extract
from migrate_async.lint.noqa import with_comments
from migrate_async.lint.rules.legacy_query import LegacyQuery
from migrate_async.lint.rules.unused_suppression import UnusedSuppression
from migrate_async.lint.run import run
from support.projects import project

HEAD = "from sqlalchemy.orm import Session\n\n\ndef f(db: Session):\n"
CASES = {
    "x = db.query(1)": "x = db.query(1)  # noqa: MA801",
    "x = db.query(1)  # noqa: E501": "x = db.query(1)  # noqa: E501, MA801",
    "x = db.query(1)  # noqa: E501 long": "x = db.query(1)  # noqa: E501, MA801 long",
    "x = db.query(1)  # why": "x = db.query(1)  # why  # noqa: MA801",
    "x = db.query(1), db.query(2)": "x = db.query(1), db.query(2)  # noqa: MA801",
    "x = [\n        db.query(1),\n    ]": "x = [\n        db.query(1),\n    ]  # noqa: MA801",
    "if db.query(1):\n        pass": "if db.query(1):  # noqa: MA801\n        pass",
    'x = db.query("""\n    """)': 'x = db.query("""\n    """)  # noqa: MA801',
    "x = 1 + \\\n        db.query(1)": "x = 1 + \\\n        db.query(1)  # noqa: MA801",
    "x = 'ñ', db.query(1)  # noqa: E501": "x = 'ñ', db.query(1)  # noqa: E501, MA801",
    'if db.query("""\n    """):\n        x': 'if db.query("""\n    """):  # noqa: MA801\n        x',
}


def commented(body: str, reason: str = "", newline: str = "\n") -> str:
    text = f"{HEAD}    {body}\n".replace("\n", newline)
    found = run(project({"a.py": text}), Settings(), [LegacyQuery]).findings
    assert found
    return with_comments(text, extract(text), found, reason)


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("body", CASES)
def test_a_comment_is_written_and_suppresses(body: str, newline: str) -> None:
    after = commented(body, newline=newline)
    assert after == f"{HEAD}    {CASES[body]}\n".replace("\n", newline)
    outcome = run(project({"a.py": after}), Settings(), [LegacyQuery, UnusedSuppression])
    assert outcome.findings == ()


def test_a_reason_follows_the_codes() -> None:
    after = commented("x = db.query(1)", "before the migration")
    assert after.endswith("  # noqa: MA801 before the migration\n")


def test_a_finding_where_no_comment_fits_gets_none() -> None:
    """A line that ends in a backslash cannot have one."""
    body = "if db.query(1) + \\\n        1: pass"
    assert commented(body) == f"{HEAD}    {body}\n"


def test_a_file_without_an_end_of_line() -> None:
    text = f"{HEAD}    return db.query(1)"
    found = run(project({"a.py": text}), Settings(), [LegacyQuery]).findings
    assert with_comments(text, extract(text), found) == f"{text}  # noqa: MA801"
