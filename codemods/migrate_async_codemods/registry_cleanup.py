"""Registrations of the session that nothing resolves any more."""

from __future__ import annotations

from migrate_async.rewrite.codemod import Example, PlannedCodemod


class RegistryCleanup(PlannedCodemod):
    """Remove the session from the service registry once nothing resolves it.

    ## Why

    A registered session factory invites the next leak.

    ## What it does

    The statement `Container.register_factory("db_session", ...)` goes, with imports that only it
    used. Which keys hold the session is set with `registry-keys`.

    ## Left alone

    Other registrations; the session's own while any function that stays sync may resolve it.
    """

    NAME = "registry-cleanup"
    CODE = "MA350"
    AFTER = ("session-injection",)
    EXAMPLES = (
        Example(
            "the session goes, the mailbox stays",
            before="""\
from app.container import Container
from app.database import SessionLocal
from app.mail import Mailbox

Container.register_factory("db_session", SessionLocal)
Container.register_factory("mailbox", Mailbox)


def save(db):
    db.commit()
""",
            after="""\
from app.container import Container
from app.mail import Mailbox

Container.register_factory("mailbox", Mailbox)


def save(db):
    db.commit()
""",
        ),
        Example(
            "a lambda stays sync and may resolve it",
            before="""\
from app.container import Container
from app.database import SessionLocal

Container.register_factory("db_session", SessionLocal)

FIGURES = {"users": lambda db: db.execute("SELECT 1").scalar()}
""",
        ),
    )
