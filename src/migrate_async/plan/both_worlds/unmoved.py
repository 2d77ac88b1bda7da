"""Session factories and engines that have no async counterpart, and who takes sessions from them.

A factory with a session class of the project has none, also one that a function makes. It stays as
it is, and sync, and with it the functions whose sessions come from there: on an async session these
would be wrong.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function
from migrate_async.index.sessions import Variable
from migrate_async.model import syntax as s
from migrate_async.model.diagnostic import Diagnostic, at
from migrate_async.model.plan import Reason
from migrate_async.plan.both_worlds.stuck_engines import Obstacle, StuckEngines
from migrate_async.plan.colouring.handovers import owner_of
from migrate_async.plan.colouring.module_registries import ModuleRegistries, is_of_module
from migrate_async.plan.colouring.own_registries import OwnRegistry, own_registries
from migrate_async.plan.makers import Makers
from migrate_async.plan.names import is_local, is_variable
from migrate_async.plan.session_factories import factory_obstacle

SOURCE_STAYS = "MA205"


class Unmoved:
    """Those of a project."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._makers = project.shared(Makers)
        self._registries = ModuleRegistries(project)
        self._engines = StuckEngines(project)

    @cached_property
    def variables(self) -> dict[Variable, None]:
        """The factories that stay sync whatever is selected, and engines that are only theirs."""
        found = dict.fromkeys(self._engines.variables)
        for factory in self._project.session_factories:
            if not factory.module.is_test and self._stays(factory):
                found[factory] = None
                if self._is_of_stuck_registry(factory):
                    found.update(dict.fromkeys(self._engines_of(factory)))
        return found

    def _engines_of(self, factory: Variable) -> Iterator[Variable]:
        """The engines that the function which makes `factory` makes for it."""
        if factory.scope.kind != "function" or not isinstance(factory.value, s.Call):
            return
        bound = {s.dotted_name(value) for value in factory.value.values}
        for engine in self._project.engines:
            made_by = self._project.function_of(engine.value)
            if engine.name in bound and made_by is factory.scope.function:
                yield engine

    @cached_property
    def makers(self) -> dict[Function, None]:
        """The functions that make such factories for functions."""
        return {
            function: None
            for function, made in self._makers.for_functions.items()
            if any(map(self._is_stuck, made))
        }

    def _is_stuck(self, made: Variable) -> bool:
        return made.kind == "sessionmaker" and factory_obstacle(self._project, made) is not None

    def takers(self) -> tuple[dict[Function, Reason], list[Diagnostic]]:
        """Who gets sessions or engines from them, and what is said of each source."""
        found: dict[Function, Reason] = {}
        messages: list[Diagnostic] = []
        for variable in self.variables:
            if self._makers.of(variable) in self.makers:
                continue  # what is said of the maker says it
            users = [f for f in self._project.functions if self._uses(f, variable)]
            self._add(found, messages, users, variable)
        for maker in self.makers:
            for made in self._makers.unnamed(maker):
                self._add(found, messages, [maker], made)
        return found, messages

    @cached_property
    def serve_tests(self) -> bool:
        """Whether a test or fixture opens sessions with one of them."""
        takers, _ = self.takers()
        givers = {function for function in takers if self._gives(function)} | set(self.makers)
        tests = [f for f in self._project.functions if f.module.is_test]
        asked = (
            target for f in tests for site in self._project.calls(f) for target in site.targets
        )
        return any(target in givers for target in asked) or any(
            self._names(function, variable) for function in tests for variable in self.variables
        )

    def _add(
        self,
        found: dict[Function, Reason],
        messages: list[Diagnostic],
        users: list[Function],
        source: Variable,
    ) -> None:
        takers = dict.fromkeys(self._spread(users))
        maker = source.scope.function
        is_own = source.kind == "engine" and list(takers) == [maker]
        if not takers or (is_own and self._engines.works_at_import(maker)):
            return  # what runs at import stays sync anyway
        is_named = source.name and not is_local(source.name, source.scope)
        name = source.name if is_named else f"what {maker.qualname} makes"
        for function in takers:
            text = f"its session comes from {name}, which stays sync"
            line = source.value.line
            found.setdefault(function, Reason("source-stays", text, source.module.path, line))
        messages.append(self._message(source, name, len(takers)))

    def _message(self, source: Variable, name: str, count: int) -> Diagnostic:
        stuck = self._engines.variables.get(source) or self._engines.under(source)
        obstacle = factory_obstacle(self._project, source) if "engine" not in source.kind else None
        if obstacle is not None:
            stuck = Obstacle(obstacle.message, obstacle.next_step)
        reason = f" ({stuck.reason})" if stuck else ""
        next_step = stuck.next_step if stuck else "give it an async counterpart"
        text = f"{name} stays sync{reason}, and {takers_stay_sync(count)}"
        return at(source.module.path, source.value.span, SOURCE_STAYS, text, next_step)

    def _stays(self, factory: Variable) -> bool:
        if is_of_module(factory):
            return factory not in self._registries.movable or self._has_stuck_factory(factory)
        if factory.kind == "scoped_session" and factory.scope.kind == "function":
            return self._is_stuck_registry(factory)
        if factory.kind != "sessionmaker":
            return False
        if self._is_of_stuck_registry(factory) or self._engines.under(factory) is not None:
            return True
        maker = self._makers.of(factory)
        if maker is None:
            return factory_obstacle(self._project, factory) is not None
        return any(map(self._is_stuck, (*self._makers.unnamed(maker), *self._named_in(maker))))

    def _is_stuck_registry(self, registry: Variable) -> bool:
        """Whether `registry` is one of those in a `global`, or what a function gives of it."""
        made = {found.call for found in self._global_registries}
        if registry.value in made:
            return True
        function = registry.scope.function
        own = {found.call for found in own_registries(self._project, function)}
        return bool(made) and registry.value not in own

    @cached_property
    def _global_registries(self) -> tuple[OwnRegistry, ...]:
        """The registries that functions put into a `global`, and that stay sync."""
        makers = dict.fromkeys(
            factory.scope.function
            for factory in self._project.session_factories
            if factory.scope.kind == "function" and factory.scope.function.scope.globals
        )
        return tuple(
            registry
            for maker in makers
            for registry in own_registries(self._project, maker)
            if registry.obstacle and self._is_in_global(registry, maker)
        )

    def _is_in_global(self, registry: OwnRegistry, maker: Function) -> bool:
        statement = self._project.statement_of(registry.call)
        targets = statement.targets if isinstance(statement, s.Assign) else ()
        return any(s.dotted_name(target) in maker.scope.globals for target in targets)

    def _is_of_stuck_registry(self, factory: Variable) -> bool:
        """Whether a function makes such a registry of it."""
        return factory.scope.kind == "function" and any(
            registry.factory is factory.value
            or factory.name in [s.dotted_name(value) for value in registry.call.values]
            for registry in self._global_registries
            if self._project.function_of(registry.call) is factory.scope.function
        )

    def _has_stuck_factory(self, registry: Variable) -> bool:
        names = {node.id for node in s.walk(registry.value) if isinstance(node, s.Name)}
        return any(
            factory.kind == "sessionmaker" and self._stays(factory)
            for factory in self._project.session_factories
            for name in names
            if is_variable(registry.module, factory.module, factory.name, name)
        )

    def _named_in(self, maker: Function) -> Iterator[Variable]:
        for factory in self._project.session_factories:
            is_named_there = factory.scope.function is maker and self._makers.of(factory) is None
            if is_named_there and isinstance(factory.value, s.Call):
                yield factory

    def _uses(self, function: Function, variable: Variable) -> bool:
        if function.is_module or function.module.is_test:
            return False
        return self._names(function, variable)

    def _names(self, function: Function, variable: Variable) -> bool:
        if variable in self._engines.variables and is_local(variable.name, variable.scope):
            return function is variable.scope.function
        if is_of_module(variable) or variable in self._engines.variables:
            return any(
                is_variable(function.module, variable.module, variable.name, node.id)
                and not is_local(node.id, function.scope)
                for node in function.nodes(s.Name)
            )
        if self._is_of_object(variable):
            return any(self._read(function, variable))
        if variable.scope.kind != "module" and variable.scope.function is not function:
            return False
        return any(
            isinstance(call.node.func, s.Name)
            and is_variable(function.module, variable.module, variable.name, call.node.func.id)
            for call in function.calls
        )

    @staticmethod
    def _is_of_object(variable: Variable) -> bool:
        """Whether a method puts it into an attribute: `self.factory = sessionmaker(...)`."""
        cls = variable.scope.function.cls
        return cls is not None and variable.qualname == f"{cls.qualname}.{variable.name}"

    def _read(self, function: Function, variable: Variable) -> Iterator[s.Attribute]:
        """The attributes of objects of the class of `variable` that `function` reads."""
        for node in function.nodes(s.Attribute):
            if node.attr == variable.name and function is not variable.scope.function:
                owner = owner_of(self._project, node)
                if owner is not None and variable.scope.function.cls in self._project.mro(owner):
                    yield node

    def _spread(self, users: list[Function]) -> Iterator[Function]:
        """`users`, and whoever they give what they take."""
        seen: set[Function] = set()
        pending = users[::-1]
        while pending:
            function = pending.pop()
            if function in seen or function.is_module or function.module.is_test:
                continue
            seen.add(function)
            yield function
            if not self._gives(function):
                continue
            pending += [site.function for site in self._project.callers(function)]
            pending += [
                use.function for use in self._project.value_uses(function) if use.is_injected
            ]

    def _gives(self, function: Function) -> bool:
        """Whether `function` returns or yields a session, a factory or an engine."""
        return any(self._project.sessions_given(function)) or bool(self._makers.kinds(function))


def takers_stay_sync(count: int) -> str:
    """What a message says of the `count` functions that get their sessions from a source."""
    if count == 1:
        return "the function that gets its session from there stays sync"
    return f"the {count} functions that get their sessions from there stay sync"
