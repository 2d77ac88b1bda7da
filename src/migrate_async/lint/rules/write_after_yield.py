"""`yield db; db.commit()` in a dependency."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index.parameters import is_depends
from migrate_async.index.project import Project
from migrate_async.index.scopes import Function
from migrate_async.index.sites import CallSite
from migrate_async.lint.rule import Example, Rule
from migrate_async.lint.view import View
from migrate_async.model import syntax as s
from migrate_async.model.finding import Confidence, Finding
from migrate_async.plan.hazards.hits import short

_WRITES = frozenset({"commit", "flush", "execute", "delete", "merge"})
_OWNERS = frozenset({"session", "connection", "transaction"})


class WriteAfterYield(Rule):
    """A dependency commits after its `yield`, when the response has been sent already.

    ## Why

    Since FastAPI 0.118 the code after `yield` runs when the response is out (as before 0.106). A
    commit that fails there, on a deferred constraint or a lost connection, cannot change the
    answer: the client has read `200` and the data is gone. So has a client that reads what it
    wrote in its next request, which may run before the commit.

    ## Fix

    Commit in the route, or in a dependency with `scope="function"` (FastAPI 0.121), which ends
    before the response is sent. `migrate_async.get_db` does so.

    ## False alarms

    FastAPI 0.106 to 0.117 runs the code before the response is sent. Which version runs is not
    known from the code, unless it uses `scope=`: without that the confidence is medium.
    """

    CODE = "MA710"
    CONSEQUENCE = "a commit that fails is answered with success, and the data is lost"
    REMEDY = 'commit in the route, or in a dependency with `scope="function"`'
    EXAMPLES = (
        Example(
            "a session that commits when the request is over",
            """\
from fastapi import Depends, FastAPI
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

app = FastAPI()
SessionLocal = async_sessionmaker(create_async_engine("sqlite+aiosqlite://"))


async def get_db():
    async with SessionLocal() as db:
        try:
            yield db
            await db.commit()  # error: medium
        except Exception:
            await db.rollback()
            raise


@app.get("/")
async def route(db: AsyncSession = Depends(get_db)):
    return {}
""",
        ),
        Example(
            "the end of `begin()` commits",
            """\
from fastapi import Depends, FastAPI
from sqlalchemy import create_engine
from sqlalchemy.orm import Session, sessionmaker

app = FastAPI()
SessionLocal = sessionmaker(create_engine("sqlite://"))


def get_db():
    with SessionLocal.begin() as db:  # error: medium
        yield db


@app.get("/")
def route(db: Session = Depends(get_db)):
    return {}
""",
        ),
        Example(
            "the project uses a FastAPI that knows `scope=`",
            """\
from fastapi import Depends, FastAPI
from sqlalchemy import create_engine
from sqlalchemy.orm import Session, sessionmaker

app = FastAPI()
SessionLocal = sessionmaker(create_engine("sqlite://"))


def get_db():
    db = SessionLocal()
    yield db
    db.commit()  # error
    db.close()


def get_user(db: Session = Depends(get_db)):
    yield 1


@app.get("/")
def route(db: Session = Depends(get_db), user=Depends(get_user, scope="function")):
    return {}
""",
        ),
        Example(
            "it ends before the response is sent",
            """\
from fastapi import Depends, FastAPI
from sqlalchemy import create_engine
from sqlalchemy.orm import Session, sessionmaker

app = FastAPI()
SessionLocal = sessionmaker(create_engine("sqlite://"))


def get_db():
    with SessionLocal() as db:
        yield db
        db.commit()


@app.get("/")
def route(db: Session = Depends(get_db, scope="function")):
    return {}
""",
        ),
        Example(
            "clean-up only",
            """\
from fastapi import Depends, FastAPI
from sqlalchemy import create_engine
from sqlalchemy.orm import Session, sessionmaker

app = FastAPI()
SessionLocal = sessionmaker(create_engine("sqlite://"))


def get_db():
    db = SessionLocal()
    try:
        yield db
    except Exception:
        db.rollback()
        raise
    finally:
        db.close()


@app.get("/")
def route(db: Session = Depends(get_db)):
    db.commit()
    return {}
""",
        ),
        Example(
            "a context manager is no dependency",
            """\
from contextlib import contextmanager

from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker

SessionLocal = sessionmaker(create_engine("sqlite://"))


@contextmanager
def session_scope():
    with SessionLocal() as db:
        yield db
        db.commit()
""",
        ),
    )

    def check(self, view: View) -> Iterator[Finding]:
        for function in view.functions:
            if not function.is_generator or _is_context(function):
                continue
            scopes = {_scope(site.node) for site in _injections(view.project, function)}
            if not scopes or scopes == {"function"}:
                continue
            yield from self._writes(view, function)

    def _writes(self, view: View, function: Function) -> Iterator[Finding]:
        is_recent = view.analysis(_knows_scopes)
        confidence = Confidence.HIGH if is_recent else Confidence.MEDIUM
        for site in view.project.calls(function):
            if _is_late_write(view.project, site, function):
                yield self.finding(
                    site.node,
                    function,
                    f"`{short(site.node)}` in the dependency `{function.name}` runs after the "
                    "response was sent",
                    confidence=confidence,
                )


def _is_context(function: Function) -> bool:
    return not function.decorator_names.isdisjoint({"contextmanager", "asynccontextmanager"})


def _injections(project: Project, function: Function) -> Iterator[CallSite]:
    """The `Depends(...)` that name `function`."""
    return (site for site in project.callers(function) if site.kind == "dependency")


def _scope(depends: s.Expr) -> str:
    given = depends.keywords if isinstance(depends, s.Call) else ()
    value = next((k.value for k in given if k.arg == "scope"), None)
    return str(value.value) if isinstance(value, s.Constant) else "request"


def _is_late_write(project: Project, site: CallSite, function: Function) -> bool:
    operation = site.operation
    if operation is None or site.kind != "call":
        return False
    if operation.name == "begin":
        return _holds_yield(project, site)
    is_write = operation.name in _WRITES and operation.owner in _OWNERS
    return is_write and any(_follows(project, site, node) for node in function.yields)


def _holds_yield(project: Project, site: CallSite) -> bool:
    """`with factory.begin() as db: yield db`."""
    item = project.parent(site.node)
    block = project.parent(item) if isinstance(item, s.WithItem) else None
    return isinstance(block, s.With) and any(
        isinstance(part, s.Yield) for statement in block.body for part in s.walk(statement)
    )


def _follows(project: Project, site: CallSite, node: s.Yield) -> bool:
    """Whether `site` runs after the yield `node` when the route did not raise."""
    if site.node.span[:2] < node.span[:2]:
        return False
    current: s.AnyNode | s.ModuleSyntax = site.node
    while not isinstance(current, s.FunctionDef | s.ModuleSyntax):
        if isinstance(current, s.Handler):
            around = project.parent(current)
            yields = isinstance(around, s.Try) and any(
                part is node for statement in around.body for part in s.walk(statement)
            )
            return not yields
        current = project.parent(current)
    return True


def _knows_scopes(view: View) -> bool:
    """Whether a `Depends(..., scope=...)` shows that FastAPI is at least 0.121."""
    return any(
        is_depends(call.node) and any(keyword.arg == "scope" for keyword in call.node.keywords)
        for function in view.project.functions
        for call in function.calls
    )
