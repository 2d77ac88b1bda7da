"""Reads of what is called like a relationship, of objects that nobody knows the type of.

    for user in page["items"]:
        user.projects

It may load, or be an attribute of something else. A route lets it (`plan.loads.responses`);
elsewhere it is reported: `awaitable_attrs` would be wrong if it is no object of a model.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple

from migrate_async.index.annotations import is_vague
from migrate_async.index.project import Project
from migrate_async.index.scopes import Function, Scope, ValueBinding, bindings_of
from migrate_async.index.types import (
    Entity,
    External,
    ExternalInstance,
    ExternalResult,
    RowOf,
    Types,
    is_open,
)
from migrate_async.knowledge.sqlalchemy import BASES_OF_ALL_MODELS
from migrate_async.model import syntax as s
from migrate_async.model.diagnostic import Diagnostic, at
from migrate_async.plan.blocks import is_target
from migrate_async.plan.loads.paths import Step
from migrate_async.plan.text import text


def _is_made(value: s.Expr, scope: Scope) -> bool:
    """Whether `value` is a variable that gets its value by itself."""
    bindings = bindings_of(value.id, scope) if isinstance(value, s.Name) else ()
    return any(isinstance(binding, ValueBinding) for binding in bindings)


def _takes_attributes(call: s.Call) -> bool:
    """Whether `call` makes an object of a schema from the attributes of another."""
    if len(call.args) != 1 or not isinstance(call.func, s.Attribute):
        return False
    said = {keyword.arg for keyword in call.keywords}
    is_told = call.func.attr == "model_validate" and "from_attributes" in said
    return call.func.attr == "from_orm" or is_told


def _says_nothing(types: Types) -> bool:
    """Whether any model or schema may be meant: `type[SQLModel]`, `Any`."""
    return is_open(types) or any(
        is_vague(item) or (isinstance(item, External) and item.dotted in BASES_OF_ALL_MODELS)
        for item in types
    )


def _is_of_row(types: Types, name: str) -> bool:
    """Whether it is a column of a row, be it by its label: `func.count(Order.id).label("orders")`.

    So is all of a row that holds nothing else.
    """
    return bool(types) and all(
        isinstance(item, RowOf)
        and (
            any(entity.name == name and _is_column(entity) for entity in item.entities)
            or all(map(_is_column, item.entities))
        )
        for item in types
    )


def _is_column(entity: Entity) -> bool:
    """Whether a row has no object for `entity`; what a call gives may be a class, too."""
    if entity.kind != "expression":
        return entity.kind in ("column", "table")
    external = ExternalInstance | ExternalResult
    is_sql = (isinstance(item, external) and _is_of_sql(item.dotted) for item in entity.value)
    return bool(entity.name) or any(is_sql)


def _is_of_sql(dotted: str) -> bool:
    return dotted.startswith("sqlalchemy.")


class UnknownRead(NamedTuple):
    """`node`, read in `scope`, may be what each of `steps` reads."""

    node: s.Attribute
    scope: Scope
    steps: tuple[Step, ...]


class UnknownReads:
    """Answers for one project."""

    def __init__(self, project: Project) -> None:
        self._project = project

    def of(self, function: Function) -> Iterator[UnknownRead]:
        """Those in the function's own code."""
        if self._steps.keys().isdisjoint(function.module.attributes):
            return
        for node in function.own_attributes:
            if node.attr not in self._steps or self._is_no_read(node):
                continue
            scope = self._project.scope_of(node)
            types = self._project.infer(node.value, scope)
            if is_open(types) and not _is_of_row(types, node.attr):
                yield UnknownRead(node, scope, self._steps[node.attr])

    def _is_no_read(self, node: s.Attribute) -> bool:
        """Whether `node` is called, set, or awaited already."""
        around = self._project.parent(node)
        is_called = isinstance(around, s.Call) and around.func is node
        is_awaited = isinstance(node.value, s.Attribute) and node.value.attr == "awaitable_attrs"
        return is_called or is_awaited or is_target(node, self._project.parent)

    def told(self, function: Function) -> Iterator[Diagnostic]:
        """What there is to say about those of a function that becomes a coroutine."""
        for read in self.of(function):
            steps = dict.fromkeys(f"{step.model.name}.{step.name}" for step in read.steps)
            yield at(
                function.module.path,
                read.node.span,
                "MA513",
                f"nobody knows what `{text(read.node.value)}` is: if `{text(read.node)}` reads "
                f"{' or '.join(steps)}, it loads, and has to be awaited",
                "annotate what it is, and run the migration again",
            )
        yield from self.of_no_class(function)

    def of_no_class(self, function: Function) -> Iterator[Diagnostic]:
        """The same of what it reads, or sets, by names that do not stand there."""
        yield from self._set_by_name(function)
        yield from self._validated(function)

    def _set_by_name(self, function: Function) -> Iterator[Diagnostic]:
        """`setattr(found, name, value)`, where code has made the value: perhaps an object.

        What comes out of a dict together with the name is of columns, as a rule.
        """
        for call in function.calls if self._steps else ():
            node = call.node
            if call.name != "setattr" or len(node.args) != 3:
                continue
            owner, name, value = node.args
            is_known = isinstance(name, s.Constant) or not _is_made(value, call.scope)
            if is_known or not is_open(self._project.infer(owner, call.scope)):
                continue
            yield at(
                function.module.path,
                node.span,
                "MA513",
                f"nobody knows what `{text(owner)}` is: if `{text(node)}` sets a relationship, it "
                "loads what that was, and has to be awaited",
                "annotate what it is, and run the migration again",
            )

    def _validated(self, function: Function) -> Iterator[Diagnostic]:
        """`self.schema.from_orm(found)`, of a class that is made somewhere, too."""
        for call in function.calls if self._steps else ():
            node = call.node
            if not isinstance(node.func, s.Attribute) or not _takes_attributes(node):
                continue
            parts = (node.args[0], node.func.value)
            if all(_says_nothing(self._project.infer(part, call.scope)) for part in parts):
                yield at(
                    function.module.path,
                    node.span,
                    "MA513",
                    f"nobody knows what `{text(parts[1])}` reads of `{text(parts[0])}`: if that is "
                    "a relationship, it loads, and has to be awaited",
                    "load what it reads with the query, or annotate both and run the migration "
                    "again",
                )

    @cached_property
    def _steps(self) -> dict[str, tuple[Step, ...]]:
        """The relationships that are loaded when they are read, by name."""
        found: dict[str, list[Step]] = {}
        for model in self._project.models.values():
            for name, relationship in model.relationships.items():
                step = Step(model.cls, name, relationship)
                if step.is_lazy:
                    found.setdefault(name, []).append(step)
        return {name: tuple(steps) for name, steps in found.items()}
