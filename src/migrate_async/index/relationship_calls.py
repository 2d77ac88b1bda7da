"""What the text of a `relationship(...)` call says."""

from __future__ import annotations

from migrate_async.index.scopes import last_name
from migrate_async.model import syntax as s

RELATIONSHIP_CALLS = frozenset({"relationship", "Relationship", "relation", "dynamic_loader"})


def option(call: s.Call, name: str) -> s.Expr | None:
    """A relationship argument, also inside SQLModel's `sa_relationship_kwargs={...}`."""
    given = {item.arg: item.value for item in call.keywords}
    extra = given.get("sa_relationship_kwargs")
    if name not in given and isinstance(extra, s.Mapping):
        for key, value in zip(extra.keys, extra.values, strict=True):
            if isinstance(key, s.Constant) and key.value == name:
                return value
    return given.get(name)


def is_dynamic(call: s.Call, annotation: s.Expr | None) -> bool:
    """Whether `call`, the value of something so annotated, maps a relationship that is a query."""
    name = last_name(call.func)
    head = last_name(annotation.value) if isinstance(annotation, s.Subscript) else ""
    if name not in RELATIONSHIP_CALLS:
        return False
    if head == "DynamicMapped" or name == "dynamic_loader":
        return True
    lazy = option(call, "lazy")
    return isinstance(lazy, s.Constant) and lazy.value == "dynamic"
