"""What statements put into containers: `found = []`, and `found.append(user)` in a loop.

A display, or a call of `list`, `set`, `deque`, `dict`, `defaultdict` and the like, says little of
what will be in there. What a function puts into the container of one of its variables, or the
methods of a class into one of their object, `self.found[user.id] = user`, does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from migrate_async.index import scopes as sc
from migrate_async.index import types as t
from migrate_async.index.sessions import session_kind
from migrate_async.index.types import UNKNOWN, Type, Types
from migrate_async.model import syntax as s

if TYPE_CHECKING:
    from migrate_async.index.infer import Inference

_LISTS = frozenset({"deque", "list", "set"})
_DICTS = frozenset({"Counter", "OrderedDict", "defaultdict", "dict"})
_ONE = frozenset({"add", "append", "appendleft", "insert"})
_ALL = frozenset({"extend", "extendleft", "update"})
_DEFAULT = "setdefault"
_FILLS = _ONE | _ALL | {_DEFAULT}
_SCOPES = frozenset({"class", "function"})
_KINDS = t.Instance | t.ExternalInstance | t.ListOf | t.DictOf | t.TupleOf | t.RowOf
_MOST = 40


class Filling(msgspec.Struct, frozen=True, eq=False):
    """`value` is put into a container, or `all` that it holds, under `key` if that is a dict.

    `way` leads there from the variable: the keys of the containers around it.
    """

    way: tuple[s.Expr, ...]
    value: s.Expr
    scope: sc.Scope
    key: s.Expr | None = None
    all: bool = False

    def inside(self) -> Filling:
        """The same, seen from the container that the first key leads to."""
        return msgspec.structs.replace(self, way=self.way[1:])


_ByName: TypeAlias = "dict[str, list[Filling]]"


class Fillings:
    """Answers for one project."""

    def __init__(self, inference: Inference) -> None:
        self._inference = inference
        self._of: dict[sc.Function, _ByName] = {}
        self._methods: dict[sc.Class, list[sc.Function]] | None = None
        self._inner: dict[sc.Function, list[sc.Function]] | None = None

    def known(self, value: s.Expr, scope: sc.Scope, binding: sc.Binding) -> Types:
        """What the container `value` is, with all that is put into it where `binding` names it."""
        own = self._inference.infer(value, scope)
        kind = _kind(value)
        if not kind or scope.kind not in _SCOPES or _holds_sessions(own):
            return own
        found = [*self.into(binding)][:_MOST]
        return self._merged(own, found, is_dict=kind == "dict") if found else own

    def into(self, binding: sc.Binding) -> Iterator[Filling]:
        """What is put into the container that `binding` names."""
        scope = binding.scope
        function = scope.function
        if scope.kind == "class" and scope.cls is not None:
            yield from self._by_methods(scope.cls, _named(scope.names, binding))
        elif name := _named(scope.names, binding):
            for user in self._users(function, name):
                yield from self._by_name(user).get(name, ())
        elif function.cls is not None and function.self_name:
            yield from self._by_methods(function.cls, _named(function.cls.instance, binding))

    def _by_methods(self, cls: sc.Class, name: str) -> Iterator[Filling]:
        if self._methods is None:
            self._methods = {}
            for function in self._inference.symbols.functions:
                if function.cls is not None and function.self_name:
                    self._methods.setdefault(function.cls, []).append(function)
        for method in self._methods.get(cls, ()) if name else ():
            yield from self._by_name(method).get(f"{method.self_name}.{name}", ())

    def _users(self, function: sc.Function, name: str) -> Iterator[sc.Function]:
        """`function`, and those in it that use its variable."""
        if self._inner is None:
            self._inner = {}
            for inner in self._inference.symbols.functions:
                if inner.parent is not None and not inner.parent.is_module:
                    self._inner.setdefault(inner.parent, []).append(inner)
        yield function
        for inner in self._inner.get(function, ()):
            if name not in inner.scope.names:
                yield from self._users(inner, name)

    def _by_name(self, function: sc.Function) -> _ByName:
        if function not in self._of:
            found: _ByName = {}
            for name, filling in _fillings(function):
                found.setdefault(name, []).append(filling)
            self._of[function] = found
        return self._of[function]

    # --- types ---------------------------------------------------------------------------------

    def _merged(self, own: Types, fillings: list[Filling], *, is_dict: bool) -> Types:
        """The container `own` with what `fillings` put into it."""
        direct = [filling for filling in fillings if not filling.way]
        inner = [filling for filling in fillings if filling.way]
        below = UNKNOWN
        if inner:
            below = self._merged(UNKNOWN, [f.inside() for f in inner], is_dict=_are_dicts(inner))
        if not is_dict:
            items = [item.items for item in own if isinstance(item, t.ListOf)]
            return t.of(t.ListOf(t.union([*items, *map(self._item, direct), below])))
        known = [item for item in own if isinstance(item, t.DictOf)]
        entries = [(item.keys, item.values) for item in known]
        entries += map(self._entry, direct)
        entries += ((self._infer(filling.way[0], filling.scope), below) for filling in inner)
        keys, values = zip(*entries, strict=True) if entries else ((), ())
        return t.of(t.DictOf(t.union(keys), t.union(values)))

    def _item(self, filling: Filling) -> Types:
        found = self._infer(filling.value, filling.scope)
        return self._inference.protocols.elements(found) if filling.all else found

    def _entry(self, filling: Filling) -> tuple[Types, Types]:
        found = self._infer(filling.value, filling.scope)
        if filling.key is not None:
            return self._infer(filling.key, filling.scope), found
        dicts = [item for item in found if isinstance(item, t.DictOf)]
        return t.union(item.keys for item in dicts), t.union(item.values for item in dicts)

    def _infer(self, expr: s.Expr, scope: sc.Scope) -> Types:
        """What `expr` is, but for functions, classes and sessions: those are followed elsewhere."""
        found = self._inference.infer(expr, scope)
        return frozenset(item for item in found if self._is_plain(item))

    def _is_plain(self, item: Type) -> bool:
        if isinstance(item, t.TupleOf):
            return all(map(self._is_plain, t.union(item.items)))
        if isinstance(item, t.ListOf):
            return all(map(self._is_plain, item.items))
        if isinstance(item, t.DictOf):
            return all(map(self._is_plain, item.values))
        hierarchy = self._inference.hierarchy
        return isinstance(item, _KINDS) and session_kind(t.of(item), hierarchy) is None


def _kind(value: s.Expr) -> str:
    """`list` or `dict` for what makes a container; empty for anything else."""
    if isinstance(value, s.Sequence):
        return "" if value.kind == "tuple" else "list"
    if isinstance(value, s.Mapping):
        return "dict"
    if isinstance(value, s.Comprehension):
        return {"dict": "dict", "generator": ""}.get(value.kind, "list")
    if not isinstance(value, s.Call):
        return ""
    name = sc.last_name(value.func)
    if name == "field":
        made = (word.value for word in value.keywords if word.arg == "default_factory")
        name = next(map(sc.last_name, made), "")
    return "list" if name in _LISTS else "dict" if name in _DICTS else ""


def is_made_empty(value: s.Expr) -> bool:
    """Whether `value` makes a container with nothing in it."""
    if isinstance(value, s.Sequence):
        return not value.items
    if isinstance(value, s.Mapping):
        return not value.keys
    if not isinstance(value, s.Call) or not _kind(value):
        return False
    name = sc.last_name(value.func)
    return name in ("defaultdict", "field") or not (value.args or value.keywords)


def _named(names: dict[str, list[sc.Binding]], binding: sc.Binding) -> str:
    return next((name for name, found in names.items() if binding in found), "")


def _are_dicts(fillings: Iterable[Filling]) -> bool:
    """Whether the containers that the first keys lead to are dicts themselves."""
    return any(len(filling.way) > 1 or filling.key is not None for filling in fillings)


def _holds_sessions(types: Types) -> bool:
    """Whether it is a dict of which the names matter, see `dict_sessions`."""
    return any(isinstance(item, t.DictOf) and item.names for item in types)


# --- statements ----------------------------------------------------------------------------------


def _fillings(function: sc.Function) -> Iterator[tuple[str, Filling]]:
    for call in function.calls:
        func = call.node.func
        if isinstance(func, s.Attribute) and func.attr in _FILLS and call.node.args:
            yield from _of_call(func, call.node.args, call.scope)
    for statement in function.nodes(s.Assign, s.AugmentedAssign):
        is_added = isinstance(statement, s.AugmentedAssign)
        for target in _targets(statement):
            if isinstance(target, s.Subscript):
                for name, way in _place(target.value):
                    yield name, Filling(way, statement.value, function.scope, key=target.index)
            elif is_added:
                for name, way in _place(target):
                    yield name, Filling(way, statement.value, function.scope, all=True)


def _targets(statement: s.Assign | s.AugmentedAssign) -> tuple[s.Expr, ...]:
    return (statement.target,) if isinstance(statement, s.AugmentedAssign) else statement.targets


def _of_call(
    func: s.Attribute, args: tuple[s.Expr, ...], scope: sc.Scope
) -> Iterator[tuple[str, Filling]]:
    for name, way in _place(func.value):
        if func.attr in _ONE:
            yield name, Filling(way, args[-1], scope)
        elif func.attr in _ALL:
            yield name, Filling(way, args[0], scope, all=True)
        elif func.attr == _DEFAULT and len(args) > 1:
            yield name, Filling(way, args[1], scope, key=args[0])


def _place(expr: s.Expr) -> Iterator[tuple[str, tuple[s.Expr, ...]]]:
    """The variable, or attribute of `self`, that holds the container, and the keys on the way."""
    step = _step(expr)
    if step is not None:
        for name, way in _place(step[0]):
            yield name, (*way, step[1])
    elif name := s.dotted_name(expr):
        yield name, ()


def _step(expr: s.Expr) -> tuple[s.Expr, s.Expr] | None:
    """The container around, and the key: `found[key]` and `found.setdefault(key, [])`."""
    if isinstance(expr, s.Subscript):
        return expr.value, expr.index
    func = expr.func if isinstance(expr, s.Call) and expr.args else None
    if isinstance(expr, s.Call) and isinstance(func, s.Attribute) and func.attr == _DEFAULT:
        return func.value, expr.args[0]
    return None
