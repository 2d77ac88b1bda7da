"""Every query case does the same before and after, on a sync and on an async session."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from support import query_cases
from support.corpus_models import Base, seed
from support.query_cases import Case

CASES = query_cases.find_cases()


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("corpus") / "corpus.db"
    engine = create_engine(f"sqlite:///{path}")
    Base.metadata.create_all(engine)
    with Session(engine) as db:
        seed(db)
    engine.dispose()
    return path


@pytest.fixture(scope="module")
def engine(database: Path) -> Iterator[Engine]:
    made = create_engine(f"sqlite:///{database}", poolclass=NullPool)
    yield made
    made.dispose()


@cache
def _before(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@cache
def _after(path: Path, *, awaited: bool) -> str:
    return query_cases.convert(_before(path), awaited=awaited)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_sync_form_does_the_same(case: Case, engine: Engine) -> None:
    """The converted function gives the same, with the same SQL unless the case says why not."""
    legacy = query_cases.load(_before(case.path), "legacy")
    converted = query_cases.load(_after(case.path, awaited=False), "converted")
    expected = query_cases.run(getattr(legacy, case.name), engine)
    actual = query_cases.run(getattr(converted, case.name), engine)
    assert actual.value == expected.value
    if "sql" in case.directives:
        assert actual.sql != expected.sql, "the case says that the SQL differs"
    else:
        assert actual.sql == expected.sql


@pytest.mark.parametrize(
    "case", [case for case in CASES if "left" not in case.directives], ids=lambda case: case.id
)
async def test_awaited_form_does_the_same(case: Case, database: Path, engine: Engine) -> None:
    """So does the awaited one on an `AsyncSession`."""
    legacy = query_cases.load(_before(case.path), "legacy")
    converted = query_cases.load(_after(case.path, awaited=True), "converted")
    expected = query_cases.run(getattr(legacy, case.name), engine)
    async_engine = create_async_engine(f"sqlite+aiosqlite:///{database}", poolclass=NullPool)
    try:
        actual = await query_cases.run_async(getattr(converted, case.name), async_engine)
    finally:
        await async_engine.dispose()
    assert actual.value == expected.value
    if not case.directives.keys() & {"sql", "async-sql"}:
        assert actual.sql == expected.sql


@pytest.mark.parametrize("path", sorted({case.path for case in CASES}), ids=lambda path: path.stem)
@pytest.mark.parametrize("awaited", [False, True], ids=["sync", "awaited"])
def test_second_run_changes_nothing(path: Path, awaited: bool) -> None:
    """Converted text has nothing left to convert."""
    once = _after(path, awaited=awaited)
    assert query_cases.convert(once, awaited=False) == once


@pytest.mark.parametrize("path", sorted({case.path for case in CASES}), ids=lambda path: path.stem)
def test_only_declared_chains_are_left(path: Path) -> None:
    """A case that does not say otherwise is translated whole."""
    found = query_cases.plan(query_cases.index(_before(path)))
    left = {
        (chain.function.name, chain.code) for chain in found.chains if chain.state != "translate"
    }
    declared = {
        (case.name, case.directives["left"])
        for case in CASES
        if case.path == path and "left" in case.directives
    }
    assert left == declared
