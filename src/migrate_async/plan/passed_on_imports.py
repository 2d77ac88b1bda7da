"""Names that modules import from a module which imports them itself.

`from app.api.deps import get_db`, where `deps` has it from `app.db`: it may need it no longer, but
those modules do.
"""

from __future__ import annotations

from typing import TypeAlias

from migrate_async.index.project import Project
from migrate_async.index.scopes import FromBinding, ImportBinding, Module

PassedOn: TypeAlias = dict[tuple[str, str], list[tuple[str, str]]]
"""By the path of the module and the name there: the paths of those, and their name of it."""


def passed_on_imports(project: Project) -> PassedOn:
    """All of them, by what is written at the top level of modules."""
    found: PassedOn = {}
    for module in project.modules.values():
        for (source, name), local in module.imported_as.items():
            holder = project.modules.get(source)
            if holder is not None and holder is not module and _imports(holder, name):
                found.setdefault((holder.path, name), []).append((module.path, local))
    return found


def _imports(module: Module, name: str) -> bool:
    bindings = module.scope.names.get(name, ())
    return any(isinstance(binding, FromBinding | ImportBinding) for binding in bindings)
