"""A dependency that gives a session and cannot close it."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index import types as t
from migrate_async.index.parameters import is_depends
from migrate_async.index.scopes import Function, RawCall
from migrate_async.lint.resources.analysis import Resources
from migrate_async.lint.resources.fate import Fate, Handover
from migrate_async.lint.rule import Example, Rule
from migrate_async.lint.view import View
from migrate_async.model import syntax as s
from migrate_async.model.finding import Confidence, Finding


class DependencyReturnsSession(Rule):
    """A FastAPI dependency returns its session, or is iterated by hand.

    ## Why

    FastAPI can only clean up after a dependency that *yields*. A session that is returned is
    never closed. The same goes for `Depends(SessionLocal)`. A loop `for db in get_db():` that is
    left by `return` or `break` abandons the generator in its `yield`: an async one is ended when
    the garbage collector finds it, on whatever task runs then.

    ## Fix

    `with SessionLocal() as db: yield db`. Outside of routes use a context manager of the
    dependency: `with contextmanager(get_db)() as db:`.

    ## False alarms

    CPython ends an abandoned *sync* generator right after the loop; such loops have medium
    confidence. They still hide exceptions from the generator, so it cannot roll back.
    """

    CODE = "MA607"
    CONSEQUENCE = "every request keeps a connection until the pool runs dry"
    REMEDY = "yield the session inside `with SessionLocal() as db:`"
    EXAMPLES = (
        Example(
            "a dependency that returns",
            """\
from fastapi import Depends, FastAPI
from sqlalchemy.orm import Session, sessionmaker

SessionLocal = sessionmaker()
app = FastAPI()


def get_db():
    return SessionLocal()  # error


@app.get("/items")
def items(db: Session = Depends(get_db)):
    return db.query("items").all()
""",
        ),
        Example(
            "the factory as a dependency",
            """\
from fastapi import Depends, FastAPI
from sqlalchemy.orm import Session, sessionmaker

SessionLocal = sessionmaker()
app = FastAPI()


@app.get("/items")
def items(db: Session = Depends(SessionLocal)):  # error
    return db.query("items").all()
""",
        ),
        Example(
            "a loop that abandons the generator",
            """\
from sqlalchemy.ext.asyncio import async_sessionmaker

Session = async_sessionmaker()


async def get_db():
    async with Session() as db:
        yield db


async def job(item):
    async for db in get_db():  # error
        db.add(item)
        await db.commit()
        return item
""",
        ),
        Example(
            "a loop that abandons a sync generator",
            """\
from sqlalchemy.orm import sessionmaker

SessionLocal = sessionmaker()


def get_db():
    with SessionLocal() as db:
        yield db


def job(item):
    for db in get_db():  # error: medium
        db.add(item)
        db.commit()
        break
""",
        ),
        Example(
            "a dependency that yields",
            """\
from fastapi import Depends, FastAPI
from sqlalchemy.orm import Session, sessionmaker

SessionLocal = sessionmaker()
app = FastAPI()


def get_db():
    with SessionLocal() as db:
        yield db


@app.get("/items")
def items(db: Session = Depends(get_db)):
    return db.query("items").all()
""",
        ),
        Example(
            "the loop runs to its end",
            """\
from sqlalchemy.ext.asyncio import async_sessionmaker

Session = async_sessionmaker()


async def get_db():
    async with Session() as db:
        yield db


async def job(items):
    async for db in get_db():
        for item in items:
            if item.done:
                break
            db.add(item)
        await db.commit()
""",
        ),
        Example(
            "a helper that nobody injects",
            """\
from sqlalchemy.orm import sessionmaker

SessionLocal = sessionmaker()


def open_session():
    return SessionLocal()
""",
        ),
    )

    def check(self, view: View) -> Iterator[Finding]:
        for function in view.project.session_dependencies:
            if view.is_selected(function) and not function.is_generator:
                yield from self._returned(function, view)
        for function in view.functions:
            for call in function.calls:
                if is_depends(call.node) and _is_factory(call, view):
                    message = "FastAPI does not close what `Depends` of a session factory gives"
                    yield self.finding(call.node, function, message)
            yield from self._abandoned(function, view)

    def _returned(self, function: Function, view: View) -> Iterator[Finding]:
        for fate in view.analysis(Resources).of(function):
            if fate.resource.family == "session" and _is_returned(fate):
                message = "this dependency returns its session, so nothing closes it"
                yield self.finding(fate.resource.node, function, message)

    def _abandoned(self, function: Function, view: View) -> Iterator[Finding]:
        for implicit in function.implicit:
            loop = view.project.parent(implicit.node)
            if not isinstance(loop, s.For) or loop.iter is not implicit.node:
                continue
            if not _leaves(loop.body) or not _is_session_generator(loop, view):
                continue
            yield self.finding(
                loop.iter,
                function,
                "this loop leaves the generator that closes its session in its `yield`",
                confidence=Confidence.HIGH if loop.is_async else Confidence.MEDIUM,
                remedy="use `contextmanager(get_db)()` or `asynccontextmanager(get_db)()`",
            )


def _is_factory(call: RawCall, view: View) -> bool:
    given = call.node.args[0] if call.node.args else None
    if given is None:
        return False
    types = view.project.infer(given, call.scope)
    return any(isinstance(item, t.SessionFactory) for item in types)


def _is_returned(fate: Fate) -> bool:
    return fate.has(Handover.RETURN) and not fate.has(Handover.CLOSE, Handover.STORE)


def _is_session_generator(loop: s.For, view: View) -> bool:
    """Whether the loop goes over a call of a generator function of the project for its session."""
    if not isinstance(loop.iter, s.Call) or not isinstance(loop.target, s.Name):
        return False
    scope = view.project.scope_of(loop.iter)
    functions = [
        item.fn
        for item in view.project.infer(loop.iter.func, scope)
        if isinstance(item, t.FunctionObject)
    ]
    is_session = view.session(loop.target, view.project.scope_of(loop.body[0])) is not None
    return is_session and bool(functions) and all(fn.is_generator for fn in functions)


def _leaves(body: tuple[s.Stmt, ...]) -> bool:
    """Whether `return`, or a `break` of this loop, is in `body`."""
    for statement in body:
        if isinstance(statement, s.Return):
            return True
        if isinstance(statement, s.Simple) and statement.keyword == "break":
            return True
        if isinstance(statement, s.For | s.While):
            if _returns(statement) or _leaves(statement.orelse):
                return True
        elif not isinstance(statement, s.FunctionDef | s.ClassDef) and _leaves_nested(statement):
            return True
    return False


def _leaves_nested(statement: s.Stmt) -> bool:
    names = ("body", "orelse", "finalbody")
    blocks = [getattr(statement, name, ()) for name in names]
    for name in ("handlers", "cases"):
        blocks += [part.body for part in getattr(statement, name, ())]
    return any(map(_leaves, blocks))


def _returns(statement: s.Stmt) -> bool:
    return any(isinstance(node, s.Return) for node in s.own_code(statement))
