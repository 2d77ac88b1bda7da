"""What the arguments of `query(...)` and `select(...)` are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from migrate_async.index import resolve
from migrate_async.index import scopes as sc
from migrate_async.index import types as t
from migrate_async.index.types import Types
from migrate_async.knowledge import sqlalchemy
from migrate_async.model import syntax as s

if TYPE_CHECKING:
    from migrate_async.index.infer import Inference

_UNKNOWN = t.Entity("unknown")


class Entities:
    def __init__(self, inference: Inference) -> None:
        self._inference = inference

    def of_arguments(self, args: tuple[s.Expr, ...], scope: sc.Scope) -> tuple[t.Entity, ...]:
        """One entity per argument; lists (`select([A, B])`) are looked into."""
        found: list[t.Entity] = []
        for arg in args:
            if isinstance(arg, s.Sequence):
                found.extend(self.of_arguments(arg.items, scope))
            else:
                found.append(self._entity(arg, scope))
        return tuple(found)

    def _entity(self, expr: s.Expr, scope: sc.Scope) -> t.Entity:
        types = self._inference.infer(expr, scope)
        if isinstance(expr, s.Attribute):
            column = self._column(expr, types, scope)
            if column is not None:
                return column
        classes = [item for item in t.ordered(types) if isinstance(item, _CLASSES)]
        if classes:
            return self._class(expr, classes, scope)
        return _external(expr, types)

    def _column(self, expr: s.Attribute, types: Types, scope: sc.Scope) -> t.Entity | None:
        """`Model.name`, unless that is a nested class.

        What a hybrid property returns is SQL here, and a row has the value of that.
        """
        if any(isinstance(item, t.ClassObject) for item in types):
            return None
        bases = self._inference.infer(expr.value, scope)
        owners = [item for item in t.ordered(bases) if isinstance(item, _CLASSES)]
        if not owners:
            return None
        is_hybrid = any(self._inference.members.properties(owner, expr.attr) for owner in owners)
        return t.Entity("column", _model(owners), expr.attr, t.UNKNOWN if is_hybrid else types)

    def _class(
        self,
        expr: s.Expr,
        classes: list[t.ClassObject | t.AliasedClass | t.TypeVariable],
        scope: sc.Scope,
    ) -> t.Entity:
        value = frozenset(t.as_instance(item) for item in classes)
        model = _model(classes)
        if isinstance(classes[0], t.AliasedClass):
            return t.Entity("alias", model, "", value)
        kind = "class" if model is not None and self._names_class(expr, scope) else "class-variable"
        return t.Entity(kind, model, "", value)

    def _names_class(self, expr: s.Expr, scope: sc.Scope) -> bool:
        """Whether `expr` is the class's own name, not a variable that holds a class."""
        names = self._inference.names
        if isinstance(expr, s.Name):
            targets = names.lookup(expr.id, scope)
        elif isinstance(expr, s.Attribute):
            targets = resolve.module_member(expr, names, scope)
        else:
            return False
        return bool(targets) and all(isinstance(found, sc.ClassBinding) for found in targets)


_CLASSES = t.ClassObject | t.AliasedClass | t.TypeVariable


def _model(classes: list[t.ClassObject | t.AliasedClass | t.TypeVariable]) -> sc.Class | None:
    """The one class that all of `classes` mean."""
    found = {_class_of(item) for item in classes}
    return next(iter(found)) if len(found) == 1 else None


def _class_of(item: t.ClassObject | t.AliasedClass | t.TypeVariable) -> sc.Class | None:
    if not isinstance(item, t.TypeVariable):
        return item.cls
    bounds = [bound.cls for bound in item.bound if isinstance(bound, t.Instance)]
    return bounds[0] if len(bounds) == 1 else None


def _external(expr: s.Expr, types: Types) -> t.Entity:
    for item in t.ordered(types):
        if isinstance(item, t.ExternalInstance | t.External):
            if item.dotted == sqlalchemy.TABLE:
                return t.Entity("table", None, "", types)
            if item.dotted == "sqlalchemy.orm.Bundle":
                return _UNKNOWN if _is_single(expr) else t.Entity("bundle", None, "", types)
    if _is_of_subquery(expr):
        return t.Entity("expression", None, sc.last_name(expr), types)
    if isinstance(expr, s.Call | s.Operation | s.Constant):
        return t.Entity("expression", None, _label(expr), types)
    return _UNKNOWN


def _is_single(expr: s.Expr) -> bool:
    """`Bundle(..., single_entity=True)`: a query for it alone gives no rows around it."""
    return isinstance(expr, s.Call) and any(k.arg == "single_entity" for k in expr.keywords)


def _is_of_subquery(expr: s.Expr) -> bool:
    """Whether it is a column of a table or a subquery: `counts.c.orders`."""
    owner = expr.value if isinstance(expr, s.Attribute) else None
    return isinstance(owner, s.Attribute) and owner.attr in ("c", "columns")


def _label(expr: s.Expr) -> str:
    """`x` of `<expression>.label("x")`."""
    if isinstance(expr, s.Call) and sc.last_name(expr.func) == "label" and expr.args:
        first = expr.args[0]
        return str(first.value) if isinstance(first, s.Constant) else ""
    return ""
