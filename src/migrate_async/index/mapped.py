"""Classes that are mapped without a declarative base.

    @mapper_registry.mapped
    class User: ...

    mapper_registry.map_imperatively(User, users, properties={"posts": relationship(Post)})

What a mapping says from outside counts as if the body of the class said it, to be read where it
stands.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from migrate_async.index import scopes as sc
from migrate_async.index import types as t
from migrate_async.index.resolve import alias
from migrate_async.knowledge import sqlalchemy
from migrate_async.model import syntax as s

if TYPE_CHECKING:
    from migrate_async.index.infer import Inference

_MAPPERS = frozenset({"sqlalchemy.orm.mapper"})
_MAPPER_ARGUMENTS = "__mapper_args__"


def note_mapped(inference: Inference) -> None:
    """Teach inference which classes are mapped so, and what is mapped."""
    for cls in inference.symbols.classes:
        if any(map(is_mapping, cls.node.decorators)):
            cls.extra_bases.append(sqlalchemy.MAPPED_BY_REGISTRY)
            _bind(cls, _properties_in(cls), cls.scope)
    for fn in inference.symbols.functions:
        for call in fn.calls:
            if _maps(call, inference):
                _note_call(call, inference)


def is_mapping(decorator: s.Expr) -> bool:
    """`@mapper_registry.mapped`, `@mapped_as_dataclass(mapper_registry)`"""
    called = decorator.func if isinstance(decorator, s.Call) else decorator
    return sc.last_name(called) in sqlalchemy.MAPPING_DECORATORS


def registry_of(decorator: s.Expr) -> s.Expr | None:
    """The registry that a mapping decorator names."""
    called = decorator.func if isinstance(decorator, s.Call) else decorator
    if isinstance(called, s.Attribute):
        return called.value
    return decorator.args[0] if isinstance(decorator, s.Call) and decorator.args else None


def is_imperative(cls: sc.Class) -> bool:
    """Whether a call maps `cls`: what its body says of the mapping does not count."""
    return sqlalchemy.MAPPED_BY_CALL in cls.extra_bases


def _maps(call: sc.RawCall, inference: Inference) -> bool:
    """Whether it is a mapping; others may have a function `mapper` of their own."""
    if call.name != "mapper":
        return call.name in sqlalchemy.IMPERATIVE_MAPPINGS
    types = inference.infer(call.node.func, call.scope)
    return any(isinstance(item, t.External) and item.dotted in _MAPPERS for item in types)


def _note_call(call: sc.RawCall, inference: Inference) -> None:
    """`map_imperatively(User, users, properties={...})`, if `User` is a class of the project."""
    given = {keyword.arg: keyword.value for keyword in call.node.keywords}
    mapped = call.node.args[0] if call.node.args else given.get("class_")
    table = call.node.args[1] if len(call.node.args) > 1 else given.get("local_table")
    if mapped is None or (table is None and "inherits" not in given):
        return
    for item in t.ordered(inference.infer(mapped, call.scope)):
        if isinstance(item, t.ClassObject):
            item.cls.extra_bases.append(sqlalchemy.MAPPED_BY_CALL)
            if table is not None:
                _bind_table(item.cls, table, call.scope, inference)
            _bind(item.cls, given.get("properties"), call.scope)


def _bind_table(cls: sc.Class, table: s.Expr, scope: sc.Scope, inference: Inference) -> None:
    value, home = alias(table, inference.names, scope) or (table, scope)
    cls.scope.names.setdefault("__table__", []).append(sc.ValueBinding(home, value))


def _bind(cls: sc.Class, properties: s.Expr | None, scope: sc.Scope) -> None:
    """Relationships and columns of `{"posts": relationship(Post)}` as attributes of `cls`."""
    for name, value in _items(properties):
        cls.scope.names.setdefault(name, []).append(sc.ValueBinding(scope, value))


def _properties_in(cls: sc.Class) -> s.Expr | None:
    """`__mapper_args__ = {"properties": {...}}`, beside a table and fields of a dataclass."""
    for binding in cls.scope.names.get(_MAPPER_ARGUMENTS, ()):
        if isinstance(binding, sc.ValueBinding):
            return dict(_items(binding.value)).get("properties")
    return None


def _items(display: s.Expr | None) -> Iterator[tuple[str, s.Expr]]:
    if isinstance(display, s.Mapping):
        for key, value in zip(display.keys, display.values, strict=True):
            if isinstance(key, s.Constant) and key.kind == "str":
                yield str(key.value), value
