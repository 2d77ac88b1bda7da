"""Short floats, and floats for functions of the database: asyncpg's are others than psycopg2's."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from migrate_async.config import Settings
from migrate_async.model.plan import Step
from migrate_async.plan.planner import make_plan
from support.databases import fresh_database
from support.migration import printed, tree, write
from support.projects import project

_SOURCE = """\
from fastapi import Depends, FastAPI
from sqlalchemy import REAL, Column, Float, Integer, String, create_engine, func
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker

engine = create_engine("{url}")
SessionLocal = sessionmaker(bind=engine)
app = FastAPI()


class Base(DeclarativeBase):
    pass


class Item(Base):
    __tablename__ = "items"
    id = Column(Integer, primary_key=True)
    name = Column(String)
    ratio = Column({column})


def get_db():
    with SessionLocal() as db:
        yield db


@app.on_event("startup")
def fill():
    Base.metadata.drop_all(engine)
    Base.metadata.create_all(engine)
    with SessionLocal() as db:
        db.add(Item(name="a fat cat", ratio=0.1))
        db.commit()


@app.get("/items")
def items(db: Session = Depends(get_db)):
    return [str(db.query({what}).scalar()), [item.ratio for item in db.query(Item)]]
"""
_POSTGRESQL = "postgresql+psycopg2://localhost/items"


@pytest.mark.parametrize(
    ("column", "what", "url", "is_told"),
    [
        ("REAL", "Item.id", _POSTGRESQL, True),
        ("Float", "func.ts_rank(func.to_tsvector(Item.name), query)", _POSTGRESQL, True),
        ("Float", "func.round(Item.id * 1.5, 2)", _POSTGRESQL, True),
        ("Float", "Item.ratio * 1.5", _POSTGRESQL, False),
        ("Float", "func.max(Item.ratio)", _POSTGRESQL, False),
        ("REAL", "Item.id", "sqlite:///items.db", False),
        ("REAL", "Item.id", "postgresql+psycopg://localhost/items", False),
    ],
)
def test_the_engine_is_one_of_the_runtime(column: str, what: str, url: str, is_told: bool) -> None:
    files = {"main.py": _SOURCE.format(column=column, what=what, url=url)}
    found = make_plan(project(files), Step.ALL, Settings())
    assert ("MA422" in [item.code for item in found.diagnostics]) == is_told


@pytest.mark.parametrize(
    "what",
    [
        "func.round(Item.id * 1.505, 2)",
        'func.ts_rank(func.to_tsvector(Item.name), func.to_tsquery("cat"))',
    ],
)
async def test_the_answers_are_the_same(tmp_path: Path, what: str) -> None:
    use = """
from fastapi.testclient import TestClient
from main import app
with TestClient(app) as client:
    print(client.get("/items").text)
"""
    async with fresh_database("postgresql", tmp_path) as address:
        url = make_url(address).set(drivername="postgresql+psycopg2")
        code = _SOURCE.format(
            column="REAL", what=what, url=url.render_as_string(hide_password=False)
        )
        (tmp_path / "main.py").write_text(code)
        before = printed(tmp_path, use)
        assert "[0.1]" in before
        write(tmp_path, "--all")
        text = (tmp_path / "main.py").read_text()
        assert "async_engine_from_url(" in text
        assert "async def items" in text
        assert printed(tmp_path, use) == before
        after = tree(tmp_path)
        write(tmp_path, "--all", "--allow-dirty")
        assert tree(tmp_path) == after, "a second run changes nothing"
