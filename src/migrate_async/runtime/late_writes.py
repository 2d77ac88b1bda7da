"""Notice what is written through a request's session after the request was committed.

A background task or a stream may go on using the session. What it writes and does not commit
is rolled back when the session closes; silently, unless somebody looks. Watching costs an entry in
the session's `info`; statements are looked at only if the session is used again.
"""

from __future__ import annotations

import logging
import re
import warnings

from sqlalchemy import Connection, event
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from migrate_async.runtime.errors import UncommittedWorkWarning

logger = logging.getLogger(__name__)

_INFO_KEY = "migrate_async.late_writes"
_NOISE = r"(?:\s+|--[^\n]*\n|/\*.*?\*/)*"
_WRITE = re.compile(
    _NOISE + r"(?:INSERT|UPDATE|DELETE|MERGE|REPLACE|TRUNCATE|COPY|LOAD|CREATE|ALTER|DROP)\b",
    re.IGNORECASE | re.DOTALL,
)
_WRITING_CTE = re.compile(
    _NOISE + r"WITH\b.*(?<!FOR )(?<!KEY )\b(?:INSERT|UPDATE|DELETE|MERGE)\b",
    re.IGNORECASE | re.DOTALL,
)


def is_write(statement: str) -> bool:
    """Whether a SQL text changes data or schema; a function called by SELECT is not seen."""
    return bool(_WRITE.match(statement) or _WRITING_CTE.match(statement))


class LateWrites:
    """The statements that wrote after the commit, and were not committed since."""

    def __init__(self, session: AsyncSession) -> None:
        self.session = session
        self.statements: list[str] = []
        self._watching = False

    def pending(self) -> str | None:
        """A word on what would be lost if the session closed now; None if nothing."""
        if self.statements:
            return " ".join(self.statements[0].split()[:3])
        session = self.session.sync_session
        unflushed = (*session.new, *session.dirty, *session.deleted)
        return f"unflushed {type(unflushed[0]).__name__}" if unflushed else None

    def watch(self, session: Session, connection: Connection) -> None:
        """The session has begun a transaction after all."""
        event.listen(connection, "after_cursor_execute", self._on_execute)
        if not self._watching:
            self._watching = True
            event.listen(session, "after_commit", self._on_end)
            event.listen(session, "after_rollback", self._on_end)

    def _on_execute(
        self,
        _connection: Connection,
        _cursor: object,
        statement: str,
        _parameters: object,
        _context: object,
        _executemany: bool,
    ) -> None:
        if is_write(statement):
            self.statements.append(statement)

    def _on_end(self, _session: Session) -> None:
        self.statements.clear()


def watch_late_writes(session: AsyncSession) -> None:
    """From now on remember what the session writes and does not commit."""
    info = session.sync_session.info
    if _INFO_KEY not in info:
        info[_INFO_KEY] = LateWrites(session)


# For all sessions: a listener of its own would cost each request more than its session.
@event.listens_for(Session, "after_begin")
def _on_begin(session: Session, _transaction: object, connection: Connection) -> None:
    late: LateWrites | None = vars(session).get("info", {}).get(_INFO_KEY)
    if late is not None:
        late.watch(session, connection)


def pending_late_writes(session: AsyncSession) -> str | None:
    """What closing the session now would lose, in a few words; None if nothing or unwatched."""
    late: LateWrites | None = session.sync_session.info.get(_INFO_KEY)
    return late.pending() if late is not None else None


def announce_loss(what: str, route: str) -> None:
    """Say that work was rolled back after the response; the client already has its answer."""
    message = (
        f"{route}: work done after the response had started was rolled back ({what}...). "
        "A stream or background task that writes must `await session.commit()` itself."
    )
    logger.error(message)
    warnings.warn(UncommittedWorkWarning(message), stacklevel=2)
