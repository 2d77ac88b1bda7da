"""Where the project's sessions come from: its factory and its FastAPI dependency."""

from __future__ import annotations

from dataclasses import dataclass, replace

from migrate_async.config import Settings
from migrate_async.index.parameters import is_depends
from migrate_async.index.project import Project
from migrate_async.index.scopes import Function
from migrate_async.index.sessions import Variable
from migrate_async.model import syntax as s
from migrate_async.plan.factory_statements import hop_statement
from migrate_async.plan.leftovers.twins import Twins, sync_factory_name
from migrate_async.plan.names import is_variable


@dataclass(frozen=True)
class Provider:
    """The names to import; empty when nothing is known.

    With `creates`, the project has no such dependency yet: it is written beside the factory.
    `suits_all`: the dependency asks for nothing of the request, so any route can have it. `twins`
    are the names that earlier runs left for code that stayed sync.
    """

    module: str = ""
    factory: str = ""
    get_db_module: str = ""
    get_db: str = ""
    creates: bool = False
    suits_all: bool = True
    twins: Twins | None = None

    @property
    def home(self) -> tuple[str, str]:
        """Module and name of the factory."""
        return self.module, self.factory

    @property
    def dependency(self) -> tuple[str, str]:
        """Module and name of the dependency."""
        return self.get_db_module, self.get_db

    @property
    def sync_factory(self) -> str:
        """The name that an earlier run may have given to the sync side of the factory."""
        return sync_factory_name(self.factory)


def find_provider(project: Project, settings: Settings, twins: Twins) -> Provider:
    """The provider of the application (not of its tests, nor of what stays sync)."""
    return replace(_provider(project, settings, twins), twins=twins)


def _provider(project: Project, settings: Settings, twins: Twins) -> Provider:
    dependency = _dependency(project, twins)
    factory = _factory(project, twins, dependency)
    owner = factory.module.name if factory else ""
    name = factory.name if factory else ""
    if settings.get_db:
        # It may be outside of what is indexed: a library's, or another file's.
        module, _, function = settings.get_db.rpartition(".")
        return Provider(owner, name, module, function)
    if dependency is not None:
        home = dependency.module.name
        return Provider(owner, name, home, dependency.name, suits_all=suits_all(dependency))
    return Provider(owner, name, owner, "get_db" if factory else "", creates=factory is not None)


def _factory(project: Project, twins: Twins, dependency: Function | None) -> Variable | None:
    """That of `dependency`; else the sync factory that is to migrate, or the async one that has.

    An async one that never was sync comes last: a later run means the same factory as the first.
    """
    candidates = [
        found
        for found in project.session_factories
        if found.kind in ("sessionmaker", "async_sessionmaker")
        and found.scope.kind == "module"
        and found not in twins.variables
        and not found.module.is_test
    ]
    own = (found for found in candidates if dependency and _opens(dependency, found))
    sync = (found for found in candidates if found.kind == "sessionmaker")
    migrated = (found for found in candidates if _has_migrated(found, twins))
    return next(iter((*own, *sync, *migrated, *candidates)), None)


def _has_migrated(factory: Variable, twins: Twins) -> bool:
    """Whether an earlier run has made it async, and left something beside it for sync code."""
    place = (factory.module, factory.name)
    has_twin = any((twin.module, twin.name) == place for twin in twins.variables.values())
    return has_twin or hop_statement(factory) is not None


def _opens(dependency: Function, factory: Variable) -> bool:
    """Whether `dependency` opens its sessions with `factory`."""
    return any(
        isinstance(call.node.func, s.Name)
        and is_variable(dependency.module, factory.module, factory.name, call.node.func.id)
        for call in dependency.calls
    )


def _dependency(project: Project, twins: Twins) -> Function | None:
    candidates = [
        function
        for function in project.session_dependencies
        if not function.module.is_test
        and function not in twins.functions
        and function.parent
        and function.parent.is_module
    ]
    return max(candidates, key=lambda function: _uses(project, twins, function), default=None)


def suits_all(dependency: Function) -> bool:
    """Whether it has no parameters that come from the request, or add something to ask for."""
    node = dependency.node
    return node is not None and all(is_depends(param.default) for param in node.params)


def _uses(project: Project, twins: Twins, function: Function) -> tuple[bool, int, str]:
    """How many functions depend on it, on its sync side too: the same before and after a run."""
    sides = [function]
    for sync, twin in twins.functions.items():
        if (twin.module, twin.name) == (function.module, function.name):
            sides.append(sync)
    uses = [use for side in sides for use in project.value_uses(side)]
    count = sum(use.kind.startswith("arg:Depends") for use in uses)
    return (suits_all(function), count, function.qualname)
