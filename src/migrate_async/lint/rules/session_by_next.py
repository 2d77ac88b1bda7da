"""`next(get_db())`."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index import types as t
from migrate_async.index.scopes import Function, RawCall, ValueBinding
from migrate_async.lint.resources.analysis import Resources
from migrate_async.lint.resources.fate import Fate
from migrate_async.lint.rule import Example, Rule
from migrate_async.lint.view import View
from migrate_async.model import syntax as s
from migrate_async.model.finding import Confidence, Finding

_STEPS = frozenset({"next", "anext"})


class SessionByNext(Rule):
    """A session is taken out of a generator with `next(get_db())`.

    ## Why

    Nothing holds the generator, so Python ends it at once: its `finally` closes the session
    before the first statement. The session silently opens a new transaction on first use, and
    that one nobody closes. An async generator is ended some time later, while it is in use.

    ## Fix

    Make a context manager of it: `with contextmanager(get_db)() as db:`. In a route write
    `db: Session = Depends(get_db)`.

    ## False alarms

    Where the function closes the session itself, or holds the generator in a variable, the
    finding has low confidence; a generator that is closed or resumed is left alone.
    """

    CODE = "MA608"
    CONSEQUENCE = "the session is closed before its first use and reopens; nothing closes it again"
    REMEDY = "use `with contextmanager(get_db)() as db:`, or `Depends(get_db)`"
    EXAMPLES = (
        Example(
            "a session taken out of its dependency",
            """\
from sqlalchemy.orm import sessionmaker

SessionLocal = sessionmaker()


def get_db():
    db = SessionLocal()
    try:
        yield db
    finally:
        db.close()


def count():
    db = next(get_db())  # error
    return db.query("items").count()


class Job:
    def __init__(self):
        self.db = next(get_db())  # error
""",
        ),
        Example(
            "an async session taken out of its dependency",
            """\
from sqlalchemy.ext.asyncio import async_sessionmaker

Session = async_sessionmaker()


async def get_db():
    async with Session() as db:
        yield db


async def job():
    db = await anext(get_db())  # error
    await db.commit()


async def other():
    db = await get_db().__anext__()  # error
    await db.commit()
""",
        ),
        Example(
            "closed where it is used, or held with its generator",
            """\
from sqlalchemy.orm import sessionmaker

SessionLocal = sessionmaker()


def get_db():
    with SessionLocal() as db:
        yield db


def count():
    db = next(get_db())  # error: low
    try:
        return db.query("items").count()
    finally:
        db.close()


def names():
    generator = get_db()
    db = next(generator)  # error: low
    return db.query("names").all()
""",
        ),
        Example(
            "the generator is closed",
            """\
from sqlalchemy.orm import sessionmaker

SessionLocal = sessionmaker()


def get_db():
    with SessionLocal() as db:
        yield db


def count():
    generator = get_db()
    db = next(generator)
    try:
        return db.query("items").count()
    finally:
        generator.close()
""",
        ),
        Example(
            "a context manager is made of it",
            """\
from contextlib import contextmanager

from sqlalchemy.orm import sessionmaker

SessionLocal = sessionmaker()


def get_db():
    with SessionLocal() as db:
        yield db


def count():
    with contextmanager(get_db)() as db:
        return db.query("items").count()
""",
        ),
    )

    def check(self, view: View) -> Iterator[Finding]:
        for function in view.functions:
            closed = _closed_here(view.analysis(Resources).of(function))
            for call in function.calls:
                generator = _stepped(call.node)
                if generator is None or not _gives_session(generator, call, view):
                    continue
                if _is_asked_for_engine(call.node, view):
                    continue
                confidence = _confidence(call.node, generator, function, closed)
                if confidence is not None:
                    message = "this session outlives the generator that it is taken from"
                    yield self.finding(call.node, function, message, confidence=confidence)


def _stepped(call: s.Call) -> s.Expr | None:
    """`g` of `next(g)`, `anext(g)`, `g.__next__()` and `g.__anext__()`."""
    if isinstance(call.func, s.Name) and call.func.id in _STEPS and len(call.args) == 1:
        return call.args[0]
    if isinstance(call.func, s.Attribute) and call.func.attr in ("__next__", "__anext__"):
        return call.func.value
    return None


def _gives_session(generator: s.Expr, call: RawCall, view: View) -> bool:
    for item in view.project.infer(generator, call.scope):
        if isinstance(item, t.ListOf) and view.project.session_kind_of(item.items) is not None:
            return True
    return False


def _is_asked_for_engine(call: s.Call, view: View) -> bool:
    """`next(get_db()).bind` begins no transaction."""
    around = view.project.parent(call)
    return isinstance(around, s.Attribute) and around.attr in ("bind", "get_bind")


def _closed_here(fates: tuple[Fate, ...]) -> frozenset[s.Call]:
    return frozenset(fate.resource.node for fate in fates if fate.is_closed_somewhere)


def _confidence(
    call: s.Call, generator: s.Expr, function: Function, closed: frozenset[s.Call]
) -> Confidence | None:
    """None where `generator` is ended, or is no call of a generator function."""
    if isinstance(generator, s.Call):
        return Confidence.LOW if call in closed else Confidence.HIGH
    if not isinstance(generator, s.Name):
        return None
    bindings = function.scope.names.get(generator.id, ())
    if not any(isinstance(b, ValueBinding) and isinstance(b.value, s.Call) for b in bindings):
        return None
    others = (other.node for other in function.calls if other.node is not call)
    is_ended = any(_mentions(other, generator.id) for other in others)
    return None if is_ended else Confidence.LOW


def _mentions(call: s.Call, name: str) -> bool:
    """`name.close()`, `next(name, None)`, `stack.callback(name.close)` and the like."""
    return any(isinstance(node, s.Name) and node.id == name for node in s.own_code(call))
