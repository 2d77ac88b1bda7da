"""Classes that are what a `Protocol` asks for, without naming it as a base.

    class Users(Protocol):
        def get(self, key: int) -> User: ...

Whoever has a `Users` may have an object of any class with such a `get`, so a call may run that, and
the two methods are awaited both or neither: as if the class inherited from the protocol.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from migrate_async.index import scopes as sc
from migrate_async.model import syntax as s

if TYPE_CHECKING:
    from migrate_async.index.classes import Hierarchy

_PROTOCOLS = frozenset({"typing.Protocol", "typing_extensions.Protocol"})


def link(classes: list[sc.Class], hierarchy: Hierarchy) -> None:
    """Note the protocols of each class, and the classes of each protocol."""
    protocols = [cls for cls in classes if _is_protocol(cls, hierarchy)]
    if not protocols:
        return
    defining: dict[str, list[sc.Class]] = {}
    for cls in classes:
        for name in cls.scope.names:
            defining.setdefault(name, []).append(cls)
    found = [
        (protocol, cls)
        for protocol in protocols
        for cls in _implementing(protocol, defining, hierarchy)
        if cls not in protocols
    ]
    for protocol, cls in found:
        cls.protocols.append(protocol)
        protocol.subs.append(cls)


def _is_protocol(cls: sc.Class, hierarchy: Hierarchy) -> bool:
    bases = [base.value if isinstance(base, s.Subscript) else base for base in cls.node.bases]
    named = any(sc.last_name(base) == "Protocol" for base in bases)
    return named and hierarchy.is_a(cls, _PROTOCOLS)


def _implementing(
    protocol: sc.Class, defining: dict[str, list[sc.Class]], hierarchy: Hierarchy
) -> Iterator[sc.Class]:
    asked = dict(_methods(protocol, hierarchy))
    if not asked:
        return
    candidates = [cls for name in asked for cls in defining[name] if cls is not protocol]
    candidates += [sub for cls in candidates for sub in hierarchy.subclasses(cls)]
    for cls in dict.fromkeys(candidates):
        order = [ancestor.cls for ancestor in hierarchy.order(cls)]
        if protocol in order:
            continue
        given = dict(_methods(cls, hierarchy))
        if all(name in given and _fits(given[name], method) for name, method in asked.items()):
            yield cls


def _methods(cls: sc.Class, hierarchy: Hierarchy) -> Iterable[tuple[str, sc.Function]]:
    """The plain methods of `cls` by name, inherited ones before its own."""
    for ancestor in reversed(hierarchy.order(cls)):
        for name, bindings in ancestor.cls.scope.names.items() if ancestor.cls else ():
            binding = bindings[-1]
            if isinstance(binding, sc.FunctionBinding) and not name.startswith("__"):
                yield name, binding.function


def _fits(given: sc.Function, asked: sc.Function) -> bool:
    """Whether `given` can be called as `asked` is."""
    needed = [param for param in _positional(given) if param.default is None]
    count = len(_positional(asked))
    takes_any = any(param.kind == "*" for param in given.params)
    return len(needed) <= count and (takes_any or len(_positional(given)) >= count)


def _positional(fn: sc.Function) -> list[s.Parameter]:
    return [param for param in fn.params if param.kind.startswith("positional")]
