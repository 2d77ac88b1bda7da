"""Attributes that are read without a dot, by names which stand in the code all the same.

operator.attrgetter("team.name")(user)
sorted(users, key=attrgetter("team.name"))
functools.reduce(getattr, ["team", "name"], user)
object.__getattribute__(user, "team")
User.team.__get__(user)
"{user.team.name}".format(user=user)
match user:
    case User(team=Team(name="owls")): ...
"""

from __future__ import annotations

from collections.abc import Iterator
from string import Formatter
from typing import NamedTuple

from migrate_async.index.keyed import keyed
from migrate_async.index.project import Project
from migrate_async.index.scopes import Function, Scope, last_name
from migrate_async.model import syntax as s

Chain = tuple[str, ...]
"""Attributes that are read one of the other."""

_GETATTR = "getattr"
_ASKING = frozenset({"get_attribute", "getattr", "hasattr"})
_GETTER = "attrgetter"
_READING = frozenset({"__getattribute__", "__get__"})
_FORMATTING = frozenset({"format", "format_map"})
_PARTIAL = "partial"
_REDUCED = "reduce"
_NAMES = frozenset({*_ASKING, *_READING, *_FORMATTING, _PARTIAL, _REDUCED})


class Spelled(NamedTuple):
    """`node` reads `chain` of `owner`, or of each object in it; no chain: nobody knows what.

    A pattern reads it of what is an object of the class `cls`.
    """

    node: s.Expr
    owner: s.Expr
    scope: Scope
    chain: Chain | None
    of_each: bool = False
    cls: s.Expr | None = None


def spelled(project: Project, function: Function) -> Iterator[Spelled]:
    """Those in the function's own code."""
    for call in function.calls:
        node, scope = call.node, call.scope
        if call.name in _NAMES:
            for owner, chain in _read(project, node, scope):
                yield Spelled(node, owner, scope, chain)
        elif node.args and _may_be_getter(node.func):
            for chain in _got(project, node.func, scope):
                yield Spelled(node, node.args[0], scope, chain)
        for found in keyed(node):
            is_getattr = s.dotted_name(found.function) == _GETATTR and not found.position
            chains = [None] if is_getattr else _got(project, found.function, scope)
            yield from (Spelled(node, found.items, scope, chain, True) for chain in chains)
    if function.node is not None:
        yield from _matched(project, function)


def _matched(project: Project, function: Function) -> Iterator[Spelled]:
    for node in function.nodes(s.Match):
        subject, scope = node.subject, project.scope_of(node.subject)
        if scope.function is not function:
            continue
        for case in node.cases:
            for pattern in case.classes:
                cls = case.classes[pattern.outer].cls
                for name in pattern.attributes:
                    chain = (*pattern.path, name) if name else None
                    yield Spelled(subject, subject, scope, chain, True, cls)


def _read(project: Project, call: s.Call, scope: Scope) -> Iterator[tuple[s.Expr, Chain | None]]:
    func, args = call.func, call.args
    name = last_name(func)
    if name in _ASKING and isinstance(func, s.Name) and len(args) > 1:
        if isinstance(args[1], s.Constant):
            yield args[0], (str(args[1].value),)
        elif name != _GETATTR:  # see `plan.walks` of that
            yield args[0], None
    elif name == _REDUCED and len(args) > 2 and s.dotted_name(args[0]) == _GETATTR:
        yield args[2], _listed(project, args[1], scope)
    elif name == _PARTIAL and len(args) > 1 and s.dotted_name(args[0]) == _GETATTR:
        said = args[2] if len(args) > 2 else None
        yield args[1], (str(said.value),) if isinstance(said, s.Constant) else None
    elif not isinstance(func, s.Attribute):
        return
    elif name == "__getattribute__" and args:
        owner = args[0] if len(args) > 1 else func.value
        yield owner, (str(args[-1].value),) if isinstance(args[-1], s.Constant) else None
    elif name == "__get__" and args and isinstance(func.value, s.Attribute):
        yield args[0], (func.value.attr,)
    elif name in _FORMATTING:
        yield from _formatted(project, call, func, scope)


# --- attrgetter --------------------------------------------------------------------------------


def _may_be_getter(func: s.Expr) -> bool:
    """Whether `func` is a call, a variable or what a table has: nothing else can be a getter."""
    return isinstance(func, s.Call | s.Name | s.Subscript)


def _got(project: Project, func: s.Expr, scope: Scope) -> Iterator[Chain | None]:
    """What the getters read that `func` may be."""
    if isinstance(func, s.Name):
        for value in project.assigned(func, scope):
            if not isinstance(value, s.Name):
                yield from _got(project, value, project.scope_of(value))
    elif isinstance(func, s.Subscript):
        table = project.value_of(func.value, scope)
        for value in table.values if isinstance(table, s.Mapping) else ():
            yield from _got(project, value, project.scope_of(value))
    elif isinstance(func, s.Call) and last_name(func.func) == _GETTER:
        for name in func.args:
            if isinstance(name, s.Constant):
                yield tuple(str(name.value).split("."))
            else:
                yield None


# --- lists of names ----------------------------------------------------------------------------


def _listed(project: Project, over: s.Expr, scope: Scope) -> Chain | None:
    """The names in `["team", "name"]` and `"team.name".split(".")`."""
    if isinstance(over, s.Name):
        value = project.value_of(over, scope)
        return _listed(project, value, project.scope_of(value)) if value is not None else None
    if isinstance(over, s.Sequence):
        names = [str(item.value) for item in over.items if isinstance(item, s.Constant)]
        return tuple(names) if len(names) == len(over.items) else None
    if isinstance(over, s.Call) and isinstance(over.func, s.Attribute):
        text, args = over.func.value, over.args
        if over.func.attr == "split" and len(args) == 1 and isinstance(text, s.Constant):
            given = args[0]
            if isinstance(given, s.Constant):
                return tuple(str(text.value).split(str(given.value)))
    return None


# --- texts that are filled -----------------------------------------------------------------------


def _formatted(
    project: Project, call: s.Call, func: s.Attribute, scope: Scope
) -> Iterator[tuple[s.Expr, Chain | None]]:
    """What `"{0.team.name}".format(user)` reads of what it is given."""
    given = dict(_given(call))
    text = func.value
    if isinstance(text, s.Name | s.Attribute):
        text = project.value_of(text, scope) or text
    if not isinstance(text, s.Constant):
        yield from ((owner, None) for owner in given.values())
        return
    for name, chain in _fields(str(text.value)):
        if chain and name in given:
            yield given[name], chain


def _given(call: s.Call) -> Iterator[tuple[str, s.Expr]]:
    """What a text is filled with, by the names that it has there."""
    if last_name(call.func) == "format":
        yield from ((str(number), value) for number, value in enumerate(call.args))
        yield from ((k.arg, k.value) for k in call.keywords if k.arg is not None)
    elif call.args and isinstance(call.args[0], s.Mapping):
        for key, value in zip(call.args[0].keys, call.args[0].values, strict=True):
            if isinstance(key, s.Constant):
                yield str(key.value), value


def _fields(text: str) -> Iterator[tuple[str, Chain]]:
    """`user`, and `("team", "name")`, of `{user.team.name}`."""
    try:
        found = [field for _, field, _, _ in Formatter().parse(text) if field is not None]
    except ValueError:
        return
    for number, field in enumerate(found):
        first, *rest = field.replace("]", "").replace("[", ".[").split(".")
        names = tuple(name for name in rest if not name.startswith("["))
        yield first or str(number), names
