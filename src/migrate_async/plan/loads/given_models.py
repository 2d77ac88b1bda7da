"""Routes whose response model a caller gives: `response_model=schema`, in a function that has
`schema` as a parameter, and `response_model=self.schema`.

A router that such a function makes serves any model, so that nobody knows what its responses read.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function, ParameterBinding, Scope
from migrate_async.index.types import ClassObject
from migrate_async.model import syntax as s


def answer_with_given_models(project: Project) -> Iterator[Function]:
    """The functions of such routes, of which the project does not tell the model either."""
    for route in project.routes:
        model = route.response_model
        for node in s.walk(model) if model is not None else ():
            if not isinstance(node, s.Name) or not _is_parameter(node.id, route.scope):
                continue
            if not any(isinstance(item, ClassObject) for item in project.infer(node, route.scope)):
                yield route.function


def _is_parameter(name: str, scope: Scope | None) -> bool:
    while scope is not None:
        bindings = scope.names.get(name)
        if bindings:
            return any(isinstance(binding, ParameterBinding) for binding in bindings)
        scope = scope.parent
    return False
