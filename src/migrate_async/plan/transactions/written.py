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

    `x` in `db.add(x)`, `x = db.merge(y)`, `setattr(x, ...)`, `x.attribute = ...`,
    `x.data[key] = ...` and `x.items.append(...)`.
    """
    if isinstance(statement, s.Assign):
        is_merge = isinstance(statement.value, s.Call) and method_name(statement.value) == "merge"
        for target in statement.targets if is_merge else ():
            if isinstance(target, s.Name):
                yield target
    own = frozenset(_turns(statement))
    yield from (x for x in owners(statement) if isinstance(x, s.Name) and x.id not in own)
    call = called(statement, awaited=False)
    if call is None:
        return
    changed = _changed_collection(call.func)
    if changed is not None:
        yield changed
    if method_name(call) == "add" and call.args and isinstance(call.args[0], s.Name):
        yield call.args[0]


def owners(statement: s.Stmt) -> Iterator[s.Expr]:
    """`x` in `x.name = ...`, `x.data[key] = ...` and `setattr(x, name, ...)`."""
    pending = list(blocks.targets(statement))
    while pending:
        target = pending.pop(0)
        if isinstance(target, s.Sequence):
            pending.extend(target.items)
        if isinstance(target, s.Subscript):
            target = target.value
        if isinstance(target, s.Attribute):
            yield target.value
    for node in s.walk(statement) if isinstance(statement, s.ExpressionStatement) else ():
        if isinstance(node, s.Call) and node.args and s.dotted_name(node.func) == "setattr":
            yield node.args[0]


def _turns(statement: s.Stmt) -> Iterator[str]:
    """The variables of the comprehensions in `statement`, which are not those of its function."""
    for node in s.walk(statement) if isinstance(statement, s.ExpressionStatement) else ():
        for generator in node.generators if isinstance(node, s.Comprehension) else ():
            yield from (part.id for part in s.walk(generator.target) if isinstance(part, s.Name))


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
