"""Type variables: putting types in their place, and reading them off arguments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import msgspec

from migrate_async.index import types as t
from migrate_async.index.types import Type, Types

Substitution: TypeAlias = Mapping[str, Types]
NOTHING: Substitution = {}


def substitute(types: Types, values: Substitution) -> Types:
    """`types` with each type variable that `values` names replaced."""
    if not values or not types:
        return types
    found: set[Type] = set()
    for item in types:
        found |= _substitute_one(item, values)
    return frozenset(found)


def _substitute_one(item: Type, values: Substitution) -> Types:
    if isinstance(item, t.TypeVariable):
        new = values.get(item.name)
        if new is None:
            return t.of(item)
        return frozenset(t.as_class(value) for value in new) if item.is_class else new
    if isinstance(item, t.ListOf):
        return t.of(t.ListOf(substitute(item.items, values)))
    if isinstance(item, t.ContextOf):
        return t.of(t.ContextOf(substitute(item.value, values)))
    if isinstance(item, t.DictOf):
        return t.of(t.DictOf(substitute(item.keys, values), substitute(item.values, values)))
    if isinstance(item, t.TupleOf):
        return t.of(t.TupleOf(tuple(substitute(part, values) for part in item.items)))
    if isinstance(item, t.Instance | t.ClassObject) and item.args:
        args = tuple(substitute(arg, values) for arg in item.args)
        return t.of(msgspec.structs.replace(item, args=args))
    if isinstance(item, t.QueryOf | t.SelectOf | t.ResultOf | t.RowOf) and item.entities:
        entities = tuple(_entity(entity, values) for entity in item.entities)
        return t.of(msgspec.structs.replace(item, entities=entities))
    return t.of(item)


def _entity(entity: t.Entity, values: Substitution) -> t.Entity:
    value = substitute(entity.value, values)
    if value == entity.value:
        return entity
    models = [item.cls for item in value if isinstance(item, t.Instance)]
    model = models[0] if len(models) == 1 else entity.model
    return t.Entity(entity.kind, model, entity.name, value)


def has_variable(types: Types) -> bool:
    """Whether a type variable occurs in `types`."""
    return any(_variable_in(item) for item in types)


def _variable_in(item: Type) -> bool:
    if isinstance(item, t.TypeVariable):
        return True
    if isinstance(item, t.ListOf):
        return has_variable(item.items)
    if isinstance(item, t.ContextOf):
        return has_variable(item.value)
    if isinstance(item, t.DictOf):
        return has_variable(item.keys) or has_variable(item.values)
    if isinstance(item, t.TupleOf):
        return any(has_variable(part) for part in item.items)
    if isinstance(item, t.Instance | t.ClassObject):
        return any(has_variable(arg) for arg in item.args)
    if isinstance(item, t.QueryOf | t.SelectOf | t.ResultOf | t.RowOf):
        return any(has_variable(entity.value) for entity in item.entities)
    return False


def match(pattern: Types, actual: Types, found: dict[str, Types]) -> None:
    """Read off `actual`, an argument's types, what the variables in the annotation stand for."""
    for item in pattern:
        if isinstance(item, t.TypeVariable):
            _match_variable(item, actual, found)
        elif isinstance(item, t.ListOf) and has_variable(item.items):
            inner = t.union(part.items for part in actual if isinstance(part, t.ListOf))
            match(item.items, inner, found)


def _match_variable(variable: t.TypeVariable, actual: Types, found: dict[str, Types]) -> None:
    if variable.is_class:
        kinds: tuple[type, ...] = (t.ClassObject, t.AliasedClass)
        values = frozenset(t.as_instance(item) for item in actual if isinstance(item, kinds))
    else:
        kinds = (t.Instance, t.ExternalInstance)
        values = frozenset(item for item in actual if isinstance(item, kinds))
    if values:
        found[variable.name] = found.get(variable.name, t.UNKNOWN) | values


def pair(names: Sequence[str], values: Sequence[Types]) -> dict[str, Types]:
    """Type parameters to arguments; the shorter sequence counts."""
    return dict(zip(names, values, strict=False))
