"""A session out of a service registry."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index.scopes import Function
from migrate_async.lint.rule import Example, Rule
from migrate_async.lint.view import View
from migrate_async.model.finding import Confidence, Finding
from migrate_async.plan.text import text


class ResolvedSession(Rule):
    """A function fetches its session from a service registry where FastAPI could inject it.

    ## Why

    A session that is fetched by a key has no owner: the function that resolves it rarely closes
    it, and it is another session than the one of the request, with another transaction.

    ## Fix

    In a route or a dependency, `db: Session = Depends(get_db)`; elsewhere a parameter.
    `migrate-async migrate` injects the session.

    ## False alarms

    Outside of routes and dependencies there may be no request; such findings have medium
    confidence. What counts as a session's key are the settings `registry-keys` and
    `session-resolvers`.
    """

    CODE = "MA855"
    CONSEQUENCE = "the session is never closed, and works in a transaction of its own"
    REMEDY = "inject the session: `db: Session = Depends(get_db)`"
    PER_FILE = True
    EXAMPLES = (
        Example(
            "a route and a helper",
            """\
from fastapi import FastAPI

from app.container import Container

app = FastAPI()


@app.get("/users")
def users():
    db = Container.resolve("db_session")  # error
    return count(db)


def count(db):
    own = Container.resolve("db_session")  # error: medium
    return own.scalar("SELECT 1")
""",
        ),
        Example(
            "another service",
            """\
from fastapi import FastAPI

from app.container import Container

app = FastAPI()


@app.get("/users")
def users():
    return Container.resolve("mailer").send()
""",
        ),
        Example(
            "an injected session",
            """\
from fastapi import Depends, FastAPI
from sqlalchemy.orm import Session

from app.database import get_db

app = FastAPI()


@app.get("/users")
def users(db: Session = Depends(get_db)):
    return db.connection().info
""",
        ),
    )

    def check(self, view: View) -> Iterator[Finding]:
        injected = _injected(view)
        for function in view.functions:
            for call in function.calls:
                if view.project.is_session_resolver(call.node):
                    sure = Confidence.HIGH if function in injected else Confidence.MEDIUM
                    message = f"`{text(call.node)}` gives a session that nobody owns"
                    yield self.finding(call.node, function, message, confidence=sure)


def _injected(view: View) -> frozenset[Function]:
    """Functions whose parameters FastAPI fills."""
    routes = view.project.routes
    return frozenset(
        function for route in routes for function in (route.function, *route.dependencies)
    )
