"""Schemas: the Pydantic models that responses and validations fill from attributes."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import cached_property

from migrate_async.index.project import Project
from migrate_async.index.scopes import AnnotatedBinding, Class, Function, last_name
from migrate_async.index.types import (
    ClassObject,
    ContextOf,
    DictOf,
    Instance,
    ListOf,
    TupleOf,
    Types,
)
from migrate_async.model import syntax as s

VALIDATORS = frozenset({"model_validate", "from_orm", "validate_python", "parse_obj"})
"""Methods that fill a schema from the attributes of an object."""
_PYDANTIC = frozenset({"pydantic.BaseModel", "sqlmodel.SQLModel", "pydantic.main.BaseModel"})


class Schemas:
    """The schemas of a project."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._fields: dict[Class, dict[str, Types]] = {}

    def response_types(self, function: Function) -> list[Types]:
        """The response models of the routes that `function` serves."""
        return self._routes.get(function, [])

    @cached_property
    def _routes(self) -> dict[Function, list[Types]]:
        found: dict[Function, list[Types]] = {}
        for route in self._project.routes:
            if route.response_model is not None:
                types = self._project.annotated(route.response_model, route.scope)
                found.setdefault(route.function, []).append(types)
        return found

    @cached_property
    def routes(self) -> frozenset[Function]:
        """The functions that serve routes."""
        return frozenset(route.function for route in self._project.routes)

    def of(self, function: Function) -> dict[Class, None]:
        """The schemas that the responses and validations of `function` fill, nested ones too."""
        found: dict[Class, None] = {}
        for types in self.response_types(function):
            self._collect(types, found)
        for site in self._project.calls(function):
            func = site.node.func if isinstance(site.node, s.Call) else None
            if isinstance(func, s.Attribute) and func.attr in VALIDATORS:
                self._collect(self._project.infer(func.value, site.scope), found)
        return found

    def _collect(self, types: Types, found: dict[Class, None]) -> None:
        """The schema classes in `types`, and those that their fields hold."""
        for cls in classes_in(types):
            self.collect(cls, found)

    def collect(self, cls: Class, found: dict[Class, None]) -> None:
        """Add `cls`, if it is a schema, and the schemas in its fields to `found`."""
        if cls not in found and self.is_schema(cls):
            found[cls] = None
            for annotation in self.fields(cls).values():
                self._collect(annotation, found)

    def is_schema(self, cls: Class) -> bool:
        """Whether `cls` is a Pydantic model."""
        return not _PYDANTIC.isdisjoint(self._project.bases(cls))

    def fields(self, cls: Class) -> dict[str, Types]:
        """The fields of the schema `cls`, inherited ones included, and what they hold."""
        if cls not in self._fields:
            self._fields[cls] = self._find_fields(cls)
        return self._fields[cls]

    def _find_fields(self, cls: Class) -> dict[str, Types]:
        fields: dict[str, Types] = {}
        for owner in reversed(self._project.mro(cls)):
            for name, bindings in owner.scope.names.items():
                for binding in bindings:
                    if isinstance(binding, AnnotatedBinding) and not name.startswith("_"):
                        types = self._project.annotated(binding.annotation, binding.scope)
                        fields[name] = types
        for name in ("model_config", *self._relationships.get(cls, ())):
            fields.pop(name, None)
        return fields

    def suits(self, cls: Class, attributes: Collection[str]) -> bool:
        """Whether an object with `attributes` can fill the schema `cls`, and is likely to.

        It has each field that needs a value, and half of all fields or more.
        """
        fields = self.fields(cls)
        found = [name for name in fields if name in attributes]
        missing = [name for name in fields if name not in attributes]
        return 2 * len(found) >= max(len(fields), 1) and all(
            self._has_default(cls, m) for m in missing
        )

    def _has_default(self, cls: Class, name: str) -> bool:
        for owner in self._project.mro(cls):
            for binding in reversed(owner.scope.names.get(name, [])):
                if isinstance(binding, AnnotatedBinding):
                    return _is_default(binding.value)
        return False

    @cached_property
    def _relationships(self) -> dict[Class, tuple[str, ...]]:
        """Of tables of SQLModel: they are no fields, Pydantic does not serialise them."""
        return {
            model.cls: tuple(model.relationships)
            for model in self._project.models.values()
            if model.is_sqlmodel
        }


def _is_default(value: s.Expr | None) -> bool:
    """Whether `value`, after the annotation of a field, gives it one where there is none."""
    if not isinstance(value, s.Call) or last_name(value.func) != "Field":
        return value is not None and not _is_ellipsis(value)
    if any(keyword.arg in ("default", "default_factory") for keyword in value.keywords):
        return True
    return bool(value.args) and not _is_ellipsis(value.args[0])


def _is_ellipsis(value: s.Expr) -> bool:
    return isinstance(value, s.Constant) and value.kind == "ellipsis"


def classes_in(types: Types) -> Iterator[Class]:
    """The project classes that `types` are made of."""
    for found in types:
        if isinstance(found, (Instance, ClassObject)):
            yield found.cls
            for argument in found.args:
                yield from classes_in(argument)
        elif isinstance(found, ListOf):
            yield from classes_in(found.items)
        elif isinstance(found, DictOf):
            yield from classes_in(found.values)
        elif isinstance(found, TupleOf):
            for item in found.items:
                yield from classes_in(item)
        elif isinstance(found, ContextOf):
            yield from classes_in(found.value)
