"""Which calls, and which pieces of syntax, talk to the database."""

from __future__ import annotations

import msgspec

from migrate_async.index import sessions
from migrate_async.index import types as t
from migrate_async.index.classes import Hierarchy
from migrate_async.index.types import Type, Types
from migrate_async.knowledge import sqlalchemy

_CONSUMERS = frozenset(
    f"builtins.{name}"
    for name in (
        *("list", "sorted", "set", "tuple", "dict", "frozenset", "iter", "enumerate", "zip"),
        *("map", "filter", "any", "all", "sum", "max", "min", "reversed"),
    )
)
"""Builtins that iterate over what they are given."""


class Operation(msgspec.Struct, frozen=True):
    """A method that talks to the database.

    `owner` is `session`, `query`, `connection`, `engine`, `result`, `transaction` or `factory`.
    `name` is the method; `__iter__`, `__getitem__` and `__exit__` stand for what syntax calls.
    `is_async`: the owner is already the async one, so that the operation has to be awaited.
    """

    owner: str
    name: str
    is_async: bool = False


def operation_of(types: Types) -> Operation | None:
    """The database operation that calling a value of `types` is."""
    found: Operation | None = None
    for operation in operations_of(types):
        if found is None or not operation.is_async:
            found = operation
    return found


def operations_of(types: Types) -> tuple[Operation, ...]:
    """All database operations that calling a value of `types` can be."""
    return tuple(filter(None, map(_operation, t.ordered(types))))


def _operation(item: Type) -> Operation | None:
    if isinstance(item, t.ExternalMethod):
        owner, is_async = sqlalchemy.OWNERS.get(item.owner, ("", False))
    elif isinstance(item, t.Method) and isinstance(item.owner, t.QueryOf):
        owner, is_async = "query", item.owner.session == "async"
    elif isinstance(item, t.Method) and isinstance(item.owner, t.SessionFactory):
        owner, is_async = "factory", item.owner.is_async
    else:
        return None
    if owner and item.name in sqlalchemy.OPERATIONS[owner]:
        return Operation(owner, item.name, is_async)
    return None


def is_consumer(types: Types) -> bool:
    """Whether a callee is a builtin that iterates over its arguments, such as `list`."""
    return any(isinstance(item, t.External) and item.dotted in _CONSUMERS for item in types)


def iteration(types: Types) -> Operation | None:
    """The operation that iterating over a value of `types` is."""
    return _of_query("__iter__", types)


def _of_query(name: str, types: Types) -> Operation | None:
    for item in types:
        if isinstance(item, t.QueryOf):
            return Operation("query", name, item.session == "async")
    return None


def implicit(method: str, types: Types, hierarchy: Hierarchy) -> Operation | None:
    """The operation of `for`, `[...]` or the end of a `with` block."""
    if method != "__enter__":
        return _of_query(method, types)
    kind = sessions.session_kind(types, hierarchy)
    return None if kind is None else Operation("session", "__exit__", kind == "async")


def is_heuristic(types: Types) -> bool:
    """Whether the operation is one only because of a parameter's name."""
    known = [item for item in types if isinstance(item, t.ExternalMethod | t.ExternalInstance)]
    return bool(known) and all(item.heuristic for item in known)
