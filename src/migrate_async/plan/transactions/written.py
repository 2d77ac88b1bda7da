"""Which variables a statement writes, or takes out of a session, by itself."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.model import syntax as s
from migrate_async.plan import blocks
from migrate_async.plan.blocks import called, method_name

_MUTATORS = frozenset(
    {"add", "append", "clear", "discard", "extend", "insert", "pop", "remove", "update"}
)


def writes(statement: s.Stmt) -> Iterator[s.Name]:
    """What `statement` writes.

    `x` in `db.add(x)`, `x = db.merge(y)`, `setattr(x, ...)`, `x.attribute = ...` and
    `x.items.append(...)`.
    """
    if isinstance(statement, s.Assign):
        is_merge = isinstance(statement.value, s.Call) and method_name(statement.value) == "merge"
        for target in statement.targets:
            if is_merge and isinstance(target, s.Name):
                yield target
            if isinstance(target, s.Attribute) and isinstance(target.value, s.Name):
                yield target.value
    elif isinstance(statement, s.AugmentedAssign):
        target = statement.target
        if isinstance(target, s.Attribute) and isinstance(target.value, s.Name):
            yield target.value
    elif isinstance(statement, s.ExpressionStatement) and isinstance(statement.value, s.Call):
        call = statement.value
        changed = _changed_collection(call.func)
        if changed is not None:
            yield changed
        is_write = method_name(call) in ("add", "setattr")
        if is_write and call.args and isinstance(call.args[0], s.Name):
            yield call.args[0]


def takes_out(statement: s.Stmt) -> Iterator[s.Name]:
    """`x` in `db.delete(x)` and `db.expunge(x)`."""
    call = called(statement, awaited=False) or called(statement, awaited=True)
    if call is not None and method_name(call) in ("delete", "expunge") and call.args:
        yield from (call.args[0],) if isinstance(call.args[0], s.Name) else ()


def _changed_collection(func: s.Expr) -> s.Name | None:
    """`x` in `x.items.append`: the database may order or complete the collection."""
    if not isinstance(func, s.Attribute) or func.attr not in _MUTATORS:
        return None
    owner = func.value.value if isinstance(func.value, s.Attribute) else None
    return owner if isinstance(owner, s.Name) else None


def attributes_of_calls(statement: s.Stmt) -> Iterator[s.Expr]:
    """`other.get(Account, id)` in `other.get(Account, id).balance += 1`."""
    for target in blocks.targets(statement):
        if isinstance(target, s.Attribute) and isinstance(target.value, s.Call):
            yield target.value
