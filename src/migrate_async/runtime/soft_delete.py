"""Soft-deleted rows are invisible to the ORM unless a statement or a session asks for them.

Importing this module, hence using `SoftDeleteMixin`, adds one listener to every `Session`, sync or
async. It filters SELECT, and the UPDATE and DELETE statements of the ORM, including subqueries,
joins and relationship loads; what a lazy load sees is decided by the query that loaded the parent.

Not filtered: a refresh, `Session.get` of an object already in the session, a bulk UPDATE by primary
key, raw SQL, Core statements on the table and, on SQLAlchemy 2.0 only, `relationship.any()` and
`relationship.has()`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, event
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import (
    Mapped,
    ORMExecuteState,
    Session,
    UserDefinedOption,
    mapped_column,
    with_loader_criteria,
)
from sqlalchemy.sql.base import Executable

from migrate_async.runtime.datetimes import UTCDateTime, utcnow

StatementT = TypeVar("StatementT", bound=Executable)

_SESSION_FLAG = "migrate_async_include_deleted"


class _IncludeDeleted(UserDefinedOption):
    """Marks a statement, and the relationship loads of what it returns, as unfiltered."""

    propagate_to_loaders = True


class _AlreadyFiltered(UserDefinedOption):
    """Marks a relationship load which inherited the filter from the query of its parent."""

    propagate_to_loaders = True


INCLUDE_DELETED = _IncludeDeleted()
"""`session.get(User, 1, options=[INCLUDE_DELETED])`: the option behind `with_deleted`."""


class SoftDeleteMixin:
    """Rows that are marked as deleted and disappear from ORM queries, until restored.

    `session.delete(row)` still deletes for good. A unique constraint still sees deleted rows: use
    a partial unique index (`WHERE deleted_at IS NULL`) where the database has them.
    """

    deleted_at: Mapped[datetime | None] = mapped_column(
        UTCDateTime(), default=None, index=True, sort_order=1002
    )

    @hybrid_property
    def is_deleted(self) -> bool:
        """Whether the row is marked as deleted; in a query, the condition for it."""
        return self.deleted_at is not None

    @is_deleted.inplace.expression
    @classmethod
    def _is_deleted(cls) -> ColumnElement[bool]:
        return cls.deleted_at.is_not(None)

    def soft_delete(self) -> None:
        """Mark as deleted at the next flush. A row deleted before keeps its time."""
        if self.deleted_at is None:
            self.deleted_at = utcnow()

    def restore(self) -> None:
        """Undo `soft_delete` at the next flush."""
        self.deleted_at = None


_HIDE_DELETED = (
    with_loader_criteria(
        SoftDeleteMixin, lambda model: model.deleted_at.is_(None), include_aliases=True
    ),
    _AlreadyFiltered(),
)


def with_deleted(statement: StatementT) -> StatementT:
    """Return the statement so that it, and loads from what it returns, see deleted rows too."""
    return statement.options(INCLUDE_DELETED)


@contextmanager
def including_deleted(session: AsyncSession | Session) -> Iterator[None]:
    """Show deleted rows to every statement of a session, for the body of the `with` statement.

    Relationships of objects which a filtered query loaded before stay filtered; query those again
    with `populate_existing`.
    """
    before = session.info.get(_SESSION_FLAG, False)
    session.info[_SESSION_FLAG] = True
    try:
        yield
    finally:
        session.info[_SESSION_FLAG] = before


@event.listens_for(Session, "do_orm_execute")
def _hide_deleted(state: ORMExecuteState) -> None:
    if SoftDeleteMixin.__subclasses__() and _must_filter(state):
        statement: Any = state.statement
        state.statement = statement.options(*_HIDE_DELETED)


def _must_filter(state: ORMExecuteState) -> bool:
    if not (state.is_select or state.is_update or state.is_delete):
        return False
    if not state.is_orm_statement or state.is_column_load or state.session.info.get(_SESSION_FLAG):
        return False
    decided = (_IncludeDeleted, _AlreadyFiltered)
    return not any(isinstance(option, decided) for option in state.user_defined_options)
