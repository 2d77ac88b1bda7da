"""Names that a function uses, what they say, and how a module can be named in others' imports."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from migrate_async.index.project import Project
from migrate_async.index.scopes import FromBinding, Function, Module, Scope, last_name
from migrate_async.index.types import ModuleObject
from migrate_async.knowledge.shim import SYNC_SIDE
from migrate_async.knowledge.sqlalchemy import SYNC_SESSION
from migrate_async.model import syntax as s


def names_in(function: Function) -> frozenset[str]:
    """Every name that the function's own text mentions, nested functions included."""
    defined = (*function.nodes(s.FunctionDef, s.ClassDef), *function.nodes(s.Parameter))
    return frozenset([node.name for node in defined]).union(
        [node.id for node in function.nodes(s.Name)]
    )


def free_name(function: Function, wanted: str) -> str:
    """`wanted`, or `wanted_2`, `wanted_3`, ... if the function already uses it."""
    taken = names_in(function)
    candidate, number = wanted, 1
    while candidate in taken:
        number += 1
        candidate = f"{wanted}_{number}"
    return candidate


def type_checking_blocks(body: Iterable[s.Stmt]) -> Iterator[s.If]:
    """The `if TYPE_CHECKING:` statements in `body`."""
    for statement in body:
        if isinstance(statement, s.If) and last_name(statement.test) == "TYPE_CHECKING":
            yield statement


def import_path(importer: Module, target: str) -> str:
    """How `importer` writes the module `target`: relative if it uses relative imports there."""
    for node in importer.syntax.body:
        if isinstance(node, s.ImportFrom) and node.level and absolute(importer, node) == target:
            return "." * node.level + node.module
    return target if not _is_relative(importer) else _relative(importer, target)


def local_name(importer: Module, target: str, name: str) -> str | None:
    """The name under which `importer` has imported `name` from the module `target`, if any."""
    return importer.imported_as.get((target, name))


def is_bound_inside(name: str, scope: Scope) -> bool:
    """Whether a function around `scope`, or the class there, binds `name`: no module's is meant."""
    current: Scope | None = scope
    while current is not None and current.kind != "module":
        if name in current.names and (current.kind != "class" or current is scope):
            return True
        current = current.parent
    return False


def root_name(node: s.Expr) -> s.Name | None:
    """The name that a chain of calls and attributes begins with: `db` of `db.query(User)[0]`."""
    while isinstance(node, s.Call | s.Attribute | s.Subscript):
        node = node.func if isinstance(node, s.Call) else node.value
    return node if isinstance(node, s.Name) else None


def is_local(name: str, scope: Scope) -> bool:
    """Whether the function of `scope` binds `name` itself, and not to what it imports."""
    current: Scope | None = scope
    while current is not None and current.function is scope.function:
        bindings = current.names.get(name, ()) if current.kind != "module" else ()
        if bindings and not all(isinstance(binding, FromBinding) for binding in bindings):
            return True
        current = current.parent
    return False


def is_variable(module: Module, owner: Module, name: str, used: str) -> bool:
    """Whether `used` in `module` is the variable `name` of `owner`."""
    if module is owner:
        return used == name
    if local_name(module, owner.name, name) == used:
        return True
    return (owner.name, name) in module.origins(used)


def read_from(project: Project, node: s.Name | s.Attribute) -> tuple[Module, str] | None:
    """The module that the variable `node` is read from, and what it is called there."""
    scope = project.scope_of(node)
    if isinstance(node, s.Name):
        return scope.module, node.id
    for item in project.infer(node.value, scope):
        home = project.modules.get(item.name) if isinstance(item, ModuleObject) else None
        if home is not None:
            return home, node.attr
    return None


def of_sync_side(node: s.Expr, project: Project) -> s.Expr | None:
    """The async session of `db.sync_session` and `sync_side(db)`; None for another expression."""
    session: s.Expr | None = None
    if isinstance(node, s.Attribute) and node.attr == SYNC_SESSION:
        session = node.value
    elif isinstance(node, s.Call) and last_name(node.func) == SYNC_SIDE and len(node.args) == 1:
        session = node.args[0]
    if session is None or project.session_kind(session, project.scope_of(node)) != "async":
        return None
    return session


def is_sync_side(node: s.Expr, project: Project) -> bool:
    """Whether `node` is the sync side of an async session."""
    return of_sync_side(node, project) is not None


def _is_relative(importer: Module) -> bool:
    froms = [node for node in importer.syntax.body if isinstance(node, s.ImportFrom)]
    package = importer.name.partition(".")[0]
    return any(node.level for node in froms) and not any(
        not node.level and node.module.partition(".")[0] == package for node in froms
    )


def _relative(importer: Module, target: str) -> str:
    here = importer.name.split(".")
    if not importer.is_package:
        here = here[:-1]
    there = target.split(".")
    common = 0
    while common < min(len(here), len(there)) and here[common] == there[common]:
        common += 1
    if not common:
        return target
    return "." * (len(here) - common + 1) + ".".join(there[common:])


def absolute(importer: Module, node: s.ImportFrom) -> str:
    """The dotted name of the module that `node` imports from, leading dots resolved."""
    if not node.level:
        return node.module
    here = importer.name.split(".")
    drop = node.level - 1 if importer.is_package else node.level
    parts = here[: len(here) - drop] if drop else here
    return ".".join([*parts, node.module] if node.module else parts)
