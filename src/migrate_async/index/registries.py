"""Class names in relationship strings: which class of that name is meant.

A string such as `relationship("Service")` means the class of that name under the same declarative
base. Schemas, and migrations with a base of their own, often hold classes of the same names.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from migrate_async.index import scopes as sc
from migrate_async.index import types as t
from migrate_async.index.mapped import is_mapping, registry_of
from migrate_async.index.resolve import alias
from migrate_async.knowledge import sqlalchemy
from migrate_async.model import syntax as s

if TYPE_CHECKING:
    from migrate_async.index.infer import Inference

_BASE_CALLS = frozenset(name.rpartition(".")[2] for name in sqlalchemy.BASE_FACTORIES)
_MAX_GUESSES = 3


class Registries:
    def __init__(self, inference: Inference) -> None:
        self._inference = inference
        self._by_name: dict[str, list[sc.Class]] = {}
        for cls in inference.symbols.classes:
            self._by_name.setdefault(cls.name, []).append(cls)
        self._registries: dict[sc.Class, object] = {}
        self._sizes: Counter[object] | None = None

    def forget(self) -> None:
        self._registries.clear()
        self._sizes = None

    def classes(self, name: str, scope: sc.Scope) -> list[sc.Class]:
        """Classes that `name`, in a string read in `scope`, can mean; the likeliest ones."""
        found = self._by_name.get(name.rpartition(".")[2].strip(), [])
        if len(found) < 2:
            return found
        own = _class_around(scope)
        registry = self._of(own) if own is not None else None
        if registry is None:
            registry = self._main_of(found)
        same = [cls for cls in found if self._of(cls) == registry]
        exact = [cls for cls in same if cls.qualname.endswith(f".{name.strip()}")]
        return (exact or same or found)[:_MAX_GUESSES]

    def neighbours(self, name: str, scope: sc.Scope) -> list[sc.Class]:
        """As `classes`, if `scope` is in a class under a declarative base."""
        own = _class_around(scope)
        return self.classes(name, scope) if own is not None and self._of(own) is not None else []

    def _main_of(self, found: list[sc.Class]) -> object:
        """For mixins: the registry of most classes, among those of `found`."""
        if self._sizes is None:
            registries = (self._of(cls) for cls in self._inference.symbols.classes)
            self._sizes = Counter(item for item in registries if item is not None)
        sizes = self._sizes
        return max((self._of(cls) for cls in found), key=lambda item: sizes.get(item, 0))

    def _of(self, cls: sc.Class) -> object:
        """What stands for the declarative base of `cls`: its class, or the call that made it."""
        if cls not in self._registries:
            self._registries[cls] = None
            self._registries[cls] = self._find(cls)
        return self._registries[cls]

    def _find(self, cls: sc.Class) -> object:
        for decorator in filter(is_mapping, cls.node.decorators):
            registry = registry_of(decorator)
            made = registry and alias(registry, self._inference.names, cls.outer)
            if made:
                return made[0]
        if cls.extra_bases:
            return cls
        for base in cls.node.bases:
            target = alias(base, self._inference.names, cls.outer)
            if target is not None and _is_base_call(target[0]):
                return target[0]
            for item in t.ordered(self._inference.infer(base, cls.outer)):
                if isinstance(item, t.External) and item.dotted in sqlalchemy.DECLARATIVE_BASES:
                    return item if item.dotted.startswith("sqlmodel") else cls
                if isinstance(item, t.ClassObject) and item.cls is not cls:
                    found = self._of(item.cls)
                    if found is not None:
                        return found
        return None


def _class_around(scope: sc.Scope) -> sc.Class | None:
    """The class whose body, or method, `scope` is."""
    current: sc.Scope | None = scope
    while current is not None and current.cls is None:
        current = current.parent
    return current.cls if current is not None else None


def _is_base_call(expr: s.Expr) -> bool:
    return isinstance(expr, s.Call) and sc.last_name(expr.func) in _BASE_CALLS
