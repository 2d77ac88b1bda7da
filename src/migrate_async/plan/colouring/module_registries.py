"""`scoped_session(...)` of a module: which can become a `task_scoped_session`, and who uses it.

    db_session = scoped_session(sessionmaker(bind=engine))

    def get_db():
        db = db_session()
        try:
            yield db
        finally:
            db.close()

One that functions only call, and remove, has a session for each task instead of one for each
thread. All of them find the same session there: they convert together or not at all.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import TypeAlias

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function, Module
from migrate_async.index.sessions import Variable
from migrate_async.knowledge.sqlalchemy import SCOPED_SESSION
from migrate_async.model import syntax as s
from migrate_async.plan.colouring.own_registries import follows_factory, registry_arguments
from migrate_async.plan.names import is_bound_inside, is_variable

_Uses: TypeAlias = dict[Variable, dict[Function, None]]


class ModuleRegistries:
    """Those of a project."""

    def __init__(self, project: Project) -> None:
        self._project = project

    def peers(self, function: Function) -> tuple[Function, ...]:
        """The other functions that take a session from the same registry."""
        found: dict[Function, None] = {}
        for users in self.movable.values():
            if function in users:
                found.update(users)
        found.pop(function, None)
        return tuple(found)

    def named(self, node: s.Name) -> bool:
        """Whether `node` is one that can become async."""
        module = self._project.function_of(node).module
        return any(self._is(registry, module, node) for registry in self.movable)

    @cached_property
    def movable(self) -> _Uses:
        """Those that can become async, and the functions that use each."""
        candidates: _Uses = {
            registry: {}
            for registry in self._project.session_factories
            if is_of_module(registry) and self._is_plain(registry)
        }
        return {each: users for each, users in self._followed(candidates).items() if users}

    def _is_plain(self, registry: Variable) -> bool:
        """Whether nothing else is ever in the variable, and its factory is known."""
        statement = self._project.statement_of(registry.value)
        if registry.module.is_test or not isinstance(statement, s.Assign | s.AnnotatedAssign):
            return False
        if statement.value is not registry.value or not isinstance(registry.value, s.Call):
            return False
        values = registry_arguments(registry.value)
        return (
            len(registry.scope.names.get(registry.name, ())) == 1
            and values.keys() <= {"session_factory", "scopefunc"}
            and follows_factory(self._project, registry.module.body, values.get("session_factory"))
        )

    def _followed(self, candidates: _Uses) -> _Uses:
        """`candidates` with their users, without those that are used in another way."""
        found = dict(candidates)
        for module in self._project.modules.values() if candidates else ():
            names = {name for each in candidates for name in self._names(each, module)}
            for node in _named(module, names):
                if not _is_registry(self._project, node):
                    continue
                function = self._user(node)
                for registry in candidates:
                    if not self._may_be(registry, module, node):
                        continue
                    if isinstance(node, s.Name) and self._is(registry, module, node):
                        if self._is_definition(node):
                            continue
                        if function is not None and registry in found:
                            found[registry][function] = None
                            continue
                    found.pop(registry, None)
        return found

    def _names(self, registry: Variable, module: Module) -> Iterator[str]:
        yield registry.name
        for (_, name), local in module.imported_as.items():
            if name == registry.name:
                yield local

    def _may_be(self, registry: Variable, module: Module, node: s.Name | s.Attribute) -> bool:
        name = node.id if isinstance(node, s.Name) else node.attr
        return name in self._names(registry, module)

    def _is(self, registry: Variable, module: Module, node: s.Name) -> bool:
        return is_variable(module, registry.module, registry.name, node.id) and not is_bound_inside(
            node.id, self._project.scope_of(node)
        )

    def _is_definition(self, node: s.Name) -> bool:
        around = self._project.parent(node)
        if isinstance(around, s.Assign):
            return node in around.targets
        return isinstance(around, s.AnnotatedAssign) and around.target is node

    def _user(self, node: s.Name | s.Attribute) -> Function | None:
        """The function that calls what `node` is, or removes its session."""
        function = self._project.function_of(node)
        if function.is_module or function.module.is_test:
            return None
        around = self._project.parent(node)
        if isinstance(around, s.Call) and around.func is node:
            return None if around.args or around.keywords else function
        call = self._project.parent(around) if isinstance(around, s.Attribute) else None
        is_removal = isinstance(around, s.Attribute) and around.attr == "remove"
        return function if is_removal and isinstance(call, s.Call) else None


def is_registry_of_module(project: Project, node: s.Name) -> bool:
    """Whether `node` is a `scoped_session` in a variable of its module, or imported there."""
    scope = project.scope_of(node)
    return not is_bound_inside(node.id, scope) and _is_registry(project, node)


def _is_registry(project: Project, node: s.Name | s.Attribute) -> bool:
    types = project.infer(node, project.scope_of(node))
    return any(getattr(item, "dotted", "") == SCOPED_SESSION for item in types)


def is_of_module(variable: Variable) -> bool:
    """Whether it is a `scoped_session` in a variable of a module."""
    return variable.kind == "scoped_session" and variable.scope.kind == "module"


def makes_own_factory(registry: Variable) -> bool:
    """Whether its `sessionmaker(...)` is written in it."""
    call = registry.value
    return isinstance(call, s.Call) and isinstance(
        registry_arguments(call).get("session_factory"), s.Call
    )


def _named(module: Module, names: set[str]) -> Iterator[s.Name | s.Attribute]:
    for statement in module.syntax.body:
        for node in s.walk(statement):
            name = getattr(node, "id", "") or getattr(node, "attr", "")
            if name in names and isinstance(node, s.Name | s.Attribute):
                yield node
