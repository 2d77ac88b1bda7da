"""Relationship reads: where they happen decides how they are loaded.

- in a converted function: `await order.awaitable_attrs.items`, which loads just when the legacy
  code did, whatever query or constructor made the object;
- while a response is serialised, and in properties, lambdas and helpers that stay sync: the
  relationship is loaded with its object, by `lazy="selectin"` in the mapping.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import msgspec

from migrate_async.index.project import Project, Relationship
from migrate_async.index.scopes import Class, Function, Scope
from migrate_async.index.types import Instance, held, iterated
from migrate_async.knowledge.sqlalchemy import EAGER, ON_ACCESS
from migrate_async.model import plan as p
from migrate_async.model import syntax as s
from migrate_async.plan.blocks import called, is_target, is_unplaced, method_name, statements
from migrate_async.plan.loads.partial_loads import PartialLoads
from migrate_async.plan.loads.paths import Path, Step
from migrate_async.plan.loads.spelled import Chain, Spelled, spelled
from migrate_async.plan.loops_over_attributes import names_all, names_columns
from migrate_async.plan.new_objects import is_new

NAME = "async-colour"

_AWAITED = ON_ACCESS | EAGER
"""Values of `lazy=` with which a read may load: new objects have nothing that queries bring."""


@dataclass(frozen=True)
class Access:
    """`node` reads `name` of a `model` object; `relationship` is None for a deferred column.

    If it `is_set`, a statement assigns, augments or deletes it, which first loads what it was. If
    it is `seen_as` something, no more is known of the object: a base class of `model`.
    """

    node: s.Attribute
    scope: Scope
    model: Class
    name: str
    relationship: Relationship | None
    is_set: bool = False
    seen_as: Class | None = None

    @property
    def step(self) -> Step:
        return Step(self.model, self.name, self.relationship, seen_as=self.seen_as)


_DEFINITIONS = frozenset({s.FunctionDef, s.ClassDef, s.Lambda})


@dataclass(frozen=True)
class NamedAccess:
    """`node` reads `path` of `owner`, or of the objects in it, by names, and cannot be awaited.

    As `getattr(x, "name")` does, and `attrgetter("team.name")(x)`: see `plan.loads.spelled`.
    """

    node: s.Expr
    owner: s.Expr
    scope: Scope
    path: Path


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
        """Reads in the function's own code whose attributes are texts."""
        for read in spelled(self._project, function):
            for path in self._spelled(read):
                yield NamedAccess(read.node, read.owner, read.scope, path)
        for call in function.calls:
            if call.name == "getattr":
                for step in self._in_turn(call.node, call.scope):
                    yield NamedAccess(call.node, call.node.args[0], call.scope, (step,))

    def _spelled(self, read: Spelled) -> Iterator[Path]:
        """What `read` loads of objects of each class that its owner may be of."""
        chain = read.chain
        if not chain:
            return
        if read.cls is not None:
            types = self._project.annotated(read.cls, read.scope)
            steps = (self._loaded(cls, chain[0]) for cls in held(types, self._models))
            first = [step for step in steps if step is not None]
        elif not read.of_each:
            step = self._step(read.owner, chain[0], read.scope)
            first = [step] if step is not None else []
        else:
            types = iterated(self._project.infer(read.owner, read.scope))
            steps = (self._loaded(cls, chain[0]) for cls in held(types, self._models))
            first = [step for step in steps if step is not None]
        for step in first:
            yield self._along(step, chain[1:])

    def _along(self, step: Step, chain: Chain) -> Path:
        """`step`, and what reading `chain` of what it gives loads."""
        path = [step]
        for name in chain:
            target = path[-1].target
            more = self._loaded(target, name) if target is not None else None
            if more is None:
                break
            path.append(more)
        return tuple(path)

    def _in_turn(self, call: s.Call, scope: Scope) -> Iterator[Step]:
        """What `getattr(x, name)` loads in a loop over the names of all attributes, or columns."""
        takes_all = names_all(self._project, call, scope)
        if not takes_all and not names_columns(self._project, call, scope):
            return
        for item in self._project.infer(call.args[0], scope):
            seen = (
                (item.cls, *self._project.subclasses(item.cls))
                if isinstance(item, Instance)
                else ()
            )
            models = (self._models[cls] for cls in seen if cls in self._models)
            names = {
                name: None
                for model in models
                for name in (*sorted(model.deferred), *(model.relationships if takes_all else ()))
            }
            for name in names:
                step = self._step(call.args[0], name, scope)
                if step is not None:
                    yield step

    @staticmethod
    def _own_code(function: Function, names: frozenset[str]) -> Iterator[s.AnyNode]:
        if not names or function.node is None:
            return
        body = function.node.body
        pending: list[s.AnyNode] = list(reversed(body)) if isinstance(body, tuple) else [body]
        while pending:
            node = pending.pop()
            if type(node) in _DEFINITIONS:
                continue
            yield node
            pending.extend(reversed(list(s.children(node))))

    def _access(self, node: s.Attribute) -> Access | None:
        if isinstance(node.value, s.Attribute) and node.value.attr == "awaitable_attrs":
            return None  # awaited already
        if _is_refreshed(self._project.parent(node), node):
            return None
        scope = self._project.scope_of(node)
        step = self._step(node.value, node.attr, scope)
        if step is None:
            return None
        is_set = is_target(node, self._project.parent)
        relationship, seen_as = step.relationship, step.seen_as
        return Access(node, scope, step.model, step.name, relationship, is_set, seen_as)

    def _step(self, owner: s.Expr, name: str, scope: Scope) -> Step | None:
        """What reading `name` of the objects that `owner` is loads."""
        for found in self._project.infer(owner, scope):
            if not isinstance(found, Instance):
                continue
            step = self._loaded(found.cls, name)
            if step is not None:
                return step
            if name in self.partial.of(scope.function).get(found.cls, ()):
                return Step(found.cls, name, left_out=True)
            if steps := self.of_subclasses(found.cls, name):
                return steps[0]
        return None

    def _loaded(self, cls: Class, name: str) -> Step | None:
        model = self._models.get(cls)
        if model is None:
            return None
        relationship = model.relationships.get(name)
        if relationship is not None and (relationship.lazy or "") in _AWAITED:
            return Step(cls, name, relationship)
        return Step(cls, name) if name in model.deferred else None

    def of_subclasses(self, cls: Class, name: str) -> tuple[Step, ...]:
        """What is read of an object seen as a `cls`, of which only subclasses have the attribute.

        Such as below an `isinstance()`, or in the method of a mixin.
        """
        model = self._models.get(cls)
        if name not in self._names or (model and name in self._project.attributes_of(model)):
            return ()
        found = (self._loaded(sub, name) for sub in self._project.subclasses(cls))
        return tuple(msgspec.structs.replace(step, seen_as=cls) for step in found if step)

    def narrowed(self, path: Path, classes: Sequence[Class]) -> Path | None:
        """`path` for objects of `classes`; None if they have nothing of it, or nobody knows."""
        step, *rest = path
        if step.seen_as is None or not classes:
            return path
        own = [found for cls in classes if (found := self._loaded(cls, step.name)) is not None]
        if len(own) == len(classes):
            return (own[0], *rest)
        below = (sub for cls in classes for sub in (cls, *self._project.subclasses(cls)))
        return path if any(self._loaded(sub, step.name) for sub in below) else None

    def everywhere(self, step: Step) -> tuple[Step, ...]:
        """`step`, and what it is in the other classes that the object may be of."""
        if step.seen_as is None:
            return (step,)
        return self.of_subclasses(step.seen_as, step.name) or (step,)

    def _loads_when_set(self, access: Access) -> bool:
        """Whether setting it loads what it was: not a column, a many-to-one, or of a new object."""
        if isinstance(self._project.parent(access.node), s.AugmentedAssign | s.Delete):
            return True
        if access.relationship is None or is_new(self._project, access.node.value, access.scope):
            return False
        return self._is_loaded_first(access.model, access.relationship)

    def set_by_name(self, model: Class, name: str) -> Step | None:
        """The relationship `name` of `model`, if setting it loads what it was."""
        step = self._loaded(model, name)
        if step is None or step.relationship is None:
            return None
        return step if self._is_loaded_first(model, step.relationship) else None

    def _is_loaded_first(self, model: Class, relationship: Relationship) -> bool:
        return relationship.uselist is not False or not self._has_key(model, relationship)

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
    return "awaitable_attrs" in function.module.attributes and any(
        node.attr == "awaitable_attrs" for node in function.nodes(s.Attribute)
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
        isinstance(item, Instance) and not _is_of_models(project, item.cls) for item in found
    )


def _is_of_models(project: Project, cls: Class) -> bool:
    """Whether `cls` is a model, or a mixin of nothing but models."""
    if cls.qualname in project.models:
        return True
    below = project.subclasses(cls)
    return bool(below) and all(_is_of_models(project, other) for other in below)


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


def _is_refreshed(loop: s.AnyNode | s.ModuleSyntax, node: s.Attribute) -> bool:
    """Whether `loop` is `for item in order.items: await db.refresh(item)`, of what is loaded."""
    if not isinstance(loop, s.For) or loop.iter is not node or not isinstance(loop.target, s.Name):
        return False
    awaited = (called(part, awaited=True) for part in statements(loop.body))
    return any(
        call is not None
        and method_name(call) == "refresh"
        and [s.dotted_name(value) for value in call.args[:1]] == [loop.target.id]
        for call in awaited
    )
