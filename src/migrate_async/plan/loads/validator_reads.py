"""What validators and serialisers of schemas read of the objects that they are given.

@field_serializer("role")
def role_name(self, role):
    return f"{role.name}: {[grant.what for grant in role.grants]}"

@model_validator(mode="before")
def lift(cls, user):
    return {"name": user.name, "grants": user.role.grants}
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from migrate_async.index.scopes import Function, last_name
from migrate_async.model import syntax as s

_OF_FIELDS = frozenset({"field_validator", "field_serializer", "validator"})
OF_SCHEMAS = frozenset({"model_validator", "root_validator", "model_serializer"})

Chain = tuple[str, ...]


def reads(function: Function, fields: Collection[str]) -> Iterator[Chain]:
    """The attributes that a validator or serialiser of a schema with `fields` reads."""
    node = function.node
    if not isinstance(node, s.FunctionDef):
        return
    if function.decorator_names & OF_SCHEMAS:
        for part in s.walk(node):
            chain = _chain(part)
            if isinstance(part, s.Attribute) and part.attr not in fields:
                yield (part.attr,)
            if len(chain) > 2:
                yield chain[1:]
    for name in _fields_of(node):
        for param in node.params[1:2]:
            known = _below(node, {param.name: (name,)})
            for part in s.walk(node):
                chain = _chain(part)
                if len(chain) > 1 and chain[0] in known:
                    yield (*known[chain[0]], *chain[1:])


def _fields_of(node: s.FunctionDef) -> Iterator[str]:
    """The fields that `@field_validator("role", "owner")` names."""
    for decorator in node.decorators:
        if isinstance(decorator, s.Call) and last_name(decorator.func) in _OF_FIELDS:
            for given in decorator.args:
                if isinstance(given, s.Constant) and given.kind == "str":
                    yield str(given.value)


def _below(node: s.FunctionDef, known: Mapping[str, Chain]) -> dict[str, Chain]:
    """`known`, and the items that loops over them give."""
    found = dict(known)
    for part in s.walk(node):
        loops: tuple[s.Generator | s.For, ...] = ()
        if isinstance(part, s.Comprehension):
            loops = part.generators
        elif isinstance(part, s.For):
            loops = (part,)
        for loop in loops:
            chain = _chain(loop.iter)
            if chain and chain[0] in found and isinstance(loop.target, s.Name):
                found.setdefault(loop.target.id, (*found[chain[0]], *chain[1:]))
    return found


def _chain(node: s.AnyNode) -> Chain:
    """`("user", "role")` for `user.role`; empty for what is more than names."""
    name = s.dotted_name(node) if isinstance(node, s.Attribute | s.Name) else ""
    return tuple(name.split(".")) if name else ()
