"""What a migration left on the deprecated sync API."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index.sessions import Variable
from migrate_async.knowledge.shim import SHIM, sync_class_name_of
from migrate_async.lint import patterns
from migrate_async.lint.rule import Example, Rule
from migrate_async.lint.view import View
from migrate_async.model import syntax as s
from migrate_async.model.finding import Finding
from migrate_async.plan.leftovers.twins import SYNC_DEPENDENCY

_PACKAGE = "migrate_async"


class ShimUse(Rule):
    """Code runs on the sync shim of migrate-async, or on a sync twin that a migration left.

    ## Why

    The shim keeps code running that has not migrated. It costs a thread or a greenlet for each
    call, warns at run time, and goes with a later release of migrate-async.

    ## Fix

    Migrate the function: `migrate-async migrate PATH`. When nothing uses the shim any more, drop
    its set-up as well.

    ## False alarms

    None known. What the shim is made of, the module that defines `get_sync_db`, is left alone.
    """

    CODE = "MA851"
    CONSEQUENCE = "each call costs a thread or a greenlet, and the shim goes in a later release"
    REMEDY = "migrate the function, then drop the shim"
    PER_FILE = False
    EXAMPLES = (
        Example(
            "names of the package",
            """\
from migrate_async import LegacySession, get_db  # error
from migrate_async import install  # error

install()
""",
        ),
        Example(
            "a route on the sync side of the session, and a sync twin of the factory",
            """\
# file: app/db.py
from fastapi import Depends
from sqlalchemy import create_engine
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import Session, sessionmaker

SessionLocal = async_sessionmaker(create_async_engine("sqlite+aiosqlite://"))
SyncSessionLocal = sessionmaker(create_engine("sqlite://"))


async def get_db():
    async with SessionLocal() as db:
        yield db


def get_sync_db(db: AsyncSession = Depends(get_db)) -> Session:
    return db.sync_session


# file: app/main.py
from fastapi import Depends, FastAPI
from sqlalchemy.orm import Session

from app.db import SyncSessionLocal, get_sync_db

app = FastAPI()


@app.get("/users")
def users(db: Session = Depends(get_sync_db)):  # error
    return db.connection().info


def job():
    with SyncSessionLocal() as db:  # error
        db.commit()
""",
        ),
        Example(
            "the runtime, which stays",
            """\
from migrate_async import AsyncRepository, DbSession, get_db, lifespan
""",
        ),
        Example(
            "a sync factory that no migration made",
            """\
from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker

SyncSession = sessionmaker(create_engine("sqlite://"))


def job():
    with SyncSession() as db:
        db.commit()
""",
        ),
    )

    def check(self, view: View) -> Iterator[Finding]:
        for module in view.modules:
            for statement in patterns.statements(module.syntax.body):
                if type(statement) is s.ImportFrom and statement.module == _PACKAGE:
                    for name in statement.names:
                        if name.name in SHIM:
                            message = f"`{name.name}` is the sync shim"
                            remedy = f"migrate to {SHIM[name.name]}"
                            yield self.finding(statement, module.body, message, remedy=remedy)
        yield from self._dependencies(view)
        yield from self._twins(view)

    def _dependencies(self, view: View) -> Iterator[Finding]:
        for function in view.functions:
            for site in view.project.calls(function):
                named = any(target.name == SYNC_DEPENDENCY for target in site.targets)
                if site.kind == "dependency" and named:
                    message = f"`{function.name}` takes the sync side of the request's session"
                    yield self.finding(site.node, function, message)

    def _twins(self, view: View) -> Iterator[Finding]:
        twins = {twin.name: twin for twin in _twins(view)}
        for function in view.functions:
            for call in function.calls:
                twin = twins.get(call.name)
                if twin is None or view.session(call.node, call.scope) is None:
                    continue
                message = f"`{twin.name}()` opens a session on the sync twin of the engine"
                yield self.finding(call.node, function, message)


def _twins(view: View) -> Iterator[Variable]:
    """Sync factories that a migration put beside an async one."""
    factories = view.project.session_factories
    twins = {
        (item.module, sync_class_name_of(item.name))
        for item in factories
        if item.kind.startswith("async")
    }
    for item in factories:
        if not item.kind.startswith("async") and (item.module, item.name) in twins:
            yield item
