"""Who uses what `migrate` left for code that stays sync: the twins, and sessions that hop."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from migrate_async.index.project import Function, Module, Project
from migrate_async.index.scopes import FromBinding, last_name
from migrate_async.knowledge.shim import IMPLICIT_IO
from migrate_async.model import syntax as s
from migrate_async.plan.factory_statements import HOP_SESSION, hop_statement
from migrate_async.plan.leftovers.twins import Twins
from migrate_async.plan.names import is_sync_side
from migrate_async.plan.session_factories import SYNC_CLASS


class Use(msgspec.Struct, frozen=True, eq=False):
    """Where a twin is named, apart from other twins and from imports."""

    module: Module
    node: s.Node
    name: str


def find_uses(project: Project, twins: Twins) -> Iterator[Use]:
    """The uses of `twins`: names, attributes, and strings that mention one.

    A name is taken for a use wherever it was imported from: rather one too many than one gone
    that somebody needs.
    """
    names = {twin.sync_name for twin in twins}
    inside = {node for twin in twins for part in twin.definitions for node in s.walk(part)}
    homes = {(twin.module.name, twin.sync_name) for twin in twins}
    for module in project.modules.values():
        local = _local_names(module, names, homes)
        for statement in module.syntax.body:
            for node in s.walk(statement):
                if node in inside:
                    continue
                name = _mentioned(node, local, names)
                if name and isinstance(node, s.Node):
                    yield Use(module, node, name)


def hops(project: Project) -> Iterator[tuple[Module, s.Call | s.Stmt]]:
    """What makes sessions also serve code that stays sync.

    The call of a factory with the argument, or the statement that configures it.
    """
    for factory in project.session_factories:
        call = factory.value
        if factory.kind != "async_sessionmaker" or not isinstance(call, s.Call):
            continue
        statement = hop_statement(factory) if factory.scope.kind == "module" else None
        if statement is not None:
            yield factory.module, statement
        for keyword in call.keywords:
            is_hop = s.dotted_name(keyword.value).rpartition(".")[2] == HOP_SESSION
            if keyword.arg == SYNC_CLASS and is_hop:
                yield factory.module, call
    for function in project.functions:
        if not function.is_module:
            yield from ((function.module, made) for made in _configurations(project, function))


def _configurations(project: Project, function: Function) -> Iterator[s.Stmt]:
    """`registry.configure(sync_session_class=HopSession)` in `function`."""
    for call in function.calls:
        if last_name(call.node.func) == "configure" and any(
            keyword.arg == SYNC_CLASS and last_name(keyword.value) == HOP_SESSION
            for keyword in call.node.keywords
        ):
            yield project.statement_of(call.node)


def sync_sides(project: Project, twins: Twins) -> Iterator[Use]:
    """Where code takes the sync side of an async session, which needs a `HopSession`."""
    inside = {node for twin in twins for part in twin.definitions for node in s.walk(part)}
    for fn in project.functions:
        for node in _attributes(fn):
            if node not in inside and is_sync_side(node, project):
                yield Use(fn.module, node, node.attr)


def implicit_uses(project: Project) -> Iterator[Use]:
    """Coroutines that stay sync on the event loop."""
    for fn in project.functions:
        decorator = implicit_mark(fn)
        if decorator is not None:
            yield Use(fn.module, decorator, IMPLICIT_IO)


def implicit_mark(fn: Function) -> s.Expr | None:
    """The `@implicit_io` of a function."""
    for decorator in fn.node.decorators if isinstance(fn.node, s.FunctionDef) else ():
        if last_name(decorator) == IMPLICIT_IO:
            return decorator
    return None


def _local_names(module: Module, names: set[str], homes: set[tuple[str, str]]) -> dict[str, str]:
    """What `module` calls the twins: local name to name."""
    local = {name: name for name in names if (module.name, name) in homes}
    for bound, bindings in module.scope.names.items():
        for binding in bindings:
            if isinstance(binding, FromBinding) and binding.name in names:
                local[bound] = binding.name
    return local


def _mentioned(node: s.AnyNode, local: dict[str, str], names: set[str]) -> str:
    if isinstance(node, s.Name):
        return local.get(node.id, "")
    if isinstance(node, s.Attribute):
        return node.attr if node.attr in names else ""
    if isinstance(node, s.Constant) and node.kind == "str":
        words = set(str(node.value).replace(".", " ").replace(":", " ").split())
        return min(words & names, default="")
    return ""


def _attributes(fn: Function) -> Iterator[s.Attribute]:
    nodes = [call.node.func for call in fn.calls] + [item.node for item in fn.references]
    for node in nodes:
        yield from (inner for inner in s.walk(node) if isinstance(inner, s.Attribute))
