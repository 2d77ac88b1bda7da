"""Commits of code that has not migrated, on a session that keeps its objects across commits.

A sync session expires its objects at commit, and legacy code counts on it: what the database made
of the values is read by touching an attribute. Async code cannot load by touching one, which is
why its sessions are made with `expire_on_commit=False`. Where both share a session, a commit made
by legacy code expires everything and reads the columns anew at once.
"""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable

from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.orm import Session

from migrate_async.runtime.running import in_greenlet, running_loop


def is_own_call_of_async_session() -> bool:
    """Whether the caller was called by an `AsyncSession` method, not by legacy code.

    `AsyncSession.commit` runs `Session.commit` as the first function of a greenlet.
    """
    frame = inspect.currentframe()
    caller = frame.f_back if frame is not None else None
    return in_greenlet() and caller is not None and caller.f_back is None


def commit_and_reload(session: Session, commit: Callable[[], None]) -> None:
    """Commit, then let all objects of `session` have the values that the database has."""
    commit()
    reload(session)


def reload(session: Session) -> None:
    """Expire all objects of `session`, and read their columns anew."""
    session.expire_all()
    if running_loop() is not None and not in_greenlet():
        return  # nothing can load here; whoever reads the objects next may
    for instance in list(session.identity_map.values()):
        with contextlib.suppress(InvalidRequestError):  # its row is gone
            session.refresh(instance)
