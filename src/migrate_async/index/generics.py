"""Type variables: putting types in their place, and reading them off arguments."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import msgspec

from migrate_async.index import types as t
from migrate_async.index.scopes import Class
from migrate_async.index.types import Type, Types

Substitution: TypeAlias = Mapping[str, Types]


def substitute(types: Types, values: Substitution) -> Types:
    """`types` with each type variable that `values` names replaced."""
    if not values or not has_variable(types):
        return types

    def replaced(item: Type) -> Types | None:
        new = values.get(item.name) if isinstance(item, t.TypeVariable) else None
        if new is None or not isinstance(item, t.TypeVariable):
            return None
        return frozenset(t.as_class(value) for value in new) if item.is_class else new

    return rewrite(types, replaced)


def put_receiver(types: Types, cls: Class, receiver: t.Instance | t.ClassObject) -> Types:
    """`types` that a method of `cls` gives, with `self`, `cls` and `Self` as the receiver."""

    def replaced(item: Type) -> Types | None:
        if isinstance(item, t.ExternalInstance) and item.dotted.endswith(".Self"):
            return t.of(t.Instance(receiver.cls, receiver.args))
        if isinstance(item, t.Instance) and item.is_self and item.cls is cls:
            return t.of(t.Instance(receiver.cls, receiver.args, receiver.is_self))
        if isinstance(item, t.ClassObject) and item.is_self and item.cls is cls:
            return t.of(t.ClassObject(receiver.cls, receiver.args, receiver.is_self))
        return None

    return rewrite(types, replaced)


_NESTED = (
    *(t.Instance, t.ClassObject, t.ListOf, t.ContextOf, t.DictOf, t.TupleOf),
    *(t.QueryOf, t.SelectOf, t.ResultOf, t.RowOf, t.Entity),
)
"""Types that hold other types in their fields."""


def rewrite(types: Types, change: Callable[[Type], Types | None]) -> Types:
    """`types` with `change` applied at any depth; None from it leaves an item as it is."""
    found: set[Type] = set()
    for item in types:
        new = change(item)
        if new is not None:
            found |= new
        else:
            found.add(_rewrite_fields(item, change) if isinstance(item, _NESTED) else item)
    return frozenset(found)


def _rewrite_fields(item: Type, change: Callable[[Type], Types | None]) -> Type:
    """`item` with the sets, and tuples of sets or entities, in its fields rewritten."""
    changes: dict[str, object] = {}
    for field in item.__struct_fields__:
        before = getattr(item, field)
        if isinstance(before, frozenset):
            after: object = rewrite(before, change)
        elif isinstance(before, tuple):
            after = tuple(_rewrite_part(part, change) for part in before)
        else:
            continue
        if after != before:
            changes[field] = after
    if not changes:
        return item
    if isinstance(item, t.Entity):
        model = _only_model(changes["value"], item.model)
        changes["model"] = model
        if model is not None and item.kind == "unknown":
            changes["kind"] = "class"
    return msgspec.structs.replace(item, **changes)


def _rewrite_part(
    part: Types | t.Entity | str, change: Callable[[Type], Types | None]
) -> Types | Type | str:
    if isinstance(part, str):
        return part
    return _rewrite_fields(part, change) if isinstance(part, t.Entity) else rewrite(part, change)


def _only_model(value: object, default: Class | None) -> Class | None:
    """The class that `value` holds instances of, if it is one."""
    items = value if isinstance(value, frozenset) else ()
    models = [item.cls for item in items if isinstance(item, t.Instance)]
    return models[0] if len(models) == 1 else default


def has_variable(types: Types) -> bool:
    """Whether a type variable occurs in `types`."""
    return any(
        isinstance(item, t.TypeVariable) or (isinstance(item, _NESTED) and _variable_in(item))
        for item in types
    )


def _variable_in(item: Type) -> bool:
    for field in item.__struct_fields__:
        value = getattr(item, field)
        if isinstance(value, frozenset) and has_variable(value):
            return True
        if isinstance(value, tuple) and any(
            _variable_in(part) if isinstance(part, t.Entity) else has_variable(part)
            for part in value
        ):
            return True
    return False


def match(pattern: Types, actual: Types, found: dict[str, Types]) -> None:
    """Read off `actual`, an argument's types, what the variables in the annotation stand for."""
    for item in pattern:
        if isinstance(item, t.TypeVariable):
            _match_variable(item, actual, found)
        elif isinstance(item, t.ListOf) and has_variable(item.items):
            inner = t.union(part.items for part in actual if isinstance(part, t.ListOf))
            match(item.items, inner, found)
        elif isinstance(item, t.QueryOf | t.SelectOf | t.ResultOf):
            _match_entities(item, actual, found)


def _match_entities(
    pattern: t.QueryOf | t.SelectOf | t.ResultOf, actual: Types, found: dict[str, Types]
) -> None:
    """`Query[T]`, of which the argument selects objects of a model."""
    for item in actual:
        if isinstance(item, type(pattern)):
            for wanted, given in zip(pattern.entities, item.entities, strict=False):
                match(wanted.value, given.value, found)


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
