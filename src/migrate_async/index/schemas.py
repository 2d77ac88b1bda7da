"""Annotations that name a schema where the code hands out the ORM object that will fill it.

`def get_user(db, key) -> schemas.User` with `return db.get(models.User, key)` is common: FastAPI
makes the schema later, and no type checker looks. What the code gives is what counts.
"""

from __future__ import annotations

from collections.abc import Callable

from migrate_async.index import scopes as sc
from migrate_async.index import types as t
from migrate_async.index.classes import Hierarchy
from migrate_async.index.types import Types
from migrate_async.knowledge import sqlalchemy
from migrate_async.model import syntax as s

_SQLMODEL = frozenset({"sqlmodel.SQLModel"})
_SCHEMAS = frozenset({"pydantic.BaseModel", "pydantic.main.BaseModel"}) | _SQLMODEL


def seen_through(declared: Types, given: Callable[[], Types], hierarchy: Hierarchy) -> Types:
    """`declared`, or what is `given` if that is ORM objects where schemas are declared.

    Where some of what is given is as declared, the rest is what a name held before.
    """
    if not declared or not all(_holds(item, _is_schema, hierarchy) for item in declared):
        return declared
    found = given()
    if not _classes(found).isdisjoint(_classes(declared)):
        return declared
    return found if any(_holds(item, _is_model, hierarchy) for item in found) else declared


def _classes(types: Types) -> set[sc.Class]:
    return {item.cls for item in t.elements(types) if isinstance(item, t.Instance)}


def _holds(item: t.Type, test: Callable[[sc.Class, Hierarchy], bool], hierarchy: Hierarchy) -> bool:
    if isinstance(item, t.ListOf):
        return bool(item.items) and all(_holds(inner, test, hierarchy) for inner in item.items)
    return isinstance(item, t.Instance) and test(item.cls, hierarchy)


def _is_table(cls: sc.Class) -> bool:
    values = (keyword.value for keyword in cls.node.keywords if keyword.arg == "table")
    return any(isinstance(value, s.Constant) and bool(value.value) for value in values)


def _is_schema(cls: sc.Class, hierarchy: Hierarchy) -> bool:
    return hierarchy.is_a(cls, _SCHEMAS) and not _is_table(cls)


def _is_model(cls: sc.Class, hierarchy: Hierarchy) -> bool:
    if hierarchy.is_a(cls, _SQLMODEL):
        return _is_table(cls)
    return hierarchy.is_a(cls, sqlalchemy.DECLARATIVE_BASES)
