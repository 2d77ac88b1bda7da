"""A connection is offered a `with` block only where `with` closes it."""

from __future__ import annotations

import pytest

from migrate_async.lint.rules.connection_not_closed import ConnectionNotClosed
from support import linting

HEAD = """\
import psycopg2
from sqlalchemy import create_engine, text

engine = create_engine("postgresql:///shop")


def open_raw():
    return engine.raw_connection()


"""


@pytest.mark.parametrize(
    ("opening", "is_offered"),
    [
        ("engine.connect()", True),
        ("engine.raw_connection()", False),
        ("open_raw()", False),
        ('psycopg2.connect("dbname=shop")', False),
    ],
)
def test_with_block(opening: str, is_offered: bool) -> None:
    """`with` on a raw connection is no context manager, on psycopg2's it ends the transaction."""
    code = f"{HEAD}def load():\n    connection = {opening}\n    print(connection.info)\n"
    found = linting.findings(ConnectionNotClosed, code)
    assert [finding.fix is not None for finding in found] == [is_offered]
