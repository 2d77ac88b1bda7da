"""`scoped_session(...)` that a function makes for itself: which can become `async_scoped_session`.

    registry = scoped_session(sessionmaker(bind=engine), scopefunc=get_request_id)

A registry that nothing outside of the function can reach has one session per call of the function,
whatever its scope is: all of that runs in one thread, and later in one task.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function, ValueBinding, last_name
from migrate_async.index.types import SessionFactory
from migrate_async.knowledge.sqlalchemy import SCOPED_SESSION
from migrate_async.model import syntax as s

_LAST_NAME = SCOPED_SESSION.rpartition(".")[2]
_UNCHANGED = frozenset(
    {"add", "add_all", "begin", "begin_nested", "close", "commit", "configure", "connection"}
    | {"delete", "execute", "expire", "expire_all", "expunge", "expunge_all", "flush", "get"}
    | {"is_active", "is_modified", "merge", "query", "refresh", "remove", "rollback", "scalar"}
    | {"scalars"}
)
"""What `async_scoped_session` has, too."""
_NO_COUNTERPART = frozenset({"class_", "query_cls"})


@dataclass(frozen=True)
class OwnRegistry:
    """The call of `scoped_session`; `factory` is the `sessionmaker(...)` written in it, if any.

    `name` is the variable that holds the registry, empty where it is called at once. `obstacle`
    says why it stays sync.
    """

    call: s.Call
    factory: s.Call | None
    has_scope: bool
    name: str = ""
    obstacle: str = ""


def own_registries(project: Project, function: Function) -> Iterator[OwnRegistry]:
    """Those of `function`, in source order."""
    if function.is_module:
        return
    names = {_LAST_NAME, *_aliases(function)}
    for call in function.calls:
        if last_name(call.node.func) not in names:
            continue
        types = project.infer(call.node.func, call.scope)
        if any(getattr(item, "dotted", "") == SCOPED_SESSION for item in types):
            yield _registry(project, function, call.node)


def _aliases(function: Function) -> Iterator[str]:
    for (_, name), local in function.module.imported_as.items():
        if name == _LAST_NAME:
            yield local


def _registry(project: Project, function: Function, call: s.Call) -> OwnRegistry:
    values = _arguments(call)
    factory = values.get("session_factory")
    made = factory if isinstance(factory, s.Call) else None
    name = _name(project, function, call)
    return OwnRegistry(
        call, made, "scopefunc" in values, name or "", _obstacle(project, function, values, name)
    )


def _arguments(call: s.Call) -> dict[str | None, s.Expr]:
    positional: dict[str | None, s.Expr] = {}
    positional.update(zip(("session_factory", "scopefunc"), call.args, strict=False))
    return positional | {keyword.arg: keyword.value for keyword in call.keywords}


def _obstacle(
    project: Project, function: Function, values: dict[str | None, s.Expr], name: str | None
) -> str:
    title = f"{name} is a scoped_session" if name else "it makes a scoped_session"
    if name is None or ("scopefunc" not in values and function.is_generator):
        return f"{title}, which keeps one session per thread"
    if not values.keys() <= {"session_factory", "scopefunc"} or not _is_known(
        project, function, values.get("session_factory")
    ):
        return f"{title} of a factory that nobody can follow"
    if name and not all(_is_own_use(project, function, node) for node in _uses(function, name)):
        return f"{title}, which is used in a way that async_scoped_session does not know"
    return ""


def _name(project: Project, function: Function, call: s.Call) -> str | None:
    """The local variable that holds the registry; None where it ends up elsewhere."""
    around = project.parent(call)
    if isinstance(around, s.Call) and around.func is call:
        return ""
    if not isinstance(around, s.Assign) or len(around.targets) != 1:
        return None
    target = around.targets[0]
    if not isinstance(target, s.Name):
        return None
    bindings = function.scope.names.get(target.id, [])
    values = [binding.value for binding in bindings if isinstance(binding, ValueBinding)]
    others = [value for value in values if value is not call and not _is_none(value)]
    is_local = call in values and len(values) == len(bindings)
    return target.id if is_local and not others else None


def _is_none(value: s.Expr) -> bool:
    return isinstance(value, s.Constant) and value.kind == "None"


def _is_known(project: Project, function: Function, factory: s.Expr | None) -> bool:
    """Whether `factory` is a plain `sessionmaker(...)`, or a variable that holds one."""
    if factory is None:
        return False
    types = project.infer(factory, project.scope_of(factory))
    if not types or not all(isinstance(item, SessionFactory) for item in types):
        return False
    if isinstance(factory, s.Call):
        func = factory.func.value if isinstance(factory.func, s.Subscript) else factory.func
        arguments = {keyword.arg for keyword in factory.keywords}
        return s.dotted_name(func).endswith("sessionmaker") and arguments.isdisjoint(
            {*_NO_COUNTERPART, None}
        )
    name = s.dotted_name(factory).rpartition(".")[2]
    return any(
        variable.name == name
        and (variable.scope.kind == "module" or variable.scope.function is function)
        for variable in project.session_factories
    )


def _uses(function: Function, name: str) -> Iterator[s.Name]:
    for node in s.walk(function.node) if function.node is not None else ():
        if isinstance(node, s.Name) and node.id == name:
            yield node


def _is_own_use(project: Project, function: Function, node: s.Name) -> bool:
    """Whether `node` is where the registry is made, called or compared, or a method of it is."""
    if project.function_of(node) is not function:
        return False
    around = project.parent(node)
    if isinstance(around, s.Assign):
        return node in around.targets
    if isinstance(around, s.Call):
        return around.func is node
    if isinstance(around, s.Attribute):
        return around.attr in _UNCHANGED
    return isinstance(around, s.If | s.While) or (
        isinstance(around, s.Operation) and around.operator in ("is", "is not", "not", "and")
    )
