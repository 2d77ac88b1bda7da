"""A session factory in a service registry."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.lint.rule import Example, Rule
from migrate_async.lint.view import View
from migrate_async.model.finding import Finding
from migrate_async.plan.registry import registrations


class RegisteredSession(Rule):
    """A service registry hands out database sessions.

    ## Why

    A registry makes a session whenever it is asked and knows no end of a request: nobody closes
    what it made, and two calls in one request get two sessions with two transactions. An async
    session cannot be used that way at all, because it has to be closed with `await`.

    ## Fix

    Give the session through `Depends(get_db)` and hand it on as a parameter, then drop the
    registration. `migrate-async migrate` removes it with the last use.

    ## False alarms

    What counts as a session's key is the setting `registry-keys`.
    """

    CODE = "MA856"
    CONSEQUENCE = "sessions are never closed, and one request works in several transactions"
    REMEDY = "use `Depends(get_db)` and drop the registration"
    PER_FILE = True
    EXAMPLES = (
        Example(
            "a registered factory",
            """\
from app.container import Container
from app.database import SessionLocal

Container.register_factory("db_session", SessionLocal)  # error
""",
        ),
        Example(
            "another service",
            """\
from app.container import Container
from app.mail import Mailer

Container.register_factory("mailer", Mailer)
""",
        ),
        Example(
            "a dependency",
            """\
from app.database import SessionLocal


def get_db():
    with SessionLocal() as db:
        yield db
""",
        ),
    )

    def check(self, view: View) -> Iterator[Finding]:
        for module, statement in registrations(view.project, view.project.settings):
            if view.is_selected(module.body):
                message = "a registry hands out sessions that nobody closes"
                yield self.finding(statement, module.body, message)
