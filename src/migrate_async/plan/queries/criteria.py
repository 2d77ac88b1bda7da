"""What criteria do to a query: which further sources of rows they bring in, which columns they pin.

A value that may be a SQL expression of another table is taken for a plain value where it is
compared with a column (`User.id == user_id`), and for unknown where it stands alone
(`filter(condition)`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from migrate_async.index import scopes as sc
from migrate_async.index import types as t
from migrate_async.index.scopes import last_name
from migrate_async.model import syntax as s
from migrate_async.plan.queries.entities import source_key
from migrate_async.plan.queries.names import bindings, local_values
from migrate_async.plan.queries.project import ProjectView
from migrate_async.plan.queries.state import UNKNOWN_SOURCE, Item

_SUBQUERIES = frozenset({"any", "has", "exists", "select", "query", "scalar_subquery", "as_scalar"})
"""Calls whose arguments have a FROM of their own (or correlate to ours)."""
_FROM_MAKERS = frozenset({"subquery", "cte", "alias", "lateral", "Table", "table", "aliased"})
_COLLECTIONS = frozenset({"c", "columns"})
_MAX_DEPTH = 5


class Criteria:
    """Reads the arguments of `filter(...)`, `order_by(...)`, `join(...)` and the like."""

    def __init__(self, project: ProjectView) -> None:
        self._project = project

    # --- sources of rows -----------------------------------------------------------------------

    def sources(self, args: Iterable[s.Expr], *, alone: bool) -> frozenset[str]:
        """The sources that `args` name; `alone` says that a bare name may be anything."""
        found: set[str] = set()
        for arg in args:
            found.update(self._sources(arg, alone=alone, depth=0))
        return frozenset(found)

    def _sources(self, expr: s.Expr, *, alone: bool, depth: int) -> Iterator[str]:
        if isinstance(expr, s.Constant):
            return
        if isinstance(expr, s.Attribute):
            yield from self._attribute(expr)
        elif isinstance(expr, s.Name):
            yield from self._name(expr, alone=alone, depth=depth)
        elif isinstance(expr, s.Call):
            yield from self._call(expr, alone=alone, depth=depth)
        elif isinstance(expr, s.Operation):
            whole = alone and expr.operator in ("&", "|", "~", "not", "and", "or")
            for operand in expr.operands:
                yield from self._sources(operand, alone=whole, depth=depth)
        elif alone:
            yield UNKNOWN_SOURCE
        elif isinstance(expr, s.Sequence):
            for item in expr.items:
                yield from self._sources(item, alone=False, depth=depth)

    def _attribute(self, expr: s.Attribute) -> Iterator[str]:
        """`Model.column`, `alias.column`, `subquery.c.column`; anything else is a value."""
        base = expr.value
        if isinstance(base, s.Attribute) and base.attr in _COLLECTIONS:
            yield UNKNOWN_SOURCE
            return
        for found in t.ordered(self._project.infer(base)):
            if isinstance(found, t.AliasedClass | t.TypeVariable):
                yield source_key(base, found.cls if isinstance(found, t.AliasedClass) else None)
            elif isinstance(found, t.ClassObject) and self._project.model(found.cls) is not None:
                yield source_key(base, found.cls)
            elif isinstance(found, t.ExternalInstance) and found.dotted.startswith("sqlalchemy."):
                yield UNKNOWN_SOURCE
        if self._is_class_variable(base):
            yield source_key(base, None)

    def _is_class_variable(self, base: s.Expr) -> bool:
        return not self._project.infer(base) and last_name(base) in ("model", "model_class")

    def _name(self, expr: s.Name, *, alone: bool, depth: int) -> Iterator[str]:
        values = local_values(expr, self._project.scope(expr))
        if depth < _MAX_DEPTH and values:
            for value in values:
                yield from self._sources(value, alone=alone, depth=depth + 1)
        elif alone:
            yield UNKNOWN_SOURCE

    def _call(self, expr: s.Call, *, alone: bool, depth: int) -> Iterator[str]:
        name = last_name(expr.func)
        chain = {part.attr for part in s.walk(expr.func) if isinstance(part, s.Attribute)}
        if name in _SUBQUERIES or chain & _SUBQUERIES:
            return
        if name in _FROM_MAKERS:
            yield UNKNOWN_SOURCE
            return
        receiver = expr.func.value if isinstance(expr.func, s.Attribute) else None
        if receiver is not None:
            yield from self._sources(receiver, alone=False, depth=depth)
        elif alone and not self._is_external(expr.func):
            yield UNKNOWN_SOURCE
        for arg in expr.values:
            whole = alone and name in ("and_", "or_", "not_")
            yield from self._sources(arg, alone=whole, depth=depth)

    def _is_external(self, func: s.Expr) -> bool:
        types = self._project.infer(func)
        return bool(types) and all(isinstance(found, t.External) for found in types)

    # --- pinned columns ------------------------------------------------------------------------

    def pins(self, args: Sequence[s.Expr], item: Item) -> frozenset[str]:
        """Columns of `item` that `args`, joined by AND, hold to a value that is not NULL."""
        found: set[str] = set()
        for arg in args:
            found.update(self._pins(arg, item))
        return frozenset(found)

    def _pins(self, expr: s.Expr, item: Item) -> Iterator[str]:
        if isinstance(expr, s.Call) and last_name(expr.func) == "and_":
            yield from self.pins(expr.args, item)
        if not isinstance(expr, s.Operation):
            return
        if expr.operator == "&":
            yield from self.pins(expr.operands, item)
        elif expr.operator == "==" and len(expr.operands) == 2:
            left, right = expr.operands
            for column, value in ((left, right), (right, left)):
                name = self._column(column, item)
                if name and self.is_value(item, name, value):
                    yield name

    def pins_by_name(self, call: s.Call, item: Item) -> frozenset[str]:
        """Columns that `filter_by(name=value)` pins."""
        return frozenset(
            keyword.arg
            for keyword in call.keywords
            if keyword.arg and self.is_value(item, keyword.arg, keyword.value)
        )

    def _column(self, expr: s.Expr, item: Item) -> str:
        """The name of the column of `item` that `expr` is, if it is one."""
        if not isinstance(expr, s.Attribute) or item.model is None:
            return ""
        if self._project.class_of(expr.value) is not item.model:
            return ""
        return expr.attr if source_key(expr.value, item.model) == item.source else ""

    def is_value(self, item: Item, name: str, value: s.Expr) -> bool:
        """Is `value` one value, and not NULL where the column could hold NULL more than once?"""
        if any(True for _ in self._sources(value, alone=False, depth=0)):
            return False
        if isinstance(value, s.Starred) or (isinstance(value, s.Constant) and value.kind == "None"):
            return False
        mapped = self._project.model(item.model) if item.model is not None else None
        column = mapped.columns.get(name) if mapped is not None else None
        if column is None:
            return False
        if not column.nullable or column.primary_key:
            return True
        return isinstance(value, s.Constant) or self._is_never_none(value)

    def _is_never_none(self, value: s.Expr) -> bool:
        """Does a parameter's annotation say that `value` is not None?"""
        if not isinstance(value, s.Name):
            return False
        found = bindings(value.id, self._project.scope(value))
        return bool(found) and all(_is_required(binding) for binding in found)


def _is_required(binding: sc.Binding) -> bool:
    if not isinstance(binding, sc.ParameterBinding):
        return False
    parameter = binding.parameter
    default = parameter.default
    if isinstance(default, s.Constant) and default.kind == "None":
        return False
    return isinstance(parameter.annotation, s.Name) and parameter.annotation.id in _PLAIN_TYPES


_PLAIN_TYPES = frozenset(
    {"str", "int", "bytes", "float", "bool", "UUID", "Decimal", "date", "datetime", "EmailStr"}
)
