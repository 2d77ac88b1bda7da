"""Object factories of factory_boy: classes of which a call makes an object of a model.

`UserFactory(name="Ann")` gives a `User`, which its class says in `Meta.model`. A factory for
SQLAlchemy adds the object to a session, and flushes or commits that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from migrate_async.index import scopes as sc
from migrate_async.index import types as t
from migrate_async.index.types import UNKNOWN, Type, Types
from migrate_async.knowledge.object_factories import MAKE_MANY, MAKE_ONE, SQLALCHEMY

if TYPE_CHECKING:
    from migrate_async.index.classes import Hierarchy


def made(item: Type, hierarchy: Hierarchy) -> Types | None:
    """What calling `item` gives, if it is a factory or one of its methods; None: it is none."""
    if isinstance(item, t.ClassObject) and hierarchy.is_a(item.cls, SQLALCHEMY):
        return _objects(item.cls, hierarchy)
    if not isinstance(item, t.Method) or not isinstance(item.owner, t.ClassObject):
        return None
    cls = item.owner.cls
    if item.name not in MAKE_ONE | MAKE_MANY or not hierarchy.is_a(cls, SQLALCHEMY):
        return None
    objects = _objects(cls, hierarchy)
    return objects if item.name in MAKE_ONE else t.of(t.ListOf(objects))


def _objects(cls: sc.Class, hierarchy: Hierarchy) -> Types:
    """Objects of the model of the nearest class that names one."""
    for ancestor in hierarchy.order(cls):
        for binding in ancestor.cls.scope.names.get("Meta", ()) if ancestor.cls else ():
            if isinstance(binding, sc.ClassBinding):
                models = hierarchy.member(binding.cls, (), "model", False)
                found = [item for item in t.ordered(models) if isinstance(item, t.ClassObject)]
                if found:
                    return frozenset(t.Instance(item.cls) for item in found)
    return UNKNOWN
