"""Databases in memory: `create_engine("sqlite://")`. Each engine has one of its own.

So a sync engine beside an async one would have another database. What fills it as the application
is imported needs a sync one, though: nothing can await there.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index.project import Project
from migrate_async.index.scopes import FromBinding, Function, ImportBinding, Module, last_name
from migrate_async.index.sessions import Variable
from migrate_async.model import syntax as s
from migrate_async.plan.engines import bound
from migrate_async.plan.names import is_variable


def is_in_memory(project: Project, engine: Variable) -> bool:
    """Whether the database of `engine` is one in memory, as far as the code says."""
    parts = list(s.walk(engine.value))
    for name in [part for part in parts if isinstance(part, s.Name)]:
        parts += project.assigned(name, engine.scope)
    texts = [str(part.value) for part in parts if isinstance(part, s.Constant)]
    names = [last_name(part) for part in parts if isinstance(part, s.Name | s.Attribute)]
    return "StaticPool" in names or any(
        text.endswith("://") or "memory" in text for text in texts if text.startswith("sqlite")
    )


def is_filled_at_import(project: Project, engine: Variable) -> bool:
    """Whether a session on `engine` is opened as a module of the application is imported."""
    factories = [
        factory
        for factory in project.session_factories
        if isinstance(factory.value, s.Call) and is_on(factory, engine)
    ]
    modules = _of_applications(project) if factories else {}
    return any(
        _opens(function, factory)
        for module in modules
        for function in _run_at_import(project, module.body)
        for factory in factories
    )


def _of_applications(project: Project) -> dict[Module, None]:
    """The modules that make an application, and what they import: other scripts do not count."""
    pending = [
        module
        for module in project.modules.values()
        if not module.is_test and any(call.name == "FastAPI" for call in module.body.calls)
    ]
    seen: dict[Module, None] = {}
    while pending:
        module = pending.pop()
        if module not in seen:
            seen[module] = None
            found = (project.modules.get(name) for name in imported_names(module))
            pending += [other for other in found if other is not None]
    return seen


def imported_names(module: Module) -> Iterator[str]:
    """The names of what `module` imports: modules, and what may be one."""
    for bindings in module.scope.names.values():
        for binding in bindings:
            if isinstance(binding, ImportBinding):
                yield binding.dotted
            elif isinstance(binding, FromBinding):
                yield from (binding.module, f"{binding.module}.{binding.name}")


def is_on(factory: Variable, engine: Variable) -> bool:
    """Whether `factory` is bound to `engine` by its name."""
    bind = bound(factory.call)
    return isinstance(bind, s.Name) and is_variable(
        factory.module, engine.module, engine.name, bind.id
    )


def _run_at_import(project: Project, body: Function) -> Iterator[Function]:
    """The body of a module, and what it calls, other than under `if __name__ == "__main__"`."""
    seen = {body}
    pending = [
        target
        for site in project.calls(body)
        if site.kind == "call" and "main" not in site.context
        for target in site.targets
    ]
    yield body
    while pending:
        function = pending.pop()
        if function not in seen:
            seen.add(function)
            yield function
            pending += project.callees(function)


def _opens(function: Function, factory: Variable) -> bool:
    return any(
        isinstance(call.node.func, s.Name)
        and is_variable(function.module, factory.module, factory.name, call.node.func.id)
        and "main" not in call.context
        for call in function.calls
    )
