"""What serialising a response reads from ORM objects.

A response model with `from_attributes` (`orm_mode`) reads attributes of the object that the route
returned, after the route is done: a relationship is loaded then, a property may run SQL then. The
model that a schema is filled from is known by its attributes: it has all of the schema's fields.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from migrate_async.index.project import Project
from migrate_async.index.scopes import AnnotatedBinding, Class, Function
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
from migrate_async.model.plan import Reason
from migrate_async.plan.touches import Touches

VALIDATORS = frozenset({"model_validate", "from_orm", "validate_python", "parse_obj"})
"""Methods that fill a schema from the attributes of an object."""
_PYDANTIC = frozenset({"pydantic.BaseModel", "sqlmodel.SQLModel", "pydantic.main.BaseModel"})


@dataclass(frozen=True)
class Read:
    """Serialising `schema` reads `attribute` of `model` objects."""

    schema: Class
    model: Class
    attribute: str


class Responses:
    """The reads of every route and of every explicit validation."""

    def __init__(self, project: Project, touches: Touches) -> None:
        self._project = project
        self._touches = touches

    def reads(self, function: Function) -> Iterator[Read]:
        """What the responses and validations of `function` read."""
        for schema in self._schemas_of(function):
            yield from self._reads_of_schema(schema)

    def property_read(self, function: Function) -> Reason | None:
        """A property that runs a query, read while the response is serialised."""
        for read in self.reads(function):
            found = self._sql_properties.get((read.model, read.attribute))
            if found is not None:
                text = f"its response reads {read.model.name}.{read.attribute}, which runs a query"
                line = found.node.line if found.node else 0
                return Reason("response-property", text, found.module.path, line, found.qualname)
        return None

    # --- schemas -------------------------------------------------------------------------------

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

    def _schemas_of(self, function: Function) -> dict[Class, None]:
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
            if cls not in found and self.is_schema(cls):
                found[cls] = None
                for annotation in self.fields(cls).values():
                    self._collect(annotation, found)

    def is_schema(self, cls: Class) -> bool:
        """Whether `cls` is a Pydantic model."""
        return not _PYDANTIC.isdisjoint(self._project.bases(cls))

    def fields(self, cls: Class) -> dict[str, Types]:
        """The fields of the schema `cls`, inherited ones included, and what they hold."""
        fields: dict[str, Types] = {}
        for owner in reversed(self._project.mro(cls)):
            for name, bindings in owner.scope.names.items():
                for binding in bindings:
                    if isinstance(binding, AnnotatedBinding) and not name.startswith("_"):
                        types = self._project.annotated(binding.annotation, binding.scope)
                        fields[name] = types
        fields.pop("model_config", None)
        return fields

    # --- models --------------------------------------------------------------------------------

    def _reads_of_schema(self, schema: Class) -> Iterator[Read]:
        fields = self.fields(schema)
        if not fields:
            return
        for model in self._models_for(frozenset(fields)):
            for name in fields:
                yield Read(schema, model, name)

    def _models_for(self, fields: frozenset[str]) -> Iterator[Class]:
        for cls, names in self._attributes.items():
            if fields <= names:
                yield cls

    @cached_property
    def _attributes(self) -> dict[Class, frozenset[str]]:
        """All attribute names of each mapped class."""
        found: dict[Class, frozenset[str]] = {}
        for model in self._project.models.values():
            names = {*model.columns, *model.relationships}
            for owner in self._project.mro(model.cls):
                names.update(owner.scope.names)
            found[model.cls] = frozenset(names)
        return found

    @cached_property
    def _sql_properties(self) -> dict[tuple[Class, str], Function]:
        found: dict[tuple[Class, str], Function] = {}
        for model in self._project.models.values():
            for owner in self._project.mro(model.cls):
                for function in self._members.get(owner, ()):
                    if self._touches.first(function) is not None:
                        found.setdefault((model.cls, function.name), function)
        return found

    @cached_property
    def _members(self) -> dict[Class, list[Function]]:
        found: dict[Class, list[Function]] = {}
        for function in self._project.functions:
            if function.cls is not None:
                found.setdefault(function.cls, []).append(function)
        return found


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
