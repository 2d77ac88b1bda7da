"""Which exceptions an `except` block catches, by the last names of their classes."""

from __future__ import annotations

from migrate_async.knowledge.transactions import DATABASE_ERROR
from migrate_async.model import syntax as s

CATCH_ALL = frozenset({"Exception", "BaseException"})


def caught_names(handler: s.Handler) -> frozenset[str]:
    """The last names of the classes that `handler` catches; those of all for `except:`."""
    if handler.error is None:
        return CATCH_ALL
    errors = handler.error.items if isinstance(handler.error, s.Sequence) else (handler.error,)
    return frozenset(s.dotted_name(error).rpartition(".")[2] for error in errors)


def catches_every_failure(handler: s.Handler) -> bool:
    """Whether whatever a statement on a session raises is caught."""
    return not caught_names(handler).isdisjoint(CATCH_ALL | {DATABASE_ERROR})
