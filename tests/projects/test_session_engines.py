"""What plain code does with the engine of its session: `db.get_bind()`.

Executed before the migration, after all of it and after each single route.
"""

from __future__ import annotations

from pathlib import Path

from migrate_async.model.selection import EVERYTHING, Selection
from support.http_sequence import replay
from support.migration import tree
from support.route_by_route import migrate, routes_of

_APPLICATION = """\
import os

from fastapi import Depends, FastAPI
from sqlalchemy import Column, Integer, String, create_engine, inspect, text
from sqlalchemy.orm import Session, declarative_base, sessionmaker

engine = create_engine(os.environ["DATABASE_URL"])
SessionLocal = sessionmaker(engine)
Base = declarative_base()
app = FastAPI()


class Order(Base):
    __tablename__ = "orders"
    id = Column(Integer, primary_key=True)
    name = Column(String)


def get_db():
    with SessionLocal() as db:
        yield db


@app.post("/tables")
def tables(db: Session = Depends(get_db)):
    bind = db.get_bind()
    Base.metadata.drop_all(bind=bind)
    Base.metadata.create_all(bind=bind)
    db.add(Order(name="a"))
    db.commit()


@app.get("/dialect")
def dialect(db: Session = Depends(get_db)):
    bind = db.get_bind()
    return [bind.dialect.name, db.query(Order).count()]


@app.get("/dialect-at-once")
def dialect_at_once(db: Session = Depends(get_db)):
    return [db.get_bind().dialect.name, db.query(Order).count()]


@app.get("/connected")
def connected(db: Session = Depends(get_db)):
    bind = db.get_bind()
    with bind.connect() as connection:
        return connection.execute(text("select count(*) from orders")).scalar()


@app.get("/connected-at-once")
def connected_at_once(db: Session = Depends(get_db)):
    with db.get_bind().connect() as connection:
        return connection.execute(text("select count(*) from orders")).scalar()


@app.get("/inspected")
def inspected(db: Session = Depends(get_db)):
    return inspect(db.get_bind()).get_table_names()


@app.get("/handed-on")
def handed_on(db: Session = Depends(get_db)):
    return [count(db.get_bind()), db.query(Order).count()]


def count(bind):
    with bind.connect() as connection:
        return connection.execute(text("select count(*) from orders")).scalar()


@app.get("/converted")
def converted(db: Session = Depends(get_db)):
    return [order.name for order in db.query(Order)]
"""


def _written(folder: Path) -> Path:
    folder.mkdir()
    (folder / "main.py").write_text(_APPLICATION)
    return folder


def _answers(folder: Path, driver: str = "sqlite") -> list[dict[str, object]]:
    paths = ["dialect", "dialect-at-once", "connected", "connected-at-once", "inspected"]
    requests = [{"method": "POST", "path": "/tables"}]
    requests += [
        {"method": "GET", "path": f"/{path}"} for path in (*paths, "handed-on", "converted")
    ]
    return replay(folder, requests, app="main:app", driver=driver)


def test_the_engine_of_a_session_does_what_it_did(tmp_path: Path) -> None:
    before = _answers(_written(tmp_path / "before"))
    assert [answer["status"] for answer in before] == [200] * len(before)

    whole = _written(tmp_path / "whole")
    migrate(whole, EVERYTHING)
    text = (whole / "main.py").read_text()
    assert "async def converted" in text
    assert "async def dialect" in text
    assert _answers(whole) == before
    done = tree(whole)
    migrate(whole, EVERYTHING)
    assert tree(whole) == done, "a second run changes nothing"

    for number, route in enumerate(routes_of(tmp_path / "before")):
        folder = _written(tmp_path / str(number))
        migrate(folder, Selection(routes=(route,)))
        assert _answers(folder) == before, route
        migrate(folder, EVERYTHING)
        assert tree(folder) == done, f"{route} first"
