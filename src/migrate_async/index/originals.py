"""Sync functions that stay beside the coroutine function which takes their place.

    @sync_twin("get_user_async", "5f0c12ab")
    def get_user(db, id): ...

    async def get_user_async(db, id): ...

The fingerprint tells whether both still are as the migration left them. Only then does a call of
one stand for a call of the other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import msgspec

from migrate_async.index import scopes as sc
from migrate_async.knowledge.shim import TWIN_MARK
from migrate_async.model import syntax as s

_SPAN = 4
"""How many fields of a node say where it stands."""


@dataclass(frozen=True)
class Originals:
    """`twins`: the coroutine function of each sync original; `originals`: the other way round.

    `torn` are sync originals that are no longer known to do the same, or whose twin is gone.
    """

    twins: dict[sc.Function, sc.Function] = field(default_factory=dict)
    originals: dict[sc.Function, sc.Function] = field(default_factory=dict)
    torn: frozenset[sc.Function] = frozenset()


def find_originals(functions: Iterable[sc.Function]) -> Originals:
    """All of a project; the classes and modules of `functions` have their names bound."""
    twins: dict[sc.Function, sc.Function] = {}
    torn: set[sc.Function] = set()
    for fn in functions:
        mark = mark_of(fn.node) if TWIN_MARK in fn.decorator_names else None
        if mark is None or fn.is_async or fn.scope.parent is None:
            continue
        name, recorded = arguments(mark)
        twin = _coroutine(fn.scope.parent, name)
        if twin is None or recorded not in ("", fingerprint(fn.node, twin.node)):
            torn.add(fn)
        else:
            twins[fn] = twin
    return Originals(twins, {twin: fn for fn, twin in twins.items()}, frozenset(torn))


def mark_of(node: s.FunctionDef | s.Lambda | None) -> s.Call | None:
    """The decorator that names the twin of `node`."""
    for decorator in node.decorators if isinstance(node, s.FunctionDef) else ():
        if isinstance(decorator, s.Call) and sc.last_name(decorator) == TWIN_MARK:
            return decorator
    return None


def arguments(mark: s.Call) -> tuple[str, str]:
    """The name of the twin and the fingerprint, as far as they are written out."""
    values = [str(arg.value) if isinstance(arg, s.Constant) else "" for arg in mark.args]
    name, fingerprinted = [*values, "", ""][:2]
    return name, fingerprinted


def fingerprint(original: s.AnyNode | None, twin: s.AnyNode | None) -> str:
    """What both functions are, apart from layout, comments, names and decorators."""
    both = [_plain(part) for node in (original, twin) for part in _own(node)]
    return hashlib.sha256(repr(both).encode("utf-8", "surrogatepass")).hexdigest()[:8]


def _own(node: s.AnyNode | None) -> Iterator[object]:
    if isinstance(node, s.FunctionDef):
        yield from (node.is_async, node.params, node.returns, node.body)


def _plain(value: object) -> object:
    if isinstance(value, s.Node):
        fields = value.__struct_fields__[_SPAN:]
        return [type(value).__name__, *(_plain(getattr(value, name)) for name in fields)]
    if isinstance(value, msgspec.Struct):
        return [_plain(getattr(value, name)) for name in value.__struct_fields__]
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def _coroutine(scope: sc.Scope, name: str) -> sc.Function | None:
    """The coroutine function that `name` stands for in `scope`, if there is just one."""
    bindings = scope.names.get(name, ())
    found = [item.function for item in bindings if isinstance(item, sc.FunctionBinding)]
    return found[0] if len(found) == len(bindings) == 1 and found[0].is_async else None
