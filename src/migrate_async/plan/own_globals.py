"""What a function keeps in `global` variables that nobody else uses: an engine, for its next call.

    _engine = None

    def get_engine():
        global _engine
        if _engine is None:
            _engine = create_engine(URL)
        return _engine

A copy of the function needs variables of its own: in the same ones it would find what the original
made, and the other way round.
"""

from __future__ import annotations

from collections.abc import Mapping

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function, Module
from migrate_async.knowledge.shim import sync_name_of
from migrate_async.model import syntax as s


def own_globals(project: Project, function: Function) -> Mapping[str, s.Stmt] | None:
    """Its variables, each with the assignment that defines it; None if somebody shares one.

    Tests may set one from outside: they mean the original.
    """
    found: dict[str, s.Stmt] = {}
    for name in function.scope.globals:
        definition = _definition(function, name)
        if definition is None or any(
            _names(module, name, function.module) for module in project.modules.values()
        ):
            return None
        found[name] = definition
    return found


def sync_global_name(name: str) -> str:
    """What the sync copy of its function calls it: `_sync_engine`."""
    bare = name.lstrip("_")
    return f"{name.removesuffix(bare)}{sync_name_of(bare)}"


def _definition(function: Function, name: str) -> s.Stmt | None:
    """The one statement of the module, beside `function`, that names it: `_engine = None`."""
    others = [
        statement
        for statement in function.module.syntax.body
        if statement is not function.node and _mentions(statement, name)
    ]
    definition = others[0] if len(others) == 1 else None
    if not isinstance(definition, s.Assign | s.AnnotatedAssign):
        return None
    targets = definition.targets if isinstance(definition, s.Assign) else (definition.target,)
    is_alone = len(targets) == 1 and isinstance(targets[0], s.Name)
    return definition if is_alone and isinstance(definition.value, s.Constant) else None


def _mentions(statement: s.Stmt, name: str) -> bool:
    return any(isinstance(node, s.Name) and node.id == name for node in s.walk(statement))


def _names(module: Module, name: str, home: Module) -> bool:
    """Whether `module`, other than a test, may read the variable of `home` from outside."""
    if module is not home and module.is_test:
        return False
    imported = any(used == name for source, used in module.imported_as if source == home.name)
    return imported or name in module.attributes
