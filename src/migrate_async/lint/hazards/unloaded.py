"""Reads of attributes that the query which loaded the object did not load."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from migrate_async.index.scopes import Class, Function, Scope
from migrate_async.index.types import Entity, Instance, SelectOf
from migrate_async.knowledge.sqlalchemy import ON_ACCESS
from migrate_async.lint.hazards.passing import Passed, holds, passed
from migrate_async.lint.view import View
from migrate_async.model import syntax as s
from migrate_async.model.finding import Confidence
from migrate_async.plan.loads.accesses import Accesses
from migrate_async.plan.loads.origins import Origin, Origins

ALL = "*"


@dataclass(frozen=True)
class Unloaded:
    """`node` reads `name` of an object of `model`; `origin` is the query that loaded it."""

    node: s.Attribute
    model: Class
    name: str
    origin: Origin
    confidence: Confidence


@dataclass(frozen=True)
class UnloadedPast(Unloaded):
    """The same in a function that the coroutine passes the object to."""

    passed: Passed


class UnloadedReads:
    """Finds them in coroutines."""

    def __init__(self, view: View) -> None:
        project = view.project
        self._project = project
        self._origins = view.analysis(Origins)
        self._accesses = project.shared(Accesses)

    def of(self, function: Function) -> Iterator[Unloaded]:
        """The reads in `function`, each attribute of each name once."""
        seen: set[tuple[str, str]] = set()
        for node, scope, model, target in self._reads(function):
            key = (s.dotted_name(node.value), node.attr)
            if key in seen or loads_itself(function, node.attr):
                continue
            origin = self._origins.of(node.value, scope)
            if origin is None or not origin.loaded.isdisjoint({node.attr, ALL}):
                continue
            seen.add(key)
            confidence = self.confidence(origin, target, function)
            yield Unloaded(node, model, node.attr, origin, confidence)

    def past(self, function: Function) -> Iterator[UnloadedPast]:
        """The reads in functions that `function` passes objects to, each attribute once a call."""
        for given in passed(self._project, function):
            reads = list(self._of_parameter(given))
            origin = self._origins.of(given.value, given.scope) if reads else None
            if origin is None:
                continue
            known = origin.loaded | {name for _, name, _ in reads if loads_itself(function, name)}
            for node, name, model in reads:
                if known.isdisjoint({name, ALL}):
                    yield UnloadedPast(node, model, name, origin, Confidence.MEDIUM, given)

    def _of_parameter(self, given: Passed) -> Iterator[tuple[s.Attribute, str, Class]]:
        seen: set[str] = set()
        for node, scope, model, _ in self._reads(given.helper):
            if node.attr in seen or not holds(node.value, given.name, scope):
                continue
            if not loads_itself(given.helper, node.attr):
                seen.add(node.attr)
                yield node, node.attr, model

    def confidence(self, origin: Origin, target: Class | None, function: Function) -> Confidence:
        """An object that another query has loaded is found in memory."""
        known = target is not None and self._loads(target, origin, function)
        return Confidence.MEDIUM if origin.calls or known else Confidence.HIGH

    def _reads(
        self, function: Function
    ) -> Iterator[tuple[s.Attribute, Scope, Class, Class | None]]:
        """`(node, scope, model, class of a single related object)`."""
        for access in self._accesses.of(function):
            relationship = access.relationship
            if relationship is None:
                yield access.node, access.scope, access.model, None
            elif relationship.lazy in ON_ACCESS:
                target = None if relationship.uselist else relationship.target
                yield access.node, access.scope, access.model, target

    def _loads(self, target: Class, origin: Origin, function: Function) -> bool:
        """Whether `function` got objects of `target` in another way."""
        for param in function.params:
            name = s.Name(*param.span, param.name)
            if self._holds(target, name, function.scope):
                return True
        for call in function.calls:
            if call.node is origin.call:
                continue
            types = self._project.infer(call.node, call.scope)
            for item in types:
                entities = item.entities if isinstance(item, SelectOf) else ()
                if any(_is_of(entity, target) for entity in entities):
                    return True
        return False

    def _holds(self, target: Class, expr: s.Expr, scope: Scope) -> bool:
        types = self._project.infer(expr, scope)
        return any(isinstance(item, Instance) and item.cls is target for item in types)


def _is_of(entity: Entity, target: Class) -> bool:
    return entity.kind == "class" and entity.model is target


def loads_itself(function: Function, name: str) -> bool:
    """Whether `function` loads or sets the attribute `name` of some object.

    By `obj.awaitable_attrs.name`, `refresh(obj, ["name"])`, `obj.name = ...`,
    `set_committed_value(obj, "name", ...)`, or in a function that it gives to `run_sync`.
    """
    if not isinstance(function.node, s.FunctionDef):
        return False
    return any(_loads_at(node, name) for stmt in function.node.body for node in s.walk(stmt))


def _loads_at(node: s.AnyNode, name: str) -> bool:
    if isinstance(node, s.Attribute):
        is_awaited = isinstance(node.value, s.Attribute) and node.value.attr == "awaitable_attrs"
        return is_awaited and node.attr == name
    if isinstance(node, s.Constant):
        return node.kind == "str" and node.value == name
    if isinstance(node, s.Assign):
        return any(
            isinstance(target, s.Attribute) and target.attr == name for target in node.targets
        )
    if isinstance(node, s.Lambda | s.FunctionDef):
        return any(isinstance(part, s.Attribute) and part.attr == name for part in s.walk(node))
    return False
