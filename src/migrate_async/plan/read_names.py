"""Which attributes of models anything may read, by their names."""

from __future__ import annotations

from migrate_async.index.project import Project


def read_names(project: Project) -> frozenset[str]:
    """The names of all attributes that code names, and of the fields of other classes: schemas."""
    models = {model.cls for model in project.models.values()}
    attributes = (module.attributes for module in project.modules.values())
    fields = (cls.scope.names for cls in project.classes if cls not in models)
    return frozenset().union(*attributes, *fields)
