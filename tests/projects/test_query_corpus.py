"""The whole async step on the query corpus: planned, rewritten, executed, compared."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from migrate_async.config import Settings
from migrate_async.model.plan import Step
from migrate_async.plan.planner import make_plan
from migrate_async.rewrite.engine import rewrite_text
from support import query_cases
from support.corpus_models import Base, seed
from support.query_cases import Case

CASES = [case for case in query_cases.find_cases() if "left" not in case.directives]


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("corpus") / "corpus.db"


@pytest.fixture(scope="module")
def engine(database: Path) -> Iterator[Engine]:
    made = create_engine(f"sqlite:///{database}", poolclass=NullPool)
    Base.metadata.create_all(made)
    with Session(made) as db:
        seed(db)
    yield made
    made.dispose()


@cache
def migrated(path: Path) -> str:
    text = path.read_text(encoding="utf-8")
    plan = make_plan(query_cases.index(text), Step.ALL, Settings())
    return rewrite_text(next(file for file in plan.files if file.path == "cases.py"), text)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
async def test_a_migrated_function_gives_what_the_legacy_one_did(
    case: Case, database: Path, engine: Engine
) -> None:
    legacy = query_cases.load(case.path.read_text(encoding="utf-8"), "legacy")
    converted = query_cases.load(migrated(case.path), "converted")
    expected = query_cases.run(getattr(legacy, case.name), engine)
    async_engine = create_async_engine(f"sqlite+aiosqlite:///{database}", poolclass=NullPool)
    try:
        actual = await query_cases.run_async(getattr(converted, case.name), async_engine)
    finally:
        await async_engine.dispose()
    assert actual.value == expected.value
