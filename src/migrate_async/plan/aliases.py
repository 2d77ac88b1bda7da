"""Names for what gives a route its session, in an annotation or as a function.

DbDep = Annotated[Session, Depends(get_db)]
get_db_session = get_db
DB = Depends(get_db)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from migrate_async.index.parameters import is_depends
from migrate_async.index.project import Project
from migrate_async.index.scopes import Module
from migrate_async.index.types import External, FunctionObject
from migrate_async.knowledge.async_api import TYPE_COUNTERPARTS
from migrate_async.knowledge.shim import sync_class_name_of
from migrate_async.model import syntax as s
from migrate_async.plan.names import local_name
from migrate_async.plan.text import source


@dataclass(frozen=True)
class Alias:
    """A name at the top of a module, for an annotation that says a sync session, a dependency of
    sessions, or `Depends(...)` of one.
    """

    module: Module
    name: str
    statement: s.Stmt
    value: s.Expr

    @property
    def sync_name(self) -> str:
        """The alias that code which stays sync uses."""
        return sync_class_name_of(self.name)

    @property
    def source(self) -> str:
        """The annotation, or the dependency, as written."""
        return source(self.value)

    def local_name(self, module: Module) -> str | None:
        """What `module` calls the alias, if it has it."""
        return (
            self.name if module is self.module else local_name(module, self.module.name, self.name)
        )


def find_aliases(project: Project) -> tuple[Alias, ...]:
    """All aliases, in order of module and line."""
    modules = sorted(project.modules.values(), key=lambda module: module.name)
    return tuple(alias for module in modules for alias in _in_module(project, module))


def _in_module(project: Project, module: Module) -> Iterator[Alias]:
    for statement in module.syntax.body:
        found = _alias(module, statement)
        if found is None:
            continue
        if _is_annotated(found.value):
            is_one = _names_session(project, module, found.value)
        else:
            is_one = _names_dependency(project, found)
        if is_one:
            yield found


def annotation_aliases(module: Module) -> Iterator[Alias]:
    """All `Name = Annotated[...]` of `module`, of a sync session, an async one or anything else."""
    for statement in module.syntax.body:
        found = _alias(module, statement)
        if found is not None and _is_annotated(found.value):
            yield found


def _alias(module: Module, statement: s.Stmt) -> Alias | None:
    """The name that `statement` gives something, of whatever kind."""
    if isinstance(statement, s.Assign) and len(statement.targets) == 1:
        target, value = statement.targets[0], statement.value
    elif isinstance(statement, s.AnnotatedAssign) and statement.value is not None:
        target, value = statement.target, statement.value
    else:
        return None
    return Alias(module, target.id, statement, value) if isinstance(target, s.Name) else None


def _names_dependency(project: Project, alias: Alias) -> bool:
    """Whether it is one name of a function that gives routes their sessions, or asks for it."""
    named = alias.value
    if is_depends(named) and named.args:
        named = named.args[0]
    is_named_once = len(alias.module.scope.names.get(alias.name, ())) == 1
    if not is_named_once or not isinstance(named, s.Name | s.Attribute):
        return False
    found = project.infer(named, alias.module.scope)
    return bool(found) and all(
        isinstance(item, FunctionObject) and item.fn in project.session_dependencies
        for item in found
    )


def _is_annotated(value: s.Expr) -> bool:
    return (
        isinstance(value, s.Subscript)
        and s.dotted_name(value.value).rpartition(".")[2] == "Annotated"
    )


def _names_session(project: Project, module: Module, value: s.Expr) -> bool:
    if not isinstance(value, s.Subscript):
        return False
    first = value.index.items[0] if isinstance(value.index, s.Sequence) else value.index
    return any(
        isinstance(found, External) and found.dotted in TYPE_COUNTERPARTS
        for found in project.infer(first, module.scope)
    )
