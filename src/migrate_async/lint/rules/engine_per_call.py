"""An engine for each call."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function
from migrate_async.index.types import SessionFactory
from migrate_async.knowledge.boundaries import CACHE_DECORATORS
from migrate_async.lint.leaks import lends
from migrate_async.lint.resources.analysis import Resources
from migrate_async.lint.resources.fate import Fate, Handover
from migrate_async.lint.resources.repetition import Repetition
from migrate_async.lint.rule import Example, Rule
from migrate_async.lint.view import View
from migrate_async.model import syntax as s
from migrate_async.model.finding import Confidence, Finding


class EnginePerCall(Rule):
    """An engine is created in a function that runs again and again.

    ## Why

    An engine *is* the connection pool. One per call means a new connection per call, with its
    TCP, TLS and login round trips, and a pool that stays open after the call: the database runs
    out of connections long before the application runs out of memory.

    ## Fix

    Create the engine once, at the top level of a module or in the lifespan of the application,
    and pass it around.

    ## False alarms

    Functions that run once are left alone: start-up code, scripts, migrations, tests, cached
    functions; so are engines that are disposed of, stored or returned. Where it is not known who
    runs the function, or a caller keeps in an attribute what it gets, the finding has medium
    confidence, and low confidence with `NullPool`, which keeps no connection.
    """

    CODE = "MA611"
    CONSEQUENCE = "every call opens connections of its own and leaves a pool behind"
    REMEDY = "create the engine once, when the process starts, and share it"
    EXAMPLES = (
        Example(
            "an engine for each request",
            """\
from fastapi import FastAPI
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

app = FastAPI()


@app.get("/items")
def items():
    engine = create_engine("postgresql:///shop")  # error
    with Session(engine) as db:
        return db.query("items").all()
""",
        ),
        Example(
            "a dependency makes it, by way of a helper",
            """\
from fastapi import Depends, FastAPI
from sqlalchemy import create_engine
from sqlalchemy.orm import Session, sessionmaker

app = FastAPI()


def make_engine():
    return create_engine("postgresql:///shop")


def get_db():
    factory = sessionmaker(bind=make_engine())  # error
    with factory() as db:
        yield db


@app.get("/items")
def items(db: Session = Depends(get_db)):
    return db.query("items").all()
""",
        ),
        Example(
            "it is not known who calls",
            """\
from sqlalchemy import create_engine, text


def count(url):
    engine = create_engine(url)  # error: medium
    with engine.connect() as connection:
        return connection.execute(text("SELECT count(*) FROM items")).scalar()
""",
        ),
        Example(
            "a caller may keep what is made of it",
            """\
from fastapi import FastAPI
from sqlalchemy import create_engine

app = FastAPI()


class Database:
    pool = None

    def make_pool(self):
        engine = create_engine("postgresql:///shop")  # error: medium
        return list(range(engine.pool.size()))

    def get_pool(self):
        if self.pool:
            return self.pool
        self.pool = self.make_pool()
        return self.pool


database = Database()


@app.get("/")
def index():
    return database.get_pool()
""",
        ),
        Example(
            "created once",
            """\
from functools import lru_cache

from sqlalchemy import create_engine

engine = create_engine("postgresql:///shop")


@lru_cache
def replica():
    return create_engine("postgresql:///replica")


class Database:
    def __init__(self, url):
        self.engine = create_engine(url)
""",
        ),
        Example(
            "disposed of",
            """\
from sqlalchemy import create_engine, text


def ping(url):
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            connection.execute(text("SELECT 1"))
    finally:
        engine.dispose()
""",
        ),
        Example(
            "called at start-up only",
            """\
from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker


def make_factory(url):
    engine = create_engine(url)
    return sessionmaker(engine)


SessionLocal = make_factory("postgresql:///shop")
""",
        ),
    )

    def check(self, view: View) -> Iterator[Finding]:
        repetition = Repetition(view.project)
        for function in view.functions:
            for fate in view.analysis(Resources).of(function):
                if fate.resource.family == "engine" and _is_left(fate, view.project):
                    yield from self._of_fate(fate, function, view.project, repetition)

    def _of_fate(
        self, fate: Fate, function: Function, project: Project, repetition: Repetition
    ) -> Iterator[Finding]:
        if repetition.is_once(function):
            return
        is_often = _is_in_loop(fate.resource.node, project) or repetition.is_often(function)
        is_sure = is_often and not fate.has(Handover.UNKNOWN)
        confidence = Confidence.HIGH if is_sure else Confidence.MEDIUM
        if _has_no_pool(fate.resource.node):
            confidence = Confidence.LOW
        yield self.finding(
            fate.resource.node,
            function,
            f"`{function.name}` creates an engine each time it runs",
            confidence=confidence,
        )


def _is_left(fate: Fate, project: Project) -> bool:
    """Whether the function uses the engine and leaves it behind."""
    function = fate.resource.function
    if fate.is_closed_somewhere or fate.escapes or lends(fate) or fate.has(Handover.YIELD):
        return False
    if not fate.leaks or function.decorator_names & CACHE_DECORATORS:
        return False
    return not any(_is_kept(value, project) for value in function.returns)


def _is_in_loop(node: s.AnyNode, project: Project) -> bool:
    around: s.AnyNode | s.ModuleSyntax = node
    while not isinstance(around, s.ModuleSyntax | s.FunctionDef | s.Lambda):
        if isinstance(around, s.For | s.While | s.Comprehension):
            return True
        around = project.parent(around)
    return False


def _is_kept(value: s.Expr, project: Project) -> bool:
    """Whether a factory or session goes to the caller, who may keep it with its engine."""
    types = project.infer(value, project.scope_of(value))
    return any(isinstance(item, SessionFactory) for item in types)


def _has_no_pool(node: s.Call) -> bool:
    return any(
        keyword.arg == "poolclass" and s.dotted_name(keyword.value).endswith("NullPool")
        for keyword in node.keywords
    )
