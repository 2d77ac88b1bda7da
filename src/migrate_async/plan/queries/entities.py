"""What a query selects: objects or rows, and whether rows can repeat.

`Query` gives objects only if there is exactly one entity and that is a full one; it makes results
unique if a full entity is among them. Both are decided here, never by looking at the terminal.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from migrate_async.index import types as t
from migrate_async.index.scopes import Binding, Class, ParameterBinding, last_name
from migrate_async.model import syntax as s
from migrate_async.plan.queries.names import local_values
from migrate_async.plan.queries.project import ProjectView
from migrate_async.plan.queries.state import UNKNOWN_SOURCE, Item, QueryState, Shape
from migrate_async.plan.text import text

_TABLES = frozenset(
    {"subquery", "cte", "alias", "lateral", "values", "table", "Table", "tablesample"}
)
_COLUMNS = frozenset({"c", "columns"})
_ALIASES = frozenset({"aliased", "with_polymorphic"})
_UNHASHABLE = frozenset({"JSON", "JSONB", "ARRAY", "HSTORE"})
_TYPES = ("type", "Type")
_ENTITIES = ("class", "alias", "class-variable")
_CLASS_NAME = re.compile(r"(^|_)(cls|klass|class_?|model|entity)(__)?$")
"""What a variable is called that holds a mapped class; `__class__` of an instance, too."""
_MAX_DEPTH = 5


class Entities:
    """Reads the arguments of `query(...)`, `with_entities(...)` and the like."""

    def __init__(self, project: ProjectView) -> None:
        self._project = project

    def items(self, call: s.Call) -> tuple[Item, ...] | None:
        """One item per argument of `call`; None when nothing is known about some of them.

        `*columns` is one item, if these are surely no entities: their number makes no difference.
        """
        found: list[Item] = []
        entities = self._project.entities(call, len(call.args))
        for expr, entity in zip(call.args, entities, strict=True):
            if not isinstance(expr, s.Starred):
                found.append(self._item(expr, entity))
            elif self._are_columns(expr.value):
                function = self._project.scope(expr).function
                found.append(Item("columns", expr.value, function, source=UNKNOWN_SOURCE))
            else:
                return None
        return tuple(found)

    def _are_columns(self, expr: s.Expr) -> bool:
        """Is `expr` a list (or a local name of one) of columns and expressions?"""
        values = local_values(expr, self._project.scope(expr)) or [expr]
        elements: list[s.Expr] = []
        for value in values:
            if isinstance(value, s.Sequence):
                elements += value.items
            elif isinstance(value, s.Comprehension) and value.kind in ("list", "generator"):
                elements += value.elements
            else:
                return False
        return all(self._is_column_expression(element) for element in elements)

    def _is_column_expression(self, expr: s.Expr) -> bool:
        if isinstance(expr, s.Attribute) and self._project.class_of(expr.value) is not None:
            return self._project.class_of(expr) is None
        return self._kind(expr) in ("column", "expression")

    def _item(self, expr: s.Expr, entity: t.Entity) -> Item:
        kind, model, name = entity.kind, entity.model, entity.name
        if kind == "unknown":
            kind = self._kind(expr)
        if kind == "column" and model is not None and not self._is_column(model, name):
            kind = "expression"
        return Item(
            kind=kind,
            expr=expr,
            function=self._project.scope(expr).function,
            model=model,
            name=name,
            source=self._source(kind, expr, model),
            hashable=kind != "column" or not self._is_unhashable(model, name),
            labelled=bool(name) or kind in (*_ENTITIES, "table"),
        )

    def _is_column(self, model: Class, name: str) -> bool:
        """False for relationships, hybrid methods and whatever else is not mapped as a column."""
        mapped = self._project.model(model)
        return mapped is None or name not in mapped.relationships

    def _kind(self, expr: s.Expr, depth: int = 0) -> str:
        """The kind of what the index does not know, by how it is written."""
        if isinstance(expr, s.Call):
            return _kind_of_call(expr)
        if isinstance(expr, s.Operation | s.Constant):
            return "expression"
        if self._is_foreign_class(expr):
            return "class"
        if _CLASS_NAME.search(last_name(expr)) or self._is_annotated_as_class(expr):
            return "class-variable"
        if isinstance(expr, s.Attribute):
            return self._kind_of_attribute(expr)
        kinds = {
            self._kind(value, depth + 1)
            for value in local_values(expr, self._project.scope(expr))
            if depth < _MAX_DEPTH
        }
        return kinds.pop() if len(kinds) == 1 else "unknown"

    def _is_annotated_as_class(self, expr: s.Expr) -> bool:
        """Is `expr` a parameter that says `type[...]`, or a model where it has to be its class?

        An object of a model is nothing that can be queried: `table: User` means `type[User]`.
        """
        if not isinstance(expr, s.Name):
            return False
        bindings = self._project.project.names.bindings(expr.id, self._project.scope(expr))
        found = self._project.infer(expr)
        return (bool(bindings) and all(map(_says_type, bindings))) or (
            bool(found) and all(map(self._is_model_object, found))
        )

    def _is_model_object(self, item: t.Type) -> bool:
        return isinstance(item, t.Instance) and self._project.model(item.cls) is not None

    def _kind_of_attribute(self, expr: s.Attribute) -> str:
        dotted = {part.attr for part in s.walk(expr) if isinstance(part, s.Attribute)}
        if dotted & _COLUMNS and expr.attr not in _COLUMNS:
            return "column"
        return "column" if self._is_foreign_class(expr.value) else "unknown"

    def _is_foreign_class(self, expr: s.Expr) -> bool:
        """Is `expr` imported from outside of the project and written as classes are?"""
        name = self._project.external(expr).rpartition(".")[2]
        return name[:1].isupper() and not name.isupper()

    @staticmethod
    def _source(kind: str, expr: s.Expr, model: Class | None) -> str:
        if kind == "column" and isinstance(expr, s.Attribute):
            return source_key(expr.value, model)
        return source_key(expr, model) if kind in _ENTITIES else UNKNOWN_SOURCE

    def _is_unhashable(self, model: Class | None, name: str) -> bool:
        mapped = self._project.model(model) if model is not None else None
        column = mapped.columns.get(name) if mapped is not None else None
        return column is not None and last_name_of_type(column.type) in _UNHASHABLE


def _says_type(binding: Binding) -> bool:
    """Is `binding` a parameter with an annotation `type[...]`?"""
    annotation = binding.parameter.annotation if isinstance(binding, ParameterBinding) else None
    return isinstance(annotation, s.Subscript) and last_name(annotation.value) in _TYPES


def _kind_of_call(call: s.Call) -> str:
    name = last_name(call.func)
    if name in _TABLES:
        return "table"
    if name in _ALIASES:
        return "alias"
    return "unknown" if isinstance(call.func, s.Name) else "expression"


def source_key(expr: s.Expr, model: Class | None) -> str:
    """The name under which rows of the entity `expr` are counted."""
    written = text(expr)
    if model is not None and written.rpartition(".")[2] == model.name:
        return model.qualname
    return written


def last_name_of_type(written: object) -> str:
    """`JSON` of whatever a model's column says about its type."""
    if isinstance(written, str):
        return written.partition("(")[0].rpartition(".")[2]
    return last_name(written) if isinstance(written, s.Call | s.Name | s.Attribute) else ""


def shape_of(items: tuple[Item, ...] | None) -> Shape:
    """What a query of `items` gives."""
    if items is None:
        return Shape.UNKNOWN
    if len(items) != 1 or items[0].kind == "columns":
        return Shape.ROWS
    if items[0].is_entity:
        return Shape.ENTITY
    return Shape.UNKNOWN if items[0].kind == "unknown" else Shape.ROWS


def has_entity(items: tuple[Item, ...] | None) -> bool | None:
    """Is a full entity among `items`? None: unknown."""
    if items is None or any(item.kind == "unknown" for item in items):
        return None
    return any(item.is_entity for item in items)


def rows_may_repeat(state: QueryState) -> bool:
    """Can two rows hold the same?

    Not if each source of rows is a full entity of the list: then each row has its own identities.
    """
    if state.items is None:
        return True
    whole = {item.source for item in state.items if item.is_entity}
    sources = {item.source for item in state.items} | state.sources
    return UNKNOWN_SOURCE in sources or not sources <= whole


def needs_unique(state: QueryState) -> bool:
    """Must the result be made unique for `Query`'s result to come out?"""
    if not state.full or "yield_per" in state.may:
        return False
    if state.items is not None and any(not item.hashable for item in state.items):
        return False  # `Query` counts each value of such a type as a different one
    return state.eager or rows_may_repeat(state)


def has_unlabelled(items: Iterable[Item]) -> bool:
    """Has a row of `items` a column without a name, or two of the same name?"""
    listed = list(items)
    names = [item.name for item in listed if item.kind == "column"]
    return len(names) != len(set(names)) or any(
        item.kind == "expression" and not item.labelled for item in listed
    )
