"""`session_scope = contextmanager(get_db)`: a name by which code enters a session dependency.

Where that only opens a session of a factory and closes it, whoever enters it gets a session of the
factory, and the name goes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function, Module
from migrate_async.index.types import ContextFunction
from migrate_async.model import plan as p
from migrate_async.model import syntax as s
from migrate_async.plan.module_edits import ModuleEdits
from migrate_async.plan.names import local_name

NAME = "async-colour"


def names_gone(
    project: Project, converts: Callable[[Function], bool]
) -> Iterator[tuple[Module, ModuleEdits]]:
    """The edits that remove such names of dependencies that convert."""
    for module, statement, name in _named(project, converts):
        used = [part.id for part in s.walk(statement.value) if isinstance(part, s.Name)]
        yield (
            module,
            ModuleEdits([p.ReplaceStatement(span=statement.span, codemod=NAME)], unneeded=used),
        )
        for other in project.modules.values():
            local = None if other is module else local_name(other, module.name, name)
            if local is not None:
                yield other, ModuleEdits(gone=[local])


def _named(
    project: Project, converts: Callable[[Function], bool]
) -> Iterator[tuple[Module, s.Assign, str]]:
    for module in project.modules.values():
        for statement in module.syntax.body:
            if not isinstance(statement, s.Assign) or len(statement.targets) != 1:
                continue
            target = statement.targets[0]
            types = project.infer(target, module.scope) if isinstance(target, s.Name) else ()
            for item in types:
                if isinstance(item, ContextFunction) and _is_plain(project, item.fn, converts):
                    assert isinstance(target, s.Name)  # noqa: S101  it has types
                    yield module, statement, target.id


def _is_plain(project: Project, dependency: Function, converts: Callable[[Function], bool]) -> bool:
    return project.opening_of(dependency) is not None and converts(dependency)
