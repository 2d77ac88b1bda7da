"""Relationship reads: where they happen decides how they are loaded.

- in a converted function: `await order.awaitable_attrs.items`, which loads just when the legacy
  code did, whatever query or constructor made the object;
- while a response is serialised, and in properties, lambdas and helpers that stay sync: the
  relationship is loaded with its object, by `lazy="selectin"` in the mapping.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from migrate_async.index.project import Project, Relationship
from migrate_async.index.scopes import Class, Function, Scope
from migrate_async.index.types import Instance
from migrate_async.model import plan as p
from migrate_async.model import syntax as s
from migrate_async.plan.blocks import is_unplaced
from migrate_async.plan.loads.partial_loads import PartialLoads
from migrate_async.plan.loads.paths import Step
from migrate_async.plan.new_objects import is_new

NAME = "async-colour"

LAZY = frozenset({"", "select", "True", "immediate"})
"""Values of `lazy=` that load on access (`immediate` does so inside the query)."""

_AWAITED = LAZY | {"selectin"}
"""`selectin` may be an earlier run's work, and new objects load on access with it, too."""


@dataclass(frozen=True)
class Access:
    """`node` reads `name` of a `model` object; `relationship` is None for a deferred column.

    If it `is_set`, a statement assigns or augments it, which first loads what it was.
    """

    node: s.Attribute
    scope: Scope
    model: Class
    name: str
    relationship: Relationship | None
    is_set: bool = False

    @property
    def step(self) -> Step:
        return Step(self.model, self.name, self.relationship)


@dataclass(frozen=True)
class NamedAccess:
    """`node` is `getattr(x, "name")` or `hasattr(x, "name")`: both load, neither can be awaited."""

    node: s.Call
    scope: Scope
    step: Step

    @property
    def owner(self) -> s.Expr:
        """The `x`."""
        return self.node.args[0]


class Accesses:
    """Finds the reads of lazily loaded relationships and of columns that are not loaded."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._models = {model.cls: model for model in project.models.values()}
        self._found: dict[Function, tuple[Access, ...]] = {}
        self.partial = PartialLoads(project)
        """What queries leave out of their objects."""
        self._names = frozenset(
            name
            for model in self._models.values()
            for name in (*model.relationships, *model.deferred)
        )

    def of(self, function: Function) -> tuple[Access, ...]:
        """Reads in the function's own code; nested functions are functions of their own."""
        if function not in self._found:
            self._found[function] = tuple(self._find(function))
        return self._found[function]

    def _find(self, function: Function) -> Iterator[Access]:
        names = self._names.union(*self.partial.of(function).values())
        if names.isdisjoint(function.module.attributes):
            return
        for node in self._own_code(function, names):
            if isinstance(node, s.Attribute) and node.attr in names:
                access = self._access(node)
                if access is not None and (not access.is_set or self._loads_when_set(access)):
                    yield access

    def named(self, function: Function) -> Iterator[NamedAccess]:
        """Reads in the function's own code whose attribute is a string."""
        names = self._names.union(*self.partial.of(function).values())
        for node in self._own_code(function, names):
            if isinstance(node, s.Call) and (name := read_name(node)) in names:
                scope = self._project.scope_of(node)
                step = self._step(node.args[0], name, scope)
                if step is not None:
                    yield NamedAccess(node, scope, step)

    @staticmethod
    def _own_code(function: Function, names: frozenset[str]) -> Iterator[s.AnyNode]:
        if not names or function.node is None:
            return
        body = function.node.body
        pending: list[s.AnyNode] = list(reversed(body)) if isinstance(body, tuple) else [body]
        while pending:
            node = pending.pop()
            if isinstance(node, (s.FunctionDef, s.ClassDef, s.Lambda)):
                continue
            yield node
            pending.extend(reversed(list(s.children(node))))

    def _access(self, node: s.Attribute) -> Access | None:
        if isinstance(node.value, s.Attribute) and node.value.attr == "awaitable_attrs":
            return None  # awaited already
        scope = self._project.scope_of(node)
        step = self._step(node.value, node.attr, scope)
        if step is None:
            return None
        is_set = self._is_target(node)
        return Access(node, scope, step.model, step.name, step.relationship, is_set)

    def _step(self, owner: s.Expr, name: str, scope: Scope) -> Step | None:
        """What reading `name` of the objects that `owner` is loads."""
        for found in self._project.infer(owner, scope):
            if isinstance(found, Instance) and found.cls in self._models:
                model = self._models[found.cls]
                relationship = model.relationships.get(name)
                if relationship is not None and (relationship.lazy or "") in _AWAITED:
                    return Step(found.cls, name, relationship)
                if name in model.deferred:
                    return Step(found.cls, name)
                if name in self.partial.of(scope.function).get(found.cls, ()):
                    return Step(found.cls, name, left_out=True)
        return None

    def _is_target(self, node: s.Attribute) -> bool:
        parent = self._project.parent(node)
        if isinstance(parent, s.Assign):
            return any(target is node for target in parent.targets)
        return isinstance(parent, s.AnnotatedAssign | s.AugmentedAssign) and parent.target is node

    def _loads_when_set(self, access: Access) -> bool:
        """Whether setting it loads what it was: not a column, a many-to-one, or of a new object."""
        if isinstance(self._project.parent(access.node), s.AugmentedAssign):
            return True
        relationship = access.relationship
        if relationship is None or is_new(self._project, access.node.value, access.scope):
            return False
        return relationship.uselist is not False or not self._has_key(access.model, relationship)

    def _has_key(self, model: Class, relationship: Relationship) -> bool:
        """Whether the foreign key is on the side of `model`."""
        if any(keyword.arg == "remote_side" for keyword in relationship.node.keywords):
            return True
        target = self._models.get(relationship.target) if relationship.target is not None else None
        return target is not None and any(
            column.foreign_key.rpartition(".")[0] == target.tablename
            for column in self._models[model].columns.values()
        )


def reading_coroutines(project: Project, accesses: Accesses) -> Iterator[tuple[Function, p.Reason]]:
    """Coroutines of the application that load relationships by reading them.

    On the session of what converts they have to await that, whatever else they do. Those that an
    earlier run converted do.
    """
    for function in project.functions:
        if not function.is_async or function.module.is_test:
            continue
        if is_migrated(project, function):
            continue
        for access in accesses.of(function):
            if can_await(project, access.node, function):
                text = f"it reads {access.model.name}.{access.name}, which loads it"
                yield function, p.Reason("lazy-load", text, function.module.path, access.node.line)
                break


def is_migrated(project: Project, function: Function) -> bool:
    """Whether `function` works on an async session, or awaits what it reads."""
    if project.takes_session(function, "async"):
        return True
    nodes = s.walk(function.node) if function.node is not None else ()
    return "awaitable_attrs" in function.module.attributes and any(
        isinstance(node, s.Attribute) and node.attr == "awaitable_attrs" for node in nodes
    )


def read_name(call: s.Call) -> str:
    """The `name` of `getattr(x, "name")` and `hasattr(x, "name")`; empty: no such call."""
    if not isinstance(call.func, s.Name) or call.func.id not in ("getattr", "hasattr"):
        return ""
    name = call.args[1] if len(call.args) > 1 else None
    return str(name.value) if isinstance(name, s.Constant) else ""


def can_await(project: Project, node: s.AnyNode, function: Function) -> bool:
    """Whether an `await` may stand at `node`.

    Not where it may be read of other objects, too, such as a schema, which have no
    `awaitable_attrs`. Not in a lambda, nor in a generator expression, apart from what that iterates
    over first: it is evaluated at once, outside of the expression.
    """
    if isinstance(node, s.Attribute) and may_be_other(project, node.value):
        return False
    child: s.AnyNode | s.ModuleSyntax = node
    inner: s.AnyNode | s.ModuleSyntax = node
    current = project.parent(node)
    while not isinstance(current, s.ModuleSyntax) and current is not function.node:
        if isinstance(current, s.Lambda):
            return False
        if isinstance(current, s.Comprehension) and current.kind == "generator":
            first = current.generators[0]
            if child is not first or inner is not first.iter:
                return False
        if is_unplaced(current):
            return False
        child, inner, current = current, child, project.parent(current)
    return True


def may_be_other(project: Project, owner: s.Expr) -> bool:
    """Whether `owner` may be an object of a class of the project that is no model."""
    found = project.infer(owner, project.scope_of(owner))
    return any(
        isinstance(item, Instance) and item.cls.qualname not in project.models for item in found
    )


def awaitable_edits(project: Project, access: Access) -> tuple[p.AnyEdit, ...]:
    """`x.rel` as `await x.awaitable_attrs.rel`; where it is set, that goes above the statement."""
    if not access.is_set:
        return (p.AwaitAttribute(span=access.node.span, codemod=NAME),)
    owner = s.dotted_name(access.node.value)
    statement = project.statement_of(access.node)
    if not owner:
        return ()
    name = f"{owner}.awaitable_attrs.{access.name}"
    if _is_awaited_above(project, statement, name):
        return ()
    return (p.InsertStatements(span=statement.span, codemod=NAME, code=f"await {name}"),)


def _is_awaited_above(project: Project, statement: s.Stmt, name: str) -> bool:
    """Whether `await <name>` is the statement before `statement`."""
    around = project.parent(statement)
    blocks = (getattr(around, part, ()) for part in ("body", "orelse", "finalbody"))
    for block in blocks:
        for before, after in pairwise(block):
            if after is statement and isinstance(before, s.ExpressionStatement):
                value = before.value
                return isinstance(value, s.Await) and s.dotted_name(value.value) == name
    return False
