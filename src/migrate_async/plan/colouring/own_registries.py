"""`scoped_session(...)` that a function makes for itself: which can become `async_scoped_session`.

    registry = scoped_session(sessionmaker(bind=engine), scopefunc=get_request_id)

A registry that nothing outside of the function can reach has one session per call of the function,
whatever its scope is: all of that runs in one thread, and later in one task.

    self._sessions = scoped_session(sessionmaker(bind=self._engine))

One that an object keeps, and that is called where it is read, has one for each thread, and later
for each task.
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

    `name` is the variable that holds the registry, or with `is_kept` the attribute of `self`; empty
    where it is called at once. `obstacle` says why it stays sync.
    """

    call: s.Call
    factory: s.Call | None
    has_scope: bool
    name: str = ""
    obstacle: str = ""
    is_kept: bool = False


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
    values = registry_arguments(call)
    factory = values.get("session_factory")
    made = factory if isinstance(factory, s.Call) else None
    attribute = _attribute(project, function, call)
    name = attribute or _name(project, function, call)
    obstacle = _obstacle(project, function, values, name, is_kept=attribute is not None)
    return OwnRegistry(
        call, made, "scopefunc" in values, name or "", obstacle, attribute is not None
    )


def registry_arguments(call: s.Call) -> dict[str | None, s.Expr]:
    """The arguments of `scoped_session(...)` by their names."""
    positional: dict[str | None, s.Expr] = {}
    positional.update(zip(("session_factory", "scopefunc"), call.args, strict=False))
    return positional | {keyword.arg: keyword.value for keyword in call.keywords}


def _obstacle(
    project: Project,
    function: Function,
    values: dict[str | None, s.Expr],
    name: str | None,
    *,
    is_kept: bool,
) -> str:
    title = f"{name} is a scoped_session" if name else "it makes a scoped_session"
    if name is None or ("scopefunc" not in values and function.is_generator):
        return f"{title}, which keeps one session per thread"
    if not values.keys() <= {"session_factory", "scopefunc"} or not follows_factory(
        project, function, values.get("session_factory")
    ):
        return f"{title} of a factory that nobody can follow"
    if is_kept:
        is_known = _is_only_called(project, name)
    else:
        is_known = all(_is_own_use(project, function, node) for node in _uses(function, name))
    if name and not is_known:
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


def _attribute(project: Project, function: Function, call: s.Call) -> str | None:
    """The attribute of `self` that alone holds the registry, whoever inherits from the class."""
    around = project.parent(call)
    target = around.targets[0] if isinstance(around, s.Assign) else None
    if function.cls is None or not isinstance(target, s.Attribute) or not function.self_name:
        return None
    is_own = isinstance(target.value, s.Name) and target.value.id == function.self_name
    classes = [*project.mro(function.cls), *project.subclasses(function.cls)]
    bindings = [found for cls in classes for found in cls.instance.get(target.attr, ())]
    is_bound_inside = any(target.attr in cls.scope.names for cls in classes)
    return target.attr if is_own and len(bindings) == 1 and not is_bound_inside else None


def _is_only_called(project: Project, attribute: str) -> bool:
    """Whether registries are called wherever something of that name is read and may be one."""
    for function in project.functions:
        for reference in function.references:
            node = reference.node
            if not isinstance(node, s.Attribute) or node.attr != attribute:
                continue
            around = project.parent(node)
            if isinstance(around, s.Assign) and node in around.targets:
                continue
            types = project.infer(node, reference.scope)
            if any(getattr(item, "dotted", "") == SCOPED_SESSION for item in types):
                return False
    return True


def kept_obstacle(project: Project, function: Function) -> tuple[OwnRegistry, Function] | None:
    """The registry of its object that `function` uses and that stays sync, and who made it."""
    if function.cls is None or function.node is None:
        return None
    names = {
        node.attr
        for node in function.nodes(s.Attribute)
        if isinstance(node.value, s.Name) and node.value.id == function.self_name
    }
    for cls in project.mro(function.cls):
        makers = [found.scope.function for name in names for found in cls.instance.get(name, ())]
        for maker in dict.fromkeys(makers):
            for registry in own_registries(project, maker):
                if registry.is_kept and registry.name in names and registry.obstacle:
                    return registry, maker
    return None


def _is_none(value: s.Expr) -> bool:
    return isinstance(value, s.Constant) and value.kind == "None"


def follows_factory(project: Project, function: Function, factory: s.Expr | None) -> bool:
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
    return (node for node in function.nodes(s.Name) if node.id == name)


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
