"""The names in the text of a function that can mean a session, an engine or a dependency."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from migrate_async.index.scopes import Function
from migrate_async.model import syntax as s
from migrate_async.plan.inner_listeners import is_listener

_DEFINITIONS = (s.FunctionDef, s.ClassDef, s.Import, s.ImportFrom)


def references(function: Function) -> Iterator[s.Name | s.Attribute]:
    """Names and dotted names in the function's own text, and what these start with."""
    if function.node is not None:
        yield from names_below(function.node)
        return
    for statement in function.module.syntax.body:
        if not isinstance(statement, _DEFINITIONS):
            yield from names_below(statement)


def registrations(function: Function) -> tuple[s.Expr, ...]:
    """The decorators of a listener, which say where it listens."""
    node = function.node
    if is_listener(function) and isinstance(node, s.FunctionDef):
        return node.decorators
    return ()


def names_below(node: s.AnyNode) -> Iterator[s.Name | s.Attribute]:
    """Names and dotted names below `node`, and the shorter ones that these start with."""
    pending: list[s.AnyNode] = [node]
    while pending:
        current = pending.pop()
        if type(current) is s.Name:
            yield current
        elif type(current) is s.Attribute and s.dotted_name(current):
            yield current
            pending.append(current.value)
        else:
            pending.extend(reversed(list(s.children(current))))


def inner_imports(function: Function) -> Sequence[s.ImportFrom]:
    """The imports in the body of `function`."""
    return function.nodes(s.ImportFrom)


def written_import(node: s.ImportFrom, new: Mapping[str, str]) -> str:
    """The source of `node`, with other names for some of those that it imports."""
    names = []
    for item in node.names:
        bound, name = item.asname or item.name, new.get(item.name, item.name)
        names.append(name if name == bound else f"{name} as {bound}")
    return f"from {'.' * node.level}{node.module} import {', '.join(names)}"
