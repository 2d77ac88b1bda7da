"""Relationships between models: targets, collections, loading strategies, backrefs."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from migrate_async.index import scopes as sc
from migrate_async.index import types as t
from migrate_async.index.columns import mapped_inner
from migrate_async.index.declarative import Attribute, backref_of, keyword, string
from migrate_async.index.infer import Inference
from migrate_async.index.relationship_calls import is_dynamic, option
from migrate_async.knowledge import sqlalchemy
from migrate_async.model import syntax as s


class Relationship(msgspec.Struct, frozen=True, eq=False):
    """A relationship, or the other end that `backref` creates (`is_backref`).

    `target` is the model's class (None: unknown). `lazy` is the loading strategy (`select` by
    default, `?` when it is no constant). `uselist` is None when neither annotation, foreign key
    nor argument tells whether it is a collection. `node` is the `relationship(...)` call, to be
    read in `scope`.
    """

    name: str
    target: sc.Class | None
    lazy: str
    uselist: bool | None
    back_populates: str
    backref: str
    secondary: bool
    is_backref: bool
    node: s.Call
    scope: sc.Scope


def relationship_of(item: Attribute, call: s.Call, inference: Inference) -> Relationship:
    """The relationship that a class attribute maps."""
    targets = inference.library.related(call, item.scope)
    if not targets and item.annotation is not None:
        targets = _annotated_targets(item.annotation, item.scope, inference)
    backref, _ = backref_of(call)
    is_secondary = option(call, "secondary") is not None or len(call.args) > 1
    has_link = keyword(call, "link_model") is not None or is_secondary
    lazy = _lazy(call, item.annotation)
    is_collection = has_link or lazy in ("dynamic", "write_only")
    return Relationship(
        name=item.name,
        target=targets[0] if targets else None,
        lazy=lazy,
        uselist=_uselist(call, item.annotation, default=True if is_collection else None),
        back_populates=string(option(call, "back_populates")),
        backref=backref,
        secondary=has_link,
        is_backref=False,
        node=call,
        scope=item.scope,
    )


def _annotated_targets(annotation: s.Expr, scope: sc.Scope, inference: Inference) -> list[sc.Class]:
    """The classes that `Mapped[List[X]]` or `"X"` names."""
    found: list[sc.Class] = []
    pending = list(t.ordered(inference.annotations.types(annotation, scope)))
    while pending:
        item = pending.pop()
        if isinstance(item, t.Instance):
            found.append(item.cls)
        elif isinstance(item, t.ListOf):
            pending += t.ordered(item.items)
    if found:
        return found
    names = [str(node.value) for node in s.walk(annotation) if isinstance(node, s.Constant)]
    return [cls for name in names for cls in inference.registries.classes(name, scope)]


def _lazy(call: s.Call, annotation: s.Expr | None) -> str:
    if is_dynamic(call, annotation):
        return "dynamic"
    head = sc.last_name(annotation.value) if isinstance(annotation, s.Subscript) else ""
    if head == "WriteOnlyMapped":
        return "write_only"
    return _strategy(option(call, "lazy"))


def _strategy(given: s.Expr | None) -> str:
    """The loading strategy by its documented name; `True` and `False` are old spellings."""
    if given is None:
        return "select"
    if not isinstance(given, s.Constant):
        return "?"
    if given.kind == "bool":
        return "select" if given.value else "joined"
    if given.kind == "None":
        return "noload"
    return "select" if given.value == "select" else str(given.value)


def _uselist(call: s.Call, annotation: s.Expr | None, default: bool | None) -> bool | None:
    given = option(call, "uselist")
    if isinstance(given, s.Constant) and given.kind == "bool":
        return bool(given.value)
    inner = mapped_inner(annotation) or annotation
    if default and _names_query(inner):
        return True
    if inner is not None:
        return not sqlalchemy.COLLECTION_ANNOTATIONS.isdisjoint(_names(inner))
    if keyword(call, "collection_class") is not None:
        return True
    return False if option(call, "remote_side") is not None else default


def _names(annotation: s.Expr) -> Iterator[str]:
    """All names in an annotation, or in the text that it is."""
    if isinstance(annotation, s.Constant):
        yield from re.findall(r"\w+", str(annotation.value))
    for node in s.walk(annotation):
        if isinstance(node, s.Name | s.Attribute):
            yield sc.last_name(node)


def _names_query(inner: s.Expr | None) -> bool:
    """Whether an annotation names what a dynamic relationship gives, a query."""
    return inner is not None and sc.last_name(inner) in ("AppenderQuery", "Query")


def reverse(relationship: Relationship, source: sc.Class) -> Relationship:
    """The other end, on the target, that `backref=` of `relationship` creates."""
    name, call = backref_of(relationship.node)
    uselist = None if relationship.uselist is None else not relationship.uselist
    if relationship.secondary:
        uselist = True
    lazy = "select"
    if call is not None:
        lazy = _strategy(keyword(call, "lazy"))
        given = keyword(call, "uselist")
        if isinstance(given, s.Constant) and given.kind == "bool":
            uselist = bool(given.value)
    return Relationship(
        name=name,
        target=source,
        lazy=lazy,
        uselist=uselist,
        back_populates=relationship.name,
        backref="",
        secondary=relationship.secondary,
        is_backref=True,
        node=relationship.node,
        scope=relationship.scope,
    )
