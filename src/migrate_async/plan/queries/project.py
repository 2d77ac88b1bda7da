"""The questions that query planning asks of the index, each about a syntax node."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property

from migrate_async.index import scopes as sc
from migrate_async.index import types as t
from migrate_async.index.calls import arguments
from migrate_async.index.parameters import callable_params
from migrate_async.index.project import Model, Project
from migrate_async.index.relationships import Relationship
from migrate_async.index.scopes import Class, Function, Scope
from migrate_async.index.types import Entity, Type, Types
from migrate_async.knowledge import sqlalchemy
from migrate_async.knowledge.query_api import COLUMN_OPERATORS
from migrate_async.model import syntax as s
from migrate_async.plan.queries.names import typing_only

_QUERY = re.compile(r"(?<![\w.])Query\b(\[[^\[\]]*\])?")
UNKNOWN_ENTITY = Entity("unknown")


_OURS = frozenset({"sqlalchemy", "sqlmodel"})


class Target:
    """A function that a call may run, with what its parameters get."""

    def __init__(self, function: Function, receiver: Type | None, call: s.Call) -> None:
        self.function = function
        params = callable_params(function, receiver)
        self.arguments: Mapping[str, s.Expr] = {
            param.name: value for param, value in arguments(params, call)
        }
        self.receiver: s.Expr | None = None
        if function.self_name and isinstance(call.func, s.Attribute):
            self.receiver = call.func.value

    def parameter(self, argument: s.Expr) -> str | None:
        """The name of the parameter that gets `argument`."""
        for name, value in self.arguments.items():
            if value is argument:
                return name
        return None


class ProjectView:
    """`Project`, with the scope of a node looked up instead of handed on."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self._scopes: dict[s.AnyNode, Scope] = {}

    def scope(self, node: s.AnyNode) -> Scope:
        found = self._scopes.get(node)
        if found is None:
            found = self._scopes[node] = self.project.scope_of(node)
        return found

    def infer(self, expr: s.Expr) -> Types:
        return self.project.infer(expr, self.scope(expr))

    def is_session(self, expr: s.Expr) -> bool:
        """Is the value of `expr` a sync session?"""
        return self.project.session_kind(expr, self.scope(expr)) == "sync"

    def is_session_name(self, name: str, scope: Scope) -> bool:
        """Does `name`, read in `scope`, hold a sync session?"""
        return self.project.session_kind(s.Name(0, 0, 0, 0, name), scope) == "sync"

    def entities(self, query: s.Call, count: int) -> Sequence[Entity]:
        """The last `count` entities of the query that the call `query` gives."""
        for found in self.infer(query):
            if isinstance(found, t.QueryOf) and len(found.entities) >= count > 0:
                return found.entities[-count:]
        return [UNKNOWN_ENTITY] * count

    def model(self, cls: Class | None) -> Model | None:
        """The mapping of `cls`; None if it is not a mapped class of the project."""
        return None if cls is None else self.project.models.get(cls.qualname)

    @cached_property
    def dynamic_names(self) -> frozenset[str]:
        """The names of all relationships that are a query: `lazy="dynamic"`."""
        return frozenset(
            name
            for model in self.project.models.values()
            for name, relationship in model.relationships.items()
            if relationship.lazy == "dynamic"
        )

    def is_dynamic(self, expr: s.Expr) -> bool:
        """Is `expr` a dynamic relationship of an object: a query on the object's session?"""
        return any(item is not None and item.lazy == "dynamic" for item in self._read(expr))

    def dynamic(self, expr: s.Expr) -> Relationship | None:
        """The dynamic relationship that `expr` is, whatever its object may be."""
        found = self._read(expr)
        first = found[0] if found else None
        if first is None or any(item is None or item.node is not first.node for item in found):
            return None
        return first if first.lazy == "dynamic" else None

    def _read(self, expr: s.Expr) -> list[Relationship | None]:
        """The relationships that `expr` may read; None for an attribute that is none."""
        if not isinstance(expr, s.Attribute) or expr.attr not in self.dynamic_names:
            return []
        owners = [item.cls for item in self.infer(expr.value) if isinstance(item, t.Instance)]
        models = [model for model in map(self.model, owners) if model is not None]
        return [model.relationships.get(expr.attr) for model in models]

    def class_of(self, expr: s.Expr) -> Class | None:
        """The one project class that `expr` names or is an alias of."""
        found = {
            item.cls
            for item in self.infer(expr)
            if isinstance(item, t.ClassObject | t.AliasedClass)
        }
        return found.pop() if len(found) == 1 else None

    def external(self, expr: s.Expr) -> str:
        """The canonical dotted name if `expr` names one thing from outside the project."""
        found = self.infer(expr)
        names = {item.dotted for item in found if isinstance(item, t.External)}
        return names.pop() if len(names) == len(found) == 1 else ""

    def is_foreign(self, func: s.Expr) -> bool:
        """Whether `func` is a method of another library, `filter.filter(query)`.

        Columns have the type of their values; what has the name of an operator is one.
        """
        name = sc.last_name(func)
        return name not in COLUMN_OPERATORS and any(map(self._is_foreign, self.infer(func)))

    def _is_foreign(self, item: t.Type) -> bool:
        if isinstance(item, t.ExternalMethod):
            return item.owner.partition(".")[0] not in _OURS
        owner = item.owner if isinstance(item, t.Method) else None
        if not isinstance(owner, t.Instance) or self.model(owner.cls) is not None:
            return False
        bases = self.project.bases(owner.cls)
        return not any(base.partition(".")[0] in _OURS for base in bases)

    def targets(self, call: s.Call) -> list[Target]:
        """The project functions that `call` may run; for a class, its `__init__`."""
        found: list[Target] = []
        call = self.project.bridged(call) or call
        for item in t.ordered(self.infer(call.func)):
            if isinstance(item, t.FunctionObject):
                found.append(Target(item.fn, item.receiver, call))
            elif isinstance(item, t.ClassObject):
                found.extend(Target(init, item, call) for init in _constructors(item.cls))
        return found

    def name_of(self, cls: Class, function: Function) -> str:
        """What the module of `function` calls `cls`; empty if it has no name for it."""
        scope = function.module.scope
        hidden = frozenset(typing_only(function.module.syntax.body))
        for name, bound in scope.names.items():
            if isinstance(bound[0], sc.ClassBinding | sc.FromBinding) and name not in hidden:
                types = self.project.infer(s.Name(0, 0, 0, 0, name), scope)
                if types == t.of(t.ClassObject(cls)):
                    return name
        return ""

    def is_query_annotation(self, annotation: s.Expr | None) -> bool:
        return annotation is not None and self.query_name(annotation) is not None

    def query_name(self, annotation: s.Expr) -> s.Expr | None:
        """The node that says `Query` or `Query[...]` in an annotation, if there is one."""
        for node in s.walk(annotation):
            if isinstance(node, s.Constant) and self._names_query(node):
                return node
            if isinstance(node, s.Subscript) and self._is_query_class(node.value):
                return node
            if isinstance(node, s.Name | s.Attribute) and self._is_query_class(node):
                return node
        return None

    def _names_query(self, annotation: s.Constant) -> bool:
        """Does the string `annotation` say `Query`, and is that SQLAlchemy's?"""
        if annotation.kind != "str" or not _QUERY.search(str(annotation.value)):
            return False
        scope = self.scope(annotation).module.scope
        types = self.project.infer(s.Name(0, 0, 0, 0, "Query"), scope)
        return types == t.of(t.External(sqlalchemy.QUERY))

    def _is_query_class(self, expr: s.Expr) -> bool:
        return (
            isinstance(expr, s.Name | s.Attribute)
            and sc.last_name(expr) == "Query"
            and self.external(expr) == sqlalchemy.QUERY
        )


def in_string(annotation: s.Constant, code: str) -> str:
    """The text of a string annotation with `code` in the place of `Query`."""
    return _QUERY.sub(code, str(annotation.value))


def _constructors(cls: Class) -> Iterator[Function]:
    for binding in cls.scope.names.get("__init__", ()):
        if isinstance(binding, sc.FunctionBinding):
            yield binding.function
