"""Sessions that go to code which nobody can follow, in what a function gives to others.

    async def get_context(db=Depends(get_db)):
        return {"db": db}

    graphql = GraphQLRouter(schema, context_getter=get_context)

Whoever takes them out again may work on them without a message; an async session would be of no use
to what stays sync. So are those that a function which stays sync puts into a dict it was given, as
the start of a job does, `ctx["db"] = SessionLocal()`: jobs that take it out get a sync session.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index.declarative import string
from migrate_async.index.project import Project
from migrate_async.index.scopes import AnnotatedBinding, Binding, Function, ValueBinding
from migrate_async.model import syntax as s
from migrate_async.plan import blocks
from migrate_async.plan.both_worlds.registering import registers_route


def handed_out(project: Project) -> Iterator[tuple[Function, Function, s.Name]]:
    """The dependencies whose sessions do, the functions that give them away, and where."""
    sources = frozenset(project.session_dependencies)
    for function in project.functions:
        if function.is_route or function.module.is_test or not _goes_elsewhere(project, function):
            continue
        node = _session_in_value(project, function)
        for site in project.calls(function) if node is not None else ():
            for target in site.targets if site.kind == "dependency" else ():
                if node is not None and target in sources:
                    yield target, function, node


def _goes_elsewhere(project: Project, function: Function) -> bool:
    """Whether something else than FastAPI's injection is given the function."""
    return any(
        use.kind.startswith("arg:")
        and not use.is_injected
        and not use.function.module.is_test
        and not registers_route(project, use)
        for use in project.value_uses(function)
    )


def _session_in_value(project: Project, function: Function) -> s.Name | None:
    """A session inside of what `function` returns, not that itself, nor what it works on."""
    for value in function.returns:
        for node in () if isinstance(value, s.Name) else s.walk(value):
            if not isinstance(node, s.Name) or isinstance(project.parent(node), s.Attribute):
                continue
            if project.session_kind(node, project.scope_of(node)) == "sync":
                return node
    return None


def takers(project: Project, function: Function) -> Iterator[Function]:
    """Who gets the dict that the dependency `function` returns, and takes its session out of it."""
    keys = frozenset(_keys_of_sessions(project, function))
    for site in project.callers(function) if keys else ():
        if site.kind == "dependency" and takes_of(project, site.function, keys) is not None:
            yield site.function


def _keys_of_sessions(project: Project, function: Function) -> Iterator[str]:
    for value in function.returns:
        pairs = zip(value.keys, value.values, strict=True) if isinstance(value, s.Mapping) else ()
        for key, item in pairs:
            name = string(key)
            if name and project.session_kind(item, function.scope) == "sync":
                yield name


def put_away(project: Project, function: Function) -> Iterator[str]:
    """The keys under which `function` puts sync sessions into something that it was given."""
    given = {param.name for param in function.params}
    node = function.node
    for statement in blocks.statements(node.body) if isinstance(node, s.FunctionDef) else ():
        value = statement.value if isinstance(statement, s.Assign) else None
        if value is None or project.session_kind(value, function.scope) != "sync":
            continue
        for target in blocks.targets(statement):
            if not isinstance(target, s.Subscript) or s.dotted_name(target.value) not in given:
                continue
            if name := string(target.index):
                yield name


def takes_of(project: Project, function: Function, keys: frozenset[str]) -> s.Expr | None:
    """Where `function` takes what may be a session out of something that it was given."""
    given = {param.name for param in function.params}
    node = function.node
    for part in s.walk(node) if isinstance(node, s.FunctionDef) and given else ():
        if isinstance(part, s.Subscript) and s.dotted_name(part.value) in given:
            is_set = part in getattr(project.parent(part), "targets", ())
            if not is_set and string(part.index) in keys:
                return part
    return None


def takes_from_nowhere(project: Project) -> Iterator[tuple[Function, s.Expr]]:
    """The functions with a session of which nobody knows whose it is: `info.context["db"]`."""
    for function in project.functions:
        if function.is_module or function.module.is_test:
            continue
        for name, bindings in function.scope.names.items():
            for binding in bindings:
                value = _unknown_value(project, binding)
                if value is not None and _is_session(project, function, name, value):
                    yield function, value


def _unknown_value(project: Project, binding: Binding) -> s.Expr | None:
    """What a name is given, if nothing but the name or its annotation says that it is a session."""
    if not isinstance(binding, ValueBinding | AnnotatedBinding) or binding.value is None:
        return None
    if not isinstance(binding.value, s.Subscript | s.Attribute | s.Call):
        return None
    kind = project.session_kind(binding.value, binding.scope)
    return binding.value if kind is None else None


def _is_session(project: Project, function: Function, name: str, value: s.Expr) -> bool:
    return project.session_kind(s.Name(*value.span, name), function.scope) == "sync"
