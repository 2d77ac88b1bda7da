"""ORM models: declarative in both styles, and SQLModel."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from migrate_async.index import scopes as sc
from migrate_async.index import types as t
from migrate_async.index.columns import (
    Column,
    column_call,
    column_of,
    constraints,
    renamed,
    table_columns,
)
from migrate_async.index.declarative import (
    Attribute,
    added_expressions,
    attributes,
    class_value,
    is_deferred,
    is_expression,
    is_true,
    keyword_of,
    string,
)
from migrate_async.index.directions import leads_to_many
from migrate_async.index.infer import Inference
from migrate_async.index.mapped import is_imperative
from migrate_async.index.relationship_calls import RELATIONSHIP_CALLS
from migrate_async.index.relationships import Relationship, relationship_of, reverse
from migrate_async.knowledge import sqlalchemy
from migrate_async.model import syntax as s

_SQLMODEL = frozenset({"sqlmodel.SQLModel"})


class Model(msgspec.Struct, frozen=True, eq=False):
    """A mapped class. Columns and relationships include those of bases and mixins.

    `unique` are the column sets of unique constraints and indexes (attribute names), single
    columns with `unique=True` included. `parent` is the mapped class it inherits from.
    `expressions` are attributes that are SQL expressions: a flush of the object expires them.
    `deferred` are columns and expressions that are loaded when they are read.
    """

    cls: sc.Class
    tablename: str
    columns: dict[str, Column]
    relationships: dict[str, Relationship]
    unique: tuple[tuple[str, ...], ...]
    parent: sc.Class | None
    is_sqlmodel: bool
    expressions: frozenset[str] = frozenset()
    deferred: frozenset[str] = frozenset()

    @property
    def qualname(self) -> str:
        return self.cls.qualname

    @property
    def primary_key(self) -> tuple[str, ...]:
        """Attribute names of the primary key."""
        return tuple(column.name for column in self.columns.values() if column.primary_key)

    def pins_one_row(self, names: frozenset[str]) -> bool:
        """Whether equality on the attributes `names` selects at most one row."""
        keys = [self.primary_key, *self.unique]
        return any(key and names.issuperset(key) for key in keys)


def find_models(inference: Inference) -> dict[str, Model]:
    """All mapped classes."""
    finder = _Finder(inference)
    found = [finder.model(cls) for cls in inference.symbols.classes if finder.is_mapped(cls)]
    models = {model.qualname: model for model in found}
    return _with_backrefs(_settled(models))


class _Finder:
    def __init__(self, inference: Inference) -> None:
        self._inference = inference
        self._hierarchy = inference.hierarchy
        self._mapped: dict[sc.Class, bool] = {}
        self._added = added_expressions(inference)

    def is_mapped(self, cls: sc.Class) -> bool:
        """Whether `cls` has a table of its own or shares that of a mapped base."""
        if cls not in self._mapped:
            self._mapped[cls] = False
            self._mapped[cls] = self._find_mapped(cls)
        return self._mapped[cls]

    def _find_mapped(self, cls: sc.Class) -> bool:
        if self._hierarchy.is_a(cls, _SQLMODEL):
            return is_true(keyword_of(cls.node.keywords, "table"))
        names = cls.scope.names
        if is_true(class_value(cls, "__abstract__")):
            return False
        has_table = "__tablename__" in names or "__table__" in names
        if not self._hierarchy.is_a(cls, sqlalchemy.DECLARATIVE_BASES):
            return has_table and _has_columns(cls) and bool(cls.node.bases)
        is_table = has_table or is_imperative(cls)
        return not self._is_base(cls) and (is_table or self._shares_table(cls))

    def _shares_table(self, cls: sc.Class) -> bool:
        """Whether a base, a mixin or Flask-SQLAlchemy says what the table of `cls` is."""
        if self._hierarchy.is_a(cls, frozenset({sqlalchemy.FLASK_BASE})) and _has_columns(cls):
            return True
        ancestors = [item.cls for item in self._hierarchy.order(cls)[1:] if item.cls is not None]
        return any(
            "__tablename__" in base.scope.names or self.is_mapped(base) for base in ancestors
        )

    def _is_base(self, cls: sc.Class) -> bool:
        """The declarative base itself: a table name only as a `declared_attr`, no columns."""
        if is_imperative(cls):
            return False
        direct = not sqlalchemy.MAPPED_WITHOUT_BASE.issuperset(cls.extra_bases) or any(
            isinstance(item, t.External) and item.dotted in sqlalchemy.BASES_TO_DERIVE
            for base in cls.node.bases
            for item in self._inference.infer(base, cls.outer)
        )
        return (
            direct
            and class_value(cls, "__tablename__") is None
            and ("__table__" not in cls.scope.names)
        )

    def model(self, cls: sc.Class) -> Model:
        columns: dict[str, Column] = {}
        relationships: dict[str, Relationship] = {}
        unique: list[tuple[str, ...]] = []
        is_sqlmodel = self._hierarchy.is_a(cls, _SQLMODEL)
        for ancestor in reversed(self._hierarchy.order(cls)):
            if ancestor.cls is not None:
                self._collect(ancestor.cls, columns, relationships, is_sqlmodel)
                unique += constraints(ancestor.cls)
        by_column = {column.column: column.name for column in columns.values()}
        sets = [tuple(by_column.get(name, name) for name in key) for key in unique]
        sets += [(column.name,) for column in columns.values() if column.unique]
        bases = self._hierarchy.order(cls)[1:]
        parents = [item.cls for item in bases if item.cls is not None and self.is_mapped(item.cls)]
        expressions = list(self._expressions(cls))
        deferred = {column.name for column in columns.values() if column.deferred}
        deferred.update(item.name for item in expressions if is_deferred(item.value))
        return Model(
            cls,
            self._tablename(cls, is_sqlmodel),
            columns,
            relationships,
            tuple(dict.fromkeys(sets)),
            parents[0] if parents else None,
            is_sqlmodel,
            frozenset(item.name for item in expressions),
            frozenset(deferred),
        )

    def _expressions(self, cls: sc.Class) -> Iterator[Attribute]:
        for ancestor in self._hierarchy.order(cls):
            if ancestor.cls is not None:
                yield from filter(is_expression, attributes(ancestor.cls))
                yield from self._added.get(ancestor.cls, ())

    def _tablename(self, cls: sc.Class, is_sqlmodel: bool) -> str:
        for ancestor in self._hierarchy.order(cls):
            if ancestor.cls is None:
                continue
            name = _named(ancestor.cls, cls)
            if name:
                return name
            table = class_value(ancestor.cls, "__table__")
            if isinstance(table, s.Call) and table.args and isinstance(table.args[0], s.Constant):
                return str(table.args[0].value)
        return cls.name.lower() if is_sqlmodel else ""

    def _collect(
        self,
        cls: sc.Class,
        columns: dict[str, Column],
        relationships: dict[str, Relationship],
        is_sqlmodel: bool,
    ) -> None:
        for item in attributes(cls):
            call = item.value if isinstance(item.value, s.Call) else None
            if item.name == "__table__" and call is not None:
                columns.update((column.name, column) for column in table_columns(call))
            elif item.name.startswith("__"):
                continue
            elif (column := columns.get(renamed(item.value))) is not None:
                del columns[column.name]
                columns[item.name] = msgspec.structs.replace(column, name=item.name)
            elif call is not None and sc.last_name(call.func) in RELATIONSHIP_CALLS:
                relationships[item.name] = relationship_of(item, call, self._inference)
            else:
                column = column_of(item, self._inference.annotations, is_sqlmodel)
                if column is not None:
                    columns[item.name] = column


def _named(owner: sc.Class, cls: sc.Class) -> str:
    """What `__tablename__` of `owner` gives `cls`, if that is a text or the name of the class."""
    for item in attributes(owner):
        if item.name == "__tablename__" and isinstance(item.value, s.Constant):
            return string(item.value)
        if item.name == "__tablename__" and isinstance(item.value, s.Call):
            func = s.dotted_name(item.value.func)
            return cls.name.lower() if func.endswith(".__name__.lower") else ""
    return ""


def _has_columns(cls: sc.Class) -> bool:
    return any(column_call(item.value) for item in attributes(cls))


def _settled(models: dict[str, Model]) -> dict[str, Model]:
    """Work out `uselist` from foreign keys where nothing else tells it."""
    for model in models.values():
        for name, relationship in model.relationships.items():
            target = relationship.target and models.get(relationship.target.qualname)
            if relationship.uselist is None and target:
                uselist = leads_to_many(model, target, relationship.node)
                model.relationships[name] = msgspec.structs.replace(relationship, uselist=uselist)
    return models


def _with_backrefs(models: dict[str, Model]) -> dict[str, Model]:
    """Add the ends that `backref=` creates."""
    for model in list(models.values()):
        for relationship in list(model.relationships.values()):
            target = relationship.target and models.get(relationship.target.qualname)
            if relationship.backref and target and relationship.backref not in target.relationships:
                target.relationships[relationship.backref] = reverse(relationship, model.cls)
    return models
