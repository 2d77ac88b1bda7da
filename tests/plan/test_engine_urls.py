"""Engines whose URL or arguments are those of a sync driver."""

from __future__ import annotations

import ast

import pytest

from migrate_async.knowledge import url_arguments as known
from migrate_async.model.plan import Step
from migrate_async.rewrite.codemod import plan_alone
from migrate_async.rewrite.engine import rewrite_text
from migrate_async.runtime import driver_arguments as rules

MODULE = """\
import os
from sqlalchemy import create_engine
from sqlalchemy.orm import Session, sessionmaker

URL = os.environ["DATABASE_URL"]
ARGUMENTS = {}
engine = ENGINE
SessionLocal = sessionmaker(bind=engine)


def save(db: Session):
    db.commit()
"""
CASES = [
    pytest.param(
        'create_engine("postgresql://localhost/shop?target_session_attrs=any")',
        'create_async_engine("postgresql+asyncpg://localhost/shop?target_session_attrs=any")',
        [],
        id="an argument that both drivers know",
    ),
    pytest.param(
        'create_engine("mysql+pymysql://h/d?charset=utf8mb4", pool_size=3)',
        'create_async_engine("mysql+aiomysql://h/d?charset=utf8mb4", pool_size=3)',
        [],
        id="the character set of MySQL",
    ),
    pytest.param(
        'create_engine("sqlite:///a.db?timeout=3", connect_args={"check_same_thread": False})',
        'create_async_engine("sqlite+aiosqlite:///a.db?timeout=3", '
        'connect_args={"check_same_thread": False})',
        [],
        id="SQLite takes what it took",
    ),
    pytest.param(
        'create_engine("postgresql://h/d?sslmode=require&connect_timeout=3")',
        'async_engine_from_url("postgresql://h/d?sslmode=require&connect_timeout=3")',
        [],
        id="arguments that are translated at run time",
    ),
    pytest.param(
        'create_engine("postgresql://h/d", connect_args={"options": "-c timezone=utc"})',
        'async_engine_from_url("postgresql://h/d", connect_args={"options": "-c timezone=utc"})',
        [],
        id="arguments outside of the URL",
    ),
    pytest.param(
        'create_engine("postgresql://h/d", connect_args=ARGUMENTS)',
        'async_engine_from_url("postgresql://h/d", connect_args=ARGUMENTS)',
        [],
        id="arguments that nobody can see",
    ),
    pytest.param(
        'create_engine("postgresql://h/d?colour=blue")',
        'async_engine_from_url("postgresql://h/d?colour=blue")',
        ["MA407"],
        id="an argument that nobody knows",
    ),
    pytest.param(
        "create_engine(URL, echo=True)",
        "async_engine_from_url(URL, echo=True)",
        ["MA401"],
        id="a URL from the environment",
    ),
]


@pytest.mark.parametrize(("before", "after", "codes"), CASES)
def test_the_engine_gets_what_its_driver_takes(before: str, after: str, codes: list[str]) -> None:
    text = MODULE.replace("ENGINE", before)
    plan = plan_alone(text, Step.ALL)
    (file,) = plan.files
    once = rewrite_text(file, text)
    made = [ast.unparse(node) for node in ast.parse(once).body if isinstance(node, ast.Assign)]
    assert ast.unparse(ast.parse(f"engine = {after}")) in made
    assert [found.code for found in plan.diagnostics if found.code.startswith("MA40")] == codes
    assert not plan_alone(once, Step.ALL).files, "a second run changes nothing"


@pytest.mark.parametrize("driver", sorted(known.KEPT))
def test_the_runtime_knows_the_same_arguments(driver: str) -> None:
    """What stays in the URL stays there, what is foreign has a rule, in both tables."""
    dialect = rules._DIALECTS[driver]
    kept = {name for name, rule in dialect.rules.items() if rule is rules.keep}
    assert known.KEPT[driver] <= kept
    assert known.TRANSLATED[driver] <= dialect.rules.keys() - kept
    assert known.FOREIGN[driver] == rules._FOREIGN[driver]


@pytest.mark.parametrize(
    ("engine", "codes"),
    [
        ("create_engine(URL, poolclass=StaticPool)", ["MA413"]),
        ('create_engine("postgresql://h/d", poolclass=pool.StaticPool)', ["MA413"]),
        ('create_engine("sqlite://", poolclass=StaticPool)', []),
        ("create_engine(MEMORY, poolclass=StaticPool)", []),
        (
            'create_engine(URL, connect_args={"check_same_thread": False}, poolclass=StaticPool)',
            [],
        ),
        ("create_engine(URL, poolclass=NullPool)", []),
    ],
)
def test_one_connection_for_all_is_reported(engine: str, codes: list[str]) -> None:
    text = "from sqlalchemy import pool\nfrom sqlalchemy.pool import NullPool, StaticPool\n"
    text += 'MEMORY = "sqlite://"\n' + MODULE.replace("ENGINE", engine)
    found = plan_alone(text, Step.ALL).diagnostics
    assert [item.code for item in found if item.code == "MA413"] == codes
