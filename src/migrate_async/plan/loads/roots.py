"""What an expression hangs on, inside one function: a name or a call, and the path from there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from migrate_async.index.fillings import is_made_empty
from migrate_async.index.members import is_property
from migrate_async.index.project import Project
from migrate_async.index.scopes import (
    AnnotatedBinding,
    Binding,
    Class,
    ElementBinding,
    IterationBinding,
    ParameterBinding,
    Scope,
    ValueBinding,
    bindings_of,
)
from migrate_async.index.types import Instance, ListOf, PageOf, RowOf, elements, held
from migrate_async.model import syntax as s
from migrate_async.plan.loads.accesses import Accesses
from migrate_async.plan.loads.paths import Path, Step

_COPIES = frozenset({"list", "tuple", "sorted", "set", "frozenset", "reversed", "next", "iter"})
_PICKS = frozenset({"max", "min"})


@dataclass(frozen=True)
class Root:
    """`node`, read in `scope`: the objects in question are `path` away from it.

    `is_many` says that `node` holds several objects, of which each is meant; None: not known.
    """

    node: s.Expr
    scope: Scope
    path: Path = ()
    is_many: bool | None = False


class Roots:
    """Follows expressions down through attributes, loops, comprehensions and copies."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._models = {model.cls: model for model in project.models.values()}
        self._accesses = project.shared(Accesses)
        self._found: dict[tuple[s.Expr, Scope, bool], list[Root] | None] = {}

    def of(self, expr: s.Expr, scope: Scope, *, far: bool = False) -> list[Root] | None:
        """The roots of `expr`; None: something is not known.

        A local name of the function is a root. With `far`, names are followed on to parameters and
        calls.
        """
        key = expr, scope, far
        if key not in self._found:
            found = list(self._of(expr, scope, far, frozenset()))
            known = [root for root in found if root is not None]
            is_known = known and len(known) == len(found)
            self._found[key] = list(dict.fromkeys(known)) if is_known else None
        return self._found[key]

    def step(self, owner: s.Expr, name: str, scope: Scope) -> Step | None:
        """The relationship or deferred column `name` of the objects that `owner` holds."""
        for item in self._project.infer(owner, scope):
            if not isinstance(item, Instance):
                continue
            model = self._models.get(item.cls)
            if model is not None and name in model.relationships:
                return Step(model.cls, name, model.relationships[name])
            if model is not None and name in model.deferred:
                return Step(model.cls, name)
            if steps := self._accesses.of_subclasses(item.cls, name):
                return steps[0]
        return None

    def _of(
        self, expr: s.Expr, scope: Scope, far: bool, seen: frozenset[Binding]
    ) -> Iterator[Root | None]:
        if isinstance(expr, s.Await | s.Starred | s.NamedExpression | s.Subscript):
            yield from self._of(expr.value, scope, far, seen)
        elif isinstance(expr, s.Conditional):
            yield from self._of(expr.body, scope, far, seen)
            yield from self._unless_none(expr.orelse, scope, far, seen)
        elif isinstance(expr, s.Operation):
            yield from self._of_operation(expr, scope, far, seen)
        elif isinstance(expr, s.Attribute):
            yield from self._of_attribute(expr, scope, far, seen)
        elif isinstance(expr, s.Name):
            yield from self._of_name(expr, scope, far, seen)
        elif isinstance(expr, s.Comprehension) and expr.kind != "dict":
            inner = self._project.scope_of(expr.elements[0])
            yield from self._of(expr.elements[0], inner, far, seen)
        elif isinstance(expr, s.Sequence):
            for item in expr.items:
                yield from self._of(item, scope, far, seen)
        elif isinstance(expr, s.Call):
            yield from self._of_call(expr, scope, far, seen)
        else:
            yield None

    def _unless_none(
        self, expr: s.Expr, scope: Scope, far: bool, seen: frozenset[Binding]
    ) -> Iterator[Root | None]:
        if not _is_none(expr):
            yield from self._of(expr, scope, far, seen)

    def _of_operation(
        self, expr: s.Operation, scope: Scope, far: bool, seen: frozenset[Binding]
    ) -> Iterator[Root | None]:
        if expr.operator not in ("or", "and", "+"):
            yield None
            return
        operands = expr.operands[-1:] if expr.operator == "and" else expr.operands
        for operand in operands:
            if not is_made_empty(operand):
                yield from self._unless_none(operand, scope, far, seen)

    def _of_attribute(
        self, expr: s.Attribute, scope: Scope, far: bool, seen: frozenset[Binding]
    ) -> Iterator[Root | None]:
        owner = expr.value
        if isinstance(owner, s.Attribute) and owner.attr == "awaitable_attrs":
            owner = owner.value
        if any(isinstance(item, PageOf) for item in self._project.infer(owner, scope)):
            yield from self._of(owner, scope, far, seen)  # its items
            return
        step = self.step(owner, expr.attr, scope) or self._picked(expr)
        if step is not None:
            for root in self._of(owner, scope, far, seen):
                yield None if root is None else replace(root, path=(*root.path, step))
        elif not far and self._keeps(expr, scope):
            yield Root(expr, scope)
        else:
            yield None

    def _picked(self, expr: s.Attribute) -> Step | None:
        """The relationship some of whose objects `expr` gives, a property that runs no SQL."""
        if expr.attr not in self._properties:
            return None
        sites = self._project.calls(self._project.function_of(expr))
        getters = {fn for site in sites if site.node is expr for fn in site.targets}
        if len(getters) != 1:
            return None
        getter = getters.pop()
        given = held(self._project.infer(expr, self._project.scope_of(expr)), self._models)
        steps = {
            access.step
            for access in self._accesses.of(getter)
            if isinstance(access.node.value, s.Name) and access.node.value.id == getter.self_name
            if access.step.target in given
        }
        return steps.pop() if len(steps) == 1 and len(given) == 1 else None

    @cached_property
    def _properties(self) -> frozenset[str]:
        """The names of those that mapped classes have."""
        return frozenset(fn.name for fn in self._project.functions if is_property(fn))

    def _keeps(self, expr: s.Attribute, scope: Scope) -> bool:
        """Whether `expr` is `self.user`, an object that an object which is not mapped keeps."""
        owners = self._project.infer(expr.value, scope)
        return (
            isinstance(expr.value, s.Name)
            and all(isinstance(item, Instance) and item.cls not in self._models for item in owners)
            and bool(kept_bindings(self._project, expr, scope))
            and self._is_many(expr, scope) is False
            and bool(model_classes(self._project, expr, scope))
        )

    def _of_name(
        self, expr: s.Name, scope: Scope, far: bool, seen: frozenset[Binding]
    ) -> Iterator[Root | None]:
        bindings = bindings_of(expr.id, scope)
        if not bindings:
            yield None
        if bindings and not far and not _is_inner(expr.id, scope):
            yield Root(expr, scope, (), self._is_many(expr, scope))
            return
        for binding in bindings:
            if binding not in seen:
                yield from self._of_binding(binding, expr, far, seen | {binding})

    def _of_binding(
        self, binding: Binding, name: s.Name, far: bool, seen: frozenset[Binding]
    ) -> Iterator[Root | None]:
        if isinstance(binding, ParameterBinding):
            yield Root(name, binding.scope, (), self._is_many(name, binding.scope))
        elif isinstance(binding, AnnotatedBinding) and binding.value is None:
            return
        elif isinstance(binding, IterationBinding):
            yield from self._unless_none(binding.value, binding.scope, far, seen)
        elif isinstance(binding, ValueBinding | AnnotatedBinding) and binding.value is not None:
            if not is_made_empty(binding.value):
                yield from self._unless_none(binding.value, binding.scope, far, seen)
            for filling in self._project.put_into(binding):
                yield from self._of(filling.value, filling.scope, far, seen)
        elif isinstance(binding, ElementBinding) and _is_value(binding.source):
            # One place of each row: the query is the root, whatever else it selects.
            assert isinstance(binding.source, ValueBinding | IterationBinding)  # noqa: S101
            yield from self._of(binding.source.value, binding.source.scope, far, seen)
        else:
            yield None

    def _of_call(
        self, expr: s.Call, scope: Scope, far: bool, seen: frozenset[Binding]
    ) -> Iterator[Root | None]:
        name = expr.func.id if isinstance(expr.func, s.Name) else ""
        if name in _COPIES | _PICKS and expr.args and not bindings_of(name, scope):
            yield from self._of(expr.args[0], scope, far, seen)
            if name == "next" and len(expr.args) > 1:
                yield from self._unless_none(expr.args[1], scope, far, seen)
            return
        yield Root(expr, scope, (), self._is_many(expr, scope))

    def _is_many(self, expr: s.Expr, scope: Scope) -> bool | None:
        types = self._project.infer(expr, scope)
        kinds = {isinstance(item, ListOf) for item in types if isinstance(item, Instance | ListOf)}
        rows = any(isinstance(item, RowOf) for item in elements(types))
        return kinds.pop() if len(kinds) == 1 and not rows else None


def kept_bindings(project: Project, expr: s.Attribute, scope: Scope) -> list[Binding]:
    """What the methods of the object that `expr` is an attribute of assign to it."""
    return [
        binding
        for item in project.infer(expr.value, scope)
        if isinstance(item, Instance)
        for base in project.mro(item.cls)
        for binding in base.instance.get(expr.attr, ())
    ]


def model_classes(project: Project, expr: s.Expr, scope: Scope) -> list[Class]:
    """The mapped classes of the objects that `expr` is, not of those in a container."""
    mapped = {model.cls for model in project.models.values()}
    return [
        item.cls
        for item in project.infer(expr, scope)
        if isinstance(item, Instance) and item.cls in mapped
    ]


def _is_inner(name: str, scope: Scope) -> bool:
    """Whether a comprehension binds the name."""
    current: Scope | None = scope
    while current is not None and name not in current.names:
        current = current.parent
    return current is not None and current.kind == "comprehension"


def _is_value(binding: Binding) -> bool:
    return isinstance(binding, ValueBinding | IterationBinding)


def _is_none(expr: s.Expr) -> bool:
    return isinstance(expr, s.Constant) and expr.kind == "None"
