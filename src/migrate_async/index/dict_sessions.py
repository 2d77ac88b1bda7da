"""Sessions in dicts: under which key, and of which kind.

    def common_parameters(db_session: DbSession, q: str = ""):
        return {"db_session": db_session, "q": q}

    Common = Annotated[dict[str, DbSession | str], Depends(common_parameters)]

Such an annotation says that `q` may be a session. And while `common_parameters` waits for its turn,
the session that it puts there is a sync one, whatever becomes of `DbSession` for others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from migrate_async.index import types as t
from migrate_async.index.classes import Hierarchy
from migrate_async.index.sessions import session_kind
from migrate_async.index.types import UNKNOWN, Type, Types
from migrate_async.model import syntax as s


def dict_of(found: Sequence[tuple[s.Expr, Types]], hierarchy: Hierarchy) -> t.DictOf:
    """The type of a dict display with these keys, and types of values."""
    values = t.union(types for _, types in found)
    names = [str(key.value) for key, _ in found if isinstance(key, s.Constant)]
    is_record = len(names) == len(found) == len(set(names))
    if not is_record or session_kind(values, hierarchy) is None:
        return t.DictOf(UNKNOWN, values)
    return t.DictOf(UNKNOWN, values, tuple(names), tuple(types for _, types in found))


def as_given(declared: Types, given: Callable[[], Types], hierarchy: Hierarchy) -> Types:
    """`declared`, with the dicts that are `given` in the place of those that hold sessions."""
    if not any(_holds_sessions(item, hierarchy) for item in declared):
        return declared
    found = frozenset(item for item in given() if _holds_sessions(item, hierarchy))
    if not found:
        return declared
    return found | {item for item in declared if not _holds_sessions(item, hierarchy)}


def _holds_sessions(item: Type, hierarchy: Hierarchy) -> bool:
    return isinstance(item, t.DictOf) and session_kind(item.values, hierarchy) is not None
