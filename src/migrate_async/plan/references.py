"""The names in the text of a function that can mean a session, an engine or a dependency."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence

from migrate_async.index.scopes import Function
from migrate_async.model import syntax as s
from migrate_async.plan.inner_listeners import is_listener

_WORD = re.compile(r"[^\W\d]\w*")
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


def quoted_annotations(node: s.AnyNode) -> Iterator[tuple[s.Constant, tuple[s.Name, ...]]]:
    """The annotations in quotes of parameters in `node`, and the names in each."""
    for part in s.walk(node):
        annotation = part.annotation if isinstance(part, s.Parameter) else None
        if isinstance(annotation, s.Constant) and annotation.kind == "str":
            words = dict.fromkeys(_WORD.findall(str(annotation.value)))
            yield annotation, tuple(s.Name(*annotation.span, word) for word in words)


def renamed_in(text: str, names: Mapping[str, str]) -> str:
    """`text` with other names in it, as an annotation in quotes."""
    code = _WORD.sub(lambda found: names.get(found[0], found[0]), text)
    return json.dumps(code, ensure_ascii=False)


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
