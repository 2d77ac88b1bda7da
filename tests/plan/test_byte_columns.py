"""Columns of bytes on MySQL, which aiomysql cannot write beside PyMySQL 1.2."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from migrate_async.config import Settings
from migrate_async.model.plan import Step
from migrate_async.plan.planner import make_plan
from support.databases import fresh_database
from support.migration import printed, write
from support.projects import project

_SOURCE = """\
from fastapi import Depends, FastAPI
from sqlalchemy import Column, Integer, LargeBinary, String, create_engine
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker

engine = create_engine("{url}")
SessionLocal = sessionmaker(bind=engine)
app = FastAPI()


class Base(DeclarativeBase):
    pass


class File(Base):
    __tablename__ = "files"
    id = Column(Integer, primary_key=True)
    data = Column({column})


def get_db():
    with SessionLocal() as db:
        yield db


@app.on_event("startup")
def fill():
    Base.metadata.drop_all(engine)
    Base.metadata.create_all(engine)


@app.post("/files")
def create(db: Session = Depends(get_db)):
    file = File(data=b"it's")
    db.add(file)
    db.commit()
    db.refresh(file)
    return file.data
"""
_MYSQL = "mysql+pymysql://root@localhost/files"


@pytest.mark.parametrize(
    ("column", "url", "is_told"),
    [
        ("LargeBinary", _MYSQL, True),
        ("LargeBinary(1000)", _MYSQL, True),
        ("String(10)", _MYSQL, False),
        ("LargeBinary", "sqlite:///files.db", False),
        ("LargeBinary", "postgresql+psycopg2://localhost/files", False),
    ],
)
def test_the_engine_is_one_of_the_runtime(column: str, url: str, is_told: bool) -> None:
    files = {"main.py": _SOURCE.format(column=column, url=url)}
    found = make_plan(project(files), Step.ALL, Settings())
    assert ("MA423" in [item.code for item in found.diagnostics]) == is_told


async def test_they_are_stored(tmp_path: Path) -> None:
    use = """
from fastapi.testclient import TestClient
from main import app
with TestClient(app) as client:
    print(client.post("/files").text)
"""
    async with fresh_database("mariadb", tmp_path) as address:
        url = make_url(address).set(drivername="mysql+pymysql")
        text = url.render_as_string(hide_password=False)
        (tmp_path / "main.py").write_text(_SOURCE.format(column="LargeBinary", url=text))
        before = printed(tmp_path, use)
        assert "it's" in before
        write(tmp_path, "--all")
        assert "async_engine_from_url(" in (tmp_path / "main.py").read_text()
        assert printed(tmp_path, use) == before
