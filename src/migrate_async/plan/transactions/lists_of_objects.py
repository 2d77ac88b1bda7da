"""What the lists and dicts of a function hold: `boxes`, `boxes_by_id`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from migrate_async.index.project import Project
from migrate_async.index.scopes import Class, Function
from migrate_async.index.types import DictOf, Instance, ListOf, Type, Types, elements
from migrate_async.knowledge.coroutines import COLLECTING
from migrate_async.model import syntax as s
from migrate_async.plan.new_objects import makes_object
from migrate_async.plan.transactions.values import Values


class ListOfObjects(NamedTuple):
    """`code` goes over its objects, which are of `classes`."""

    code: str
    classes: frozenset[Class]


class ListsOfObjects:
    """Answers for one project."""

    def __init__(self, project: Project, values: Values) -> None:
        self._project = project
        self._values = values
        self._models = frozenset(model.cls for model in project.models.values())

    def of(self, function: Function, name: str) -> ListOfObjects | None:
        """What `name` surely holds; None: it may be something else than a list of objects."""
        assert function.node is not None  # noqa: S101  the caller has looked
        node = s.Name(*function.node.span, name)
        types = self._project.infer(node, function.scope)
        classes = self.classes(types, self._types_put_in(function, name))
        if not classes:
            return None
        if all(isinstance(item, DictOf) for item in types):
            return ListOfObjects(f"{name}.values()", classes)
        return ListOfObjects(name, classes) if self.is_list(function, name) else None

    def is_list(self, function: Function, name: str) -> bool:
        """Whether `name` surely holds something to go over twice."""
        assert function.node is not None  # noqa: S101  the caller has looked
        return self._values.is_list(s.Name(*function.node.span, name), function.scope)

    def classes(self, types: Types, more: Iterable[Type] = ()) -> frozenset[Class]:
        """The models of whose objects `types` are lists or dicts; none if they hold others, too.

        `more`: what is put in besides.
        """
        held = [*more]
        for item in types:
            if not isinstance(item, ListOf | DictOf):
                return frozenset()
            held += item.values if isinstance(item, DictOf) else item.items
        if not all(map(self.is_object, held)):
            return frozenset()
        return frozenset(kind.cls for kind in held if isinstance(kind, Instance))

    def is_object(self, kind: Type) -> bool:
        """Whether `kind` is an object of a model."""
        return isinstance(kind, Instance) and kind.cls in self._models

    def may_hold_none(self, function: Function, name: str) -> bool:
        """Whether None may be among what the function itself puts into `name`."""
        bound = (getattr(binding, "value", None) for binding in function.scope.names[name])
        inside = (part for value in bound for part in _inside(value))
        return any(map(self._may_be_none, (*inside, *put_in(function, name))))

    def _may_be_none(self, value: s.Expr) -> bool:
        if isinstance(value, s.Name):
            statement = self._project.statement_of(value)
            return self._values.may_be_none(value, self._project.scope_of(value), statement)
        return not makes_object(self._project, value)

    def _types_put_in(self, function: Function, name: str) -> Iterator[Type]:
        for value in put_in(function, name):
            found = self._project.infer(value, self._project.scope_of(value))
            yield from elements(found)


def put_in(function: Function, name: str) -> Iterator[s.Expr]:
    """What is put into the list or dict `name`: `boxes.append(box)`, `boxes[key] = box`."""
    for call in function.nodes(s.Call):
        func = call.func
        if not isinstance(func, s.Attribute) or func.attr not in COLLECTING or not call.args:
            continue
        if s.dotted_name(func.value) == name:
            yield call.args[-1]
    for statement in function.nodes(s.Assign):
        for target in statement.targets:
            if isinstance(target, s.Subscript) and s.dotted_name(target.value) == name:
                yield statement.value


def names_put_in(function: Function, name: str) -> frozenset[str]:
    """The variables among that."""
    return frozenset(value.id for value in put_in(function, name) if isinstance(value, s.Name))


def _inside(value: s.Expr | None) -> Iterator[s.Expr]:
    """The elements that a display or comprehension says."""
    if isinstance(value, s.Comprehension):
        yield value.elements[-1]
    elif isinstance(value, s.Sequence):
        yield from value.items
    elif isinstance(value, s.Mapping):
        yield from value.values
