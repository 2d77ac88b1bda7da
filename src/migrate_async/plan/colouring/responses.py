"""What serialising a response reads from ORM objects.

A response model with `from_attributes` (`orm_mode`) reads attributes of the object that the route
returned, after the route is done: a relationship is loaded then, a property may run SQL then. The
model that a schema is filled from is known by its attributes: it has all of the schema's fields.
"""

from __future__ import annotations

from functools import cached_property

from migrate_async.index.project import Project
from migrate_async.index.scopes import Class, Function
from migrate_async.model.plan import Reason
from migrate_async.plan.colouring.reasons import at_definition
from migrate_async.plan.colouring.schemas import Schemas
from migrate_async.plan.colouring.touches import Touches


class Responses:
    """What every response and every explicit validation reads."""

    def __init__(self, project: Project, touches: Touches) -> None:
        self._project = project
        self._touches = touches
        self._schemas = Schemas(project)
        self._properties: dict[Class, Reason | None] = {}

    def property_read(self, function: Function) -> Reason | None:
        """A property that runs a query, read while the response is serialised."""
        for schema in self._schemas.of(function):
            if schema not in self._properties:
                self._properties[schema] = self._property_of(schema)
            reason = self._properties[schema]
            if reason is not None:
                return reason
        return None

    def _property_of(self, schema: Class) -> Reason | None:
        """The first one that filling `schema` reads."""
        for model, attributes in self._attributes.items():
            is_filled = self._schemas.suits(schema, attributes)
            for name in self._schemas.fields(schema) if is_filled else ():
                found = self._sql_properties.get((model, name))
                if found is not None:
                    text = f"its response reads {model.name}.{name}, which runs a query"
                    return at_definition(found, "response-property", text, found)
        return None

    @cached_property
    def _attributes(self) -> dict[Class, frozenset[str]]:
        """All attribute names of each mapped class."""
        models = self._project.models.values()
        return {model.cls: self._project.attributes_of(model) for model in models}

    @cached_property
    def _sql_properties(self) -> dict[tuple[Class, str], Function]:
        found: dict[tuple[Class, str], Function] = {}
        for model in self._project.models.values():
            for owner in self._project.mro(model.cls):
                named = [(function.name, function) for function in self._members.get(owner, ())]
                for name, function in (*named, *self._project.descriptors(owner)):
                    if self._touches.first(function) or self._touches.left(function):
                        found.setdefault((model.cls, name), function)
        return found

    @cached_property
    def _members(self) -> dict[Class, list[Function]]:
        found: dict[Class, list[Function]] = {}
        for function in self._project.functions:
            if function.cls is not None:
                found.setdefault(function.cls, []).append(function)
        return found
