"""Where the project's sessions come from: its factory and its FastAPI dependency."""

from __future__ import annotations

from dataclasses import dataclass

from migrate_async.config import Settings
from migrate_async.index.project import Project
from migrate_async.index.scopes import Function
from migrate_async.plan.paths import is_test_path


@dataclass(frozen=True)
class Provider:
    """The names to import; empty when nothing is known.

    With `creates`, the project has no such dependency yet: it is written beside the factory.
    """

    module: str = ""
    factory: str = ""
    get_db_module: str = ""
    get_db: str = ""
    creates: bool = False


def find_provider(project: Project, settings: Settings) -> Provider:
    """The provider of the application (not of its tests)."""
    factory = next(
        (
            found
            for found in project.session_factories
            if found.kind == "sessionmaker"
            and found.scope.kind == "module"
            and not is_test_path(found.module.path)
        ),
        None,
    )
    owner = factory.module.name if factory else ""
    name = factory.name if factory else ""
    if settings.get_db:
        # It may be outside of what is indexed: a library's, or another file's.
        module, _, function = settings.get_db.rpartition(".")
        return Provider(owner, name, module, function)
    dependency = _dependency(project)
    if dependency is not None:
        return Provider(owner, name, dependency.module.name, dependency.name)
    return Provider(owner, name, owner, "get_db" if factory else "", creates=factory is not None)


def _dependency(project: Project) -> Function | None:
    candidates = [
        function
        for function in project.session_dependencies
        if not is_test_path(function.module.path) and function.parent and function.parent.is_module
    ]
    return max(candidates, key=lambda function: _uses(project, function), default=None)


def _uses(project: Project, function: Function) -> tuple[int, str]:
    uses = [use for use in project.value_uses(function) if use.kind.startswith("arg:Depends")]
    return (len(uses), function.qualname)
