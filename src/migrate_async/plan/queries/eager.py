"""May a query load a collection by JOIN, so that rows repeat and `Result` asks for `unique()`?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from migrate_async.index.scopes import Class
from migrate_async.model import syntax as s
from migrate_async.plan.queries.project import ProjectView
from migrate_async.plan.queries.state import Item

_HARMLESS = frozenset(
    {"selectinload", "subqueryload", "immediateload", "lazyload", "noload", "raiseload"}
    | {"load_only", "defer", "undefer", "undefer_group", "defaultload", "with_expression"}
    | {"with_loader_criteria", "selectin_polymorphic", "Load", "options", "defer_group"}
)
"""Loader options that do not join."""
_JOINED = ("joined", "False")


class Eager:
    def __init__(self, project: ProjectView) -> None:
        self._project = project
        self._any: bool | None = None

    def by_options(self, args: Iterable[s.Expr]) -> bool:
        """May one of the loader options `args` load a collection by JOIN?"""
        return any(self._joins_collection(arg) for arg in args)

    def by_mapping(self, item: Item) -> bool:
        """May the mapping of `item` do so, by `lazy="joined"`?"""
        if not item.is_entity:
            return False
        if item.kind == "class-variable":
            return self._anywhere()
        if self._project.model(item.model) is None or item.model is None:
            return True
        return self._of_class(item.model, frozenset())

    def _joins_collection(self, option: s.Expr) -> bool:
        if not isinstance(option, s.Call):
            return True
        for call in _calls(option):
            name = call.func.attr if isinstance(call.func, s.Attribute) else _name(call.func)
            if name == "joinedload":
                if not call.args or self.is_collection(call.args[0]):
                    return True
            elif name not in _HARMLESS:
                return True
        return False

    def is_collection(self, expr: s.Expr) -> bool:
        """Is `expr` anything but a relationship to one object (`Order.customer`)?"""
        if not isinstance(expr, s.Attribute):
            return True
        mapped = self._project.model(self._project.class_of(expr.value))
        relationship = mapped.relationships.get(expr.attr) if mapped is not None else None
        if relationship is None or relationship.uselist is not False:
            return True
        target = relationship.target
        return target is None or self._of_class(target, frozenset())

    def _anywhere(self) -> bool:
        """Has any model of the project such a mapping? For entities known only at run time."""
        if self._any is None:
            models = self._project.project.models.values()
            self._any = any(self._of_class(model.cls, frozenset()) for model in models)
        return self._any

    def _of_class(self, cls: Class, seen: frozenset[str]) -> bool:
        mapped = self._project.model(cls)
        if mapped is None or cls.qualname in seen:
            return False
        for relationship in mapped.relationships.values():
            if str(relationship.lazy) not in _JOINED:
                continue
            target = relationship.target
            if relationship.uselist is not False or target is None:
                return True
            if self._of_class(target, seen | {cls.qualname}):
                return True
        return False


def _calls(chain: s.Expr) -> Iterator[s.Call]:
    """The calls of `joinedload(A.b).selectinload(B.c)`."""
    while isinstance(chain, s.Call | s.Attribute):
        if isinstance(chain, s.Call):
            yield chain
            chain = chain.func
        else:
            chain = chain.value


def _name(func: s.Expr) -> str:
    return func.id if isinstance(func, s.Name) else ""
