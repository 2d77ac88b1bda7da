"""The call graph behind a plan."""

from __future__ import annotations

from migrate_async.config import Settings
from migrate_async.model.graph import CallGraph
from migrate_async.model.plan import Step
from migrate_async.model.selection import EVERYTHING, Selection
from migrate_async.plan.graph import call_graph
from migrate_async.plan.planner import make_plan
from support.projects import project

FILES = {
    "app/database.py": """
from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker

SessionLocal = sessionmaker(bind=create_engine("sqlite:///app.db"))


def get_db():
    with SessionLocal() as db:
        yield db
""",
    "app/main.py": """
from fastapi import Depends, FastAPI
from sqlalchemy import text
from sqlalchemy.orm import Session
from app.database import get_db

app = FastAPI()


def total(db: Session):
    return db.scalar(text("SELECT 1"))


def user(db: Session = Depends(get_db)):
    return total(db)


@app.get("/one")
def one(db: Session = Depends(get_db), user=Depends(user)):
    return total(db) + total(db)


@app.get("/two")
def two(db: Session = Depends(get_db)):
    return total(db)


@app.get("/three")
def three(db: Session = Depends(get_db)):
    return db.scalar(text("SELECT 3"))
""",
}


def graph(selection: Selection = EVERYTHING, step: Step = Step.ALL) -> CallGraph:
    made = project(FILES)
    return call_graph(made, make_plan(made, step, Settings(), selection))


def edges(found: CallGraph) -> set[tuple[str, str, str]]:
    names = [node.function.rpartition(".")[2] for node in found.nodes]
    return {(names[edge.caller], edge.kind, names[edge.callee]) for edge in found.edges}


def test_calls_and_injections_each_once() -> None:
    found = graph()
    assert len(found.nodes) == 6
    assert edges(found) == {
        ("user", "call", "total"),
        ("one", "call", "total"),
        ("two", "call", "total"),
        ("one", "dependency", "get_db"),
        ("one", "dependency", "user"),
        ("two", "dependency", "get_db"),
        ("three", "dependency", "get_db"),
        ("user", "dependency", "get_db"),
    }
    assert len(found.edges) == 8, "two calls of one function are one edge"


def test_a_selection_shows_what_it_has_to_do_with() -> None:
    """`two` keeps the helper sync, `three` only shares `get_db`."""
    found = graph(Selection(routes=("GET /one",)))
    verdicts = {node.function.rpartition(".")[2]: node.verdict for node in found.nodes}
    assert verdicts == {
        "get_db": "convert",
        "total": "bridge",
        "user": "convert",
        "one": "convert",
        "two": "wait",
    }


def test_a_step_without_colours_has_no_graph() -> None:
    assert graph(step=Step.QUERIES) == CallGraph()
