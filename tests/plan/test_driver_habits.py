"""What works with psycopg2 alone is reported."""

from __future__ import annotations

import pytest

from migrate_async.config import Settings
from migrate_async.model.plan import Step
from migrate_async.plan.planner import make_plan
from support.projects import project

SOURCE = """
    import psycopg2
    from psycopg2 import errors
    from psycopg2.errors import UniqueViolation
    from sqlalchemy import create_engine, text
    from sqlalchemy.exc import IntegrityError
    from sqlalchemy.orm import Session

    engine = create_engine("{url}")

    def run(db: Session):
        try:
            db.execute(text({sql}))
            db.commit()
        except IntegrityError as error:
            return {answer}
"""


def codes(
    sql: str = '"select 1"', answer: str = "None", url: str = "postgresql://localhost/books"
) -> list[str]:
    files = {"app.py": SOURCE.format(sql=sql, answer=answer, url=url)}
    found = make_plan(project(files), Step.ALL, Settings())
    return [item.code for item in found.diagnostics if item.code in ("MA419", "MA421")]


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ('"delete from a; delete from b"', ["MA419"]),
        ('"delete from a;"', []),
        ("\"select ';' from a\"", []),
        ('"do $$ begin; perform 1; end $$"', []),
    ],
)
def test_several_statements_in_one_text(sql: str, expected: list[str]) -> None:
    assert codes(sql) == expected
    assert codes(sql, url="sqlite:///books.db") == []


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("isinstance(error.orig, UniqueViolation)", ["MA421"]),
        ("isinstance(error.orig, errors.UniqueViolation)", ["MA421"]),
        ("isinstance(error.orig, psycopg2.Error)", ["MA421"]),
        ("type(error.orig) is UniqueViolation", ["MA421"]),
        ('error.orig.pgcode == "23505"', []),
        ("isinstance(error, IntegrityError)", []),
    ],
)
def test_classes_of_its_errors(answer: str, expected: list[str]) -> None:
    assert codes(answer=answer) == expected
