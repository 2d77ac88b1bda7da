"""Context managers of the project that lend a session, and what they do with it at their end."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index import types as t
from migrate_async.index.project import Project
from migrate_async.index.scopes import Function, WithBinding
from migrate_async.lint.transactions.deeds import Act, Deeds
from migrate_async.model import syntax as s

_DECORATORS = frozenset({"contextmanager", "asynccontextmanager"})
_MAX_DEPTH = 4


def lent_sessions(function: Function, project: Project) -> Iterator[tuple[str, s.Call, Function]]:
    """Each `with manager() as name` of `function`: the name, the call, the project's generator."""
    for name, bindings in function.scope.names.items():
        for binding in bindings:
            if type(binding) is not WithBinding or not isinstance(binding.value, s.Call):
                continue
            manager = manager_of(binding.value, project)
            if manager is not None:
                yield name, binding.value, manager


def manager_of(call: s.Call, project: Project) -> Function | None:
    """The generator function behind the context manager that `call` makes, if it is just one."""
    found = project.infer(call.func, project.scope_of(call))
    functions = [item.fn for item in found if isinstance(item, t.FunctionObject)]
    if len(functions) != 1 or len(found) != 1:
        return None
    only = functions[0]
    return only if only.is_generator and only.decorator_names & _DECORATORS else None


def only_closes(manager: Function, project: Project, deeds: Deeds, depth: int = 0) -> bool:
    """Whether what `manager` lends is, as far as can be seen, neither committed nor kept by it."""
    if depth > _MAX_DEPTH or not isinstance(manager.node, s.FunctionDef) or not manager.yields:
        return False
    names = {node.value.id for node in manager.yields if isinstance(node.value, s.Name)}
    if len(names) != 1 or not all(isinstance(node.value, s.Name) for node in manager.yields):
        return False
    name = names.pop()
    for statement in manager.node.body:
        for deed in deeds.of_node(statement, name):
            is_lending = isinstance(project.parent(deed.node), s.Yield)
            if not is_lending and deed.does(Act.COMMIT, Act.BEGIN, Act.WRITE, Act.STAGE):
                return False
    bindings = [b for b in manager.scope.names.get(name, ()) if isinstance(b, WithBinding)]
    for binding in bindings:
        if project.session_kind(binding.value, binding.scope) is not None:
            continue
        inner = manager_of(binding.value, project) if isinstance(binding.value, s.Call) else None
        if inner is None or not only_closes(inner, project, deeds, depth + 1):
            return False
    return True
