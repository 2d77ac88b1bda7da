"""Session classes of a project that are SQLModel's: their async sessions have `exec()`, too."""

from __future__ import annotations

from pathlib import Path

from support.migration import printed_anew, tree, write, written

_MAIN = """\
from fastapi import Depends, FastAPI
from sqlalchemy.orm import sessionmaker
from sqlmodel import Field, Session, SQLModel, create_engine, select

engine = create_engine("sqlite:///shelves.db")


class Shelf(SQLModel, table=True):
    id: int = Field(primary_key=True)
    name: str


class Noting(Session):
    def commit(self):
        print("commits")
        super().commit()


Factory = sessionmaker(autocommit=False, autoflush=False, bind=engine, class_=Noting)
SQLModel.metadata.create_all(engine)
app = FastAPI()


def get_session():
    with Factory() as session:
        yield session


@app.post("/shelves/{name}")
def add(name: str, session: Session = Depends(get_session)):
    session.add(Shelf(name=name))
    session.commit()
    return {"name": name}


@app.get("/shelves")
def shelves(session: Session = Depends(get_session)):
    return [shelf.name for shelf in session.exec(select(Shelf)).all()]


@app.get("/count")
def count(session: Session = Depends(get_session)):
    run = lambda: len(session.exec(select(Shelf)).all())
    return {"count": run()}
"""
_USE = """\
from fastapi.testclient import TestClient
from main import app

with TestClient(app) as client:
    for method, path in [("POST", "/shelves/one"), ("GET", "/shelves"), ("GET", "/count")]:
        print(client.request(method, path).text)
"""


def test_its_sessions_are_those_of_sqlmodel(tmp_path: Path) -> None:
    written(tmp_path, {"main.py": _MAIN})
    before = printed_anew(tmp_path, _USE)
    (tmp_path / "shelves.db").unlink()
    assert 'commits\n{"name":"one"}\n["one"]\n{"count":1}' in before
    write(tmp_path, "--all")
    after = tree(tmp_path)
    assert b"async def shelves(" in after["main.py"]
    assert b"\ndef count(" in after["main.py"]
    assert printed_anew(tmp_path, _USE) == before
    (tmp_path / "shelves.db").unlink()
    write(tmp_path, "--all")
    assert tree(tmp_path) == after
