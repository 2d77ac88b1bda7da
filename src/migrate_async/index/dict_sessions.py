"""Sessions in dicts that a dependency gives: which kind they are.

    Common = Annotated[dict[str, DbSession | str], Depends(common_parameters)]

While `common_parameters` waits for its turn, the session that it puts there is a sync one, whatever
becomes of `DbSession` for others.
"""

from __future__ import annotations

from collections.abc import Callable

from migrate_async.index import types as t
from migrate_async.index.classes import Hierarchy
from migrate_async.index.sessions import session_kind
from migrate_async.index.types import Type, Types


def as_given(declared: Types, given: Callable[[], Types], hierarchy: Hierarchy) -> Types:
    """`declared`, with the sessions of the dicts that are `given` in the place of their own."""
    if not any(_sessions(item, hierarchy) for item in declared):
        return declared
    found = frozenset(part for item in given() for part in _sessions(item, hierarchy))
    if not found:
        return declared
    return frozenset(_with(item, found, hierarchy) for item in declared)


def _sessions(item: Type, hierarchy: Hierarchy) -> Types:
    """The sessions among the values of `item`, if it is a dict."""
    if not isinstance(item, t.DictOf):
        return frozenset()
    return frozenset(part for part in item.values if session_kind(t.of(part), hierarchy))


def _with(item: Type, sessions: Types, hierarchy: Hierarchy) -> Type:
    own = _sessions(item, hierarchy)
    if not own or not isinstance(item, t.DictOf):
        return item
    return t.DictOf(item.keys, (item.values - own) | sessions)
