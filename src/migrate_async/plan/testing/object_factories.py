"""Factories of factory_boy, and what their sessions become.

A factory that makes objects on a sync session becomes one of the runtime, on an async session: its
calls are awaited, and what factory_boy does in them stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from migrate_async.index.project import Project
from migrate_async.index.scopes import Class, ClassBinding, Function, Module, Scope
from migrate_async.index.types import External
from migrate_async.knowledge.object_factories import (
    ASYNC_HOME,
    ASYNC_NAME,
    CREATES,
    DECLARATIONS,
    INNER,
    QUIET,
    SYNC,
)
from migrate_async.model import plan as p
from migrate_async.model import syntax as s
from migrate_async.plan.creations import creation, factory_of, in_hook, is_factory, made_at
from migrate_async.plan.module_edits import ModuleEdits, add_import
from migrate_async.plan.testing.pytest_support import NAME

_ATTRIBUTES = CREATES | QUIET | {"__subclasses__"}
_BUILDS = ("build", "build_batch")


@dataclass(frozen=True)
class Unfit:
    """A factory that stays on a sync session: the place, why, and what to do about it."""

    module: Module
    span: s.Span
    reason: str
    next_step: str


def factory_edits(
    project: Project, converts: Callable[[Function], bool]
) -> Iterator[tuple[Module, ModuleEdits]]:
    """The base of all factories, once tests convert: their session is async then."""
    if not any(function.module.is_test for function in filter(converts, _makers(project))):
        return
    for cls in _factories(project):
        for base in cls.node.bases:
            if _is_library_base(project, base, cls.outer):
                found = ModuleEdits()
                code = add_import(found, cls.module, ASYNC_HOME, ASYNC_NAME, NAME)
                found.edits.append(p.ReplaceExpression(span=base.span, codemod=NAME, code=code))
                found.unneeded.append(s.dotted_name(base).partition(".")[0])
                yield cls.module, found


def unfit_factories(project: Project) -> Iterator[Unfit]:
    """What keeps the factories of the project, all of them, on sync sessions."""
    factories = list(_factories(project))
    if not factories:
        return
    for cls in factories:
        yield from _unfit_class(project, cls)
    for function in project.functions:
        yield from _unfit_uses(project, function)


def _factories(project: Project) -> Iterator[Class]:
    return (cls for cls in project.classes if is_factory(project, cls))


def _makers(project: Project) -> Iterator[Function]:
    for function in project.functions:
        if any(creation(project, site) is not None for site in project.calls(function)):
            yield function


def _is_library_base(project: Project, base: s.Expr, scope: Scope) -> bool:
    types = project.infer(base, scope)
    return any(isinstance(item, External) and item.dotted == SYNC for item in types)


# --- what does not fit -------------------------------------------------------------------------


def _unfit_class(project: Project, cls: Class) -> Iterator[Unfit]:
    module, span = cls.module, cls.node.span
    if not module.is_test:
        step = "move it to the tests, or let code outside of them make objects without it"
        yield Unfit(module, span, f"{cls.name} is no part of the tests", step)
    for name in sorted(INNER & cls.scope.names.keys()):
        reason = f"{cls.name} overrides {name}, and expects a sync session there"
        step = f"take {name} out, by `sqlalchemy_session_persistence` or hooks, or leave it"
        yield Unfit(module, span, reason, step)
    for binding in cls.scope.names.get("Meta", ()):
        if isinstance(binding, ClassBinding) and "strategy" in binding.cls.scope.names:
            reason = f"{cls.name} chooses a strategy: calls of it may or may not run SQL"
            yield Unfit(module, span, reason, "call `build` or `create` by name, without it")
    if _creates_in_hooks(project, cls) and _is_built(project, cls):
        reason = f"{cls.name} is built outside of a session, and makes objects on one meanwhile"
        yield Unfit(module, span, reason, "make those objects only `if create`, or do not build")


def _creates_in_hooks(project: Project, cls: Class) -> bool:
    """Whether a hook of `cls` calls a factory."""
    hooks = (f for f in project.functions if f.cls is cls and in_hook(f))
    return any(
        isinstance(site.node, s.Call) and _called_factory(project, site.node, site.scope)
        for hook in hooks
        for site in project.calls(hook)
    )


def _called_factory(project: Project, call: s.Call, scope: Scope) -> bool:
    func = call.func.value if isinstance(call.func, s.Attribute) else call.func
    return any(factory_of(project, node, scope) is not None for node in (call.func, func))


def _is_built(project: Project, cls: Class) -> bool:
    for function in project.functions:
        for site in project.calls(function):
            func = site.node.func if isinstance(site.node, s.Call) else None
            if isinstance(func, s.Attribute) and func.attr in _BUILDS:
                built = factory_of(project, func.value, site.scope)
                if built is not None and cls in project.mro(built):
                    return True
    return False


def _unfit_uses(project: Project, function: Function) -> Iterator[Unfit]:
    """Uses of a factory that nobody can follow, or that run SQL without an `await`."""
    is_test = function.module.is_test
    for site in () if is_test else project.calls(function):
        made = made_at(project, site)
        if made is not None:
            reason = f"{function.qualname}, which is no test, makes objects with {made.name}"
            step = "let it make the objects without the factory"
            yield Unfit(function.module, site.node.span, reason, step)
    for reference in function.references:
        node, scope = reference.node, reference.scope
        if type(node) is s.Attribute and node.attr == "sqlalchemy_session":
            if not _is_target(project, node):
                reason = "a session is taken from a factory"
                step = "take it from where the factory got it, a fixture for example"
                yield Unfit(function.module, node.span, reason, step)
        else:
            cls = factory_of(project, node, scope)
            if cls is not None and not _is_followed(project, node):
                reason = f"{cls.name} is used in a way that cannot be followed"
                step = "call the factory, `create` or `create_batch` by its name"
                yield Unfit(function.module, node.span, reason, step)


def _is_target(project: Project, node: s.Attribute) -> bool:
    """Whether `node` is set: `UserFactory._meta.sqlalchemy_session = session`."""
    parent = project.parent(node)
    return isinstance(parent, s.Assign) and any(target is node for target in parent.targets)


def _is_followed(project: Project, node: s.Expr) -> bool:
    parent = project.parent(node)
    if isinstance(parent, s.Attribute):
        called = project.parent(parent)
        is_called = isinstance(called, s.Call) and called.func is parent
        return parent.attr in _ATTRIBUTES and (is_called or parent.attr not in CREATES)
    while isinstance(parent, s.Sequence | s.Starred | s.Keyword):
        parent = project.parent(parent)
    return not isinstance(parent, s.Call) or _takes_factories(project, parent)


def _takes_factories(project: Project, call: s.Call) -> bool:
    """Whether `call` declares part of a factory, or is of functions of the tests."""
    scope = project.scope_of(call)
    for item in project.infer(call.func, scope):
        dotted = item.dotted if isinstance(item, External) else ""
        if dotted.startswith("factory.") and dotted.rpartition(".")[2] in DECLARATIONS:
            return True
    return any(True for _ in project.passes(call, scope))
