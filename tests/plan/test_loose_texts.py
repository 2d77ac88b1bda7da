"""Columns of text that meet UUIDs and numbers: asyncpg takes none of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from migrate_async.config import Settings
from migrate_async.model.plan import Step
from migrate_async.plan.planner import make_plan
from support.databases import fresh_database
from support.migration import printed, tree, write
from support.projects import project

_SOURCE = """\
import uuid
from uuid import UUID, uuid4

from fastapi import Depends, FastAPI
from sqlalchemy import Column, Integer, String, create_engine
from sqlalchemy.orm import Session, declarative_base, sessionmaker

engine = create_engine("{url}")
SessionLocal = sessionmaker(bind=engine)
Base = declarative_base()
app = FastAPI()


class Job(Base):
    __tablename__ = "jobs"
    id = Column(Integer, primary_key=True)
    template = Column({column})


def get_db():
    with SessionLocal() as db:
        yield db


@app.on_event("startup")
def fill():
    Base.metadata.drop_all(engine)
    Base.metadata.create_all(engine)


@app.post("/jobs")
def create(template: {kind}, db: Session = Depends(get_db)):
    job = Job({given})
    db.add(job)
    db.commit()
    return len(job.template)


@app.get("/jobs")
def count(template: {kind}, db: Session = Depends(get_db)):
    return db.query(Job).filter(Job.template == str(template)).count()
"""
_POSTGRESQL = "postgresql://localhost/jobs"
_GIVEN = {"column": "String", "kind": "str", "given": "template=template"}


@pytest.mark.parametrize(
    ("changes", "url", "is_told"),
    [
        ({"kind": "UUID"}, _POSTGRESQL, True),
        ({"kind": "int"}, _POSTGRESQL, True),
        ({"kind": "UUID", "given": ")\n    job.template = (template"}, _POSTGRESQL, True),
        ({"given": "template=uuid.uuid4()"}, _POSTGRESQL, True),
        ({"column": "String, default=uuid4"}, _POSTGRESQL, True),
        ({}, _POSTGRESQL, False),
        ({"column": "Integer", "kind": "int"}, _POSTGRESQL, False),
        (
            {"kind": "UUID", "given": "template=str(template)"},
            _POSTGRESQL,
            False,
        ),
        ({"column": "String, default=lambda: str(uuid4())"}, _POSTGRESQL, False),
        ({"kind": "UUID"}, "sqlite:///jobs.db", False),
    ],
)
def test_the_engine_is_one_of_the_runtime(changes: dict[str, str], url: str, is_told: bool) -> None:
    files = {"main.py": _SOURCE.format(url=url, **{**_GIVEN, **changes})}
    found = make_plan(project(files), Step.ALL, Settings())
    assert ("MA418" in [item.code for item in found.diagnostics]) == is_told


async def test_the_same_is_found(tmp_path: Path) -> None:
    """Before, asyncpg refused what psycopg2 took: `expected str, got UUID`."""
    use = """
from fastapi.testclient import TestClient
from main import app
with TestClient(app) as client:
    one = "8d8ac610-566d-4ef0-9c22-186b2a5ed793"
    print(client.post("/jobs", params={"template": one}).text)
    print(client.get("/jobs", params={"template": one}).text)
"""
    async with fresh_database("postgresql", tmp_path) as url:
        code = _SOURCE.format(url=url, **{**_GIVEN, "kind": "UUID"})
        (tmp_path / "main.py").write_text(code)
        before = printed(tmp_path, use)
        write(tmp_path, "--all")
        assert printed(tmp_path, use) == before
        after = tree(tmp_path)
        write(tmp_path, "--all", "--allow-dirty")
        assert tree(tmp_path) == after, "a second run changes nothing"
