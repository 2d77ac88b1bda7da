"""What the providers of dependency-injector give, and what they hand to constructors.

    class Container(DeclarativeContainer):
        db = Singleton(Database, db_url=URL)
        users = Factory(UserRepository, session_factory=db.provided.session)

`container.users()` is a `UserRepository`, whose `session_factory` is `Database.session`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from migrate_async.index import scopes as sc
from migrate_async.index import types as t
from migrate_async.index.calls import arguments
from migrate_async.index.parameters import callable_params
from migrate_async.index.types import UNKNOWN, Type, Types
from migrate_async.knowledge import dependency_injector as known
from migrate_async.model import syntax as s

if TYPE_CHECKING:
    from migrate_async.index.infer import Inference

_Handed: TypeAlias = tuple[sc.Function, s.Parameter, s.Expr]


def made(dotted: str, node: s.Call, scope: sc.Scope, inference: Inference) -> Types | None:
    """The provider that `node` makes, if `dotted` is the class of one."""
    if dotted == known.CONTAINER:
        return t.union(_called(node, scope, inference))
    if dotted == known.OBJECT:
        return t.of(t.ProviderOf(_first(node, scope, inference)))
    if dotted not in known.CALLING:
        return None
    given = t.union(_called(node, scope, inference))
    if dotted in known.RESOURCES:
        given = frozenset(_driven(given, inference))
    return t.of(t.ProviderOf(given))


def attribute(item: t.ProviderOf | t.ProvidedOf, name: str, inference: Inference) -> Types:
    """`provider.provided`, `provider.provider`, and any attribute of what is provided."""
    if isinstance(item, t.ProviderOf):
        return {
            known.PROVIDED: t.of(t.ProvidedOf(item.value)),
            "provider": t.of(t.ProviderOf(t.of(item))),
        }.get(name, UNKNOWN)
    members = inference.members
    found = (members.attribute(value, name) for value in t.ordered(item.value))
    return t.of(t.ProvidedOf(t.union(found)))


def injected(types: Types) -> Types:
    """What a parameter gets where `types` are given to a provider, or to `Provide[...]`."""
    found: set[Type] = set()
    for item in types:
        found |= item.value if isinstance(item, t.ProviderOf | t.ProvidedOf) else {item}
    return frozenset(found)


def injects(item: Type) -> bool:
    """Whether `item` is `Provide`, or what stands around it."""
    return isinstance(item, t.External) and item.dotted in known.INJECTED


def is_injection(expr: s.Expr, scope: sc.Scope, inference: Inference) -> bool:
    """Whether `expr` is `Provide[...]`, which no framework calls."""
    return isinstance(expr, s.Subscript) and any(map(injects, inference.infer(expr.value, scope)))


def handed(call: sc.RawCall, inference: Inference) -> Iterator[_Handed]:
    """Functions that the provider which `call` makes runs: parameters with their arguments."""
    if call.name not in known.NAMES or not call.node.args or not _is_provider(call, inference):
        return
    shifted = _shifted(call.node)
    for item in t.ordered(inference.infer(call.node.args[0], call.scope)):
        for target, receiver in inference.members.callables(item):
            for param, value in arguments(callable_params(target, receiver), shifted):
                yield target, param, value


def _is_provider(call: sc.RawCall, inference: Inference) -> bool:
    types = inference.infer(call.node.func, call.scope)
    return any(isinstance(item, t.External) and item.dotted in known.CALLING for item in types)


def _called(node: s.Call, scope: sc.Scope, inference: Inference) -> Iterator[Types]:
    """What calling the first argument with the others gives."""
    shifted = _shifted(node)
    for item in t.ordered(_first(node, scope, inference)):
        yield inference.calls.called(item, shifted, scope)


def _first(node: s.Call, scope: sc.Scope, inference: Inference) -> Types:
    return inference.infer(node.args[0], scope) if node.args else UNKNOWN


def _shifted(node: s.Call) -> s.Call:
    """`f(x)` for `Factory(f, x)`."""
    if not node.args:
        return node
    return msgspec.structs.replace(node, func=node.args[0], args=node.args[1:])


def _driven(types: Types, inference: Inference) -> Iterator[Type]:
    for item in types:
        if isinstance(item, t.ListOf):
            yield from inference.protocols.elements(t.of(item))
        else:
            yield item
