"""Session factories that no sync one can stand beside.

Those that a function makes and hands out, or binds in a way that cannot be copied, and those that
the application keeps in its state.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator
from functools import cached_property

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function, RawCall, Scope
from migrate_async.index.sessions import Variable
from migrate_async.index.sites import CallSite
from migrate_async.index.types import SessionFactory
from migrate_async.model import syntax as s
from migrate_async.plan.inner_imports import find_inner_import
from migrate_async.plan.late_binds import LateBinds
from migrate_async.plan.names import absolute, is_local, is_variable, read_from

_MAX_CALLS = 3


class MadeFactories:
    """Answers for one run; `becomes_async` says which factories do.

    Those that `anchored` functions put into the state of an application stay sync.
    """

    def __init__(
        self,
        project: Project,
        becomes_async: Callable[[Variable], bool],
        anchored: Container[Function],
        late_binds: LateBinds,
    ) -> None:
        self._project = project
        self._late_binds = late_binds
        self._becomes_async = becomes_async
        self._anchored = anchored

    def used_by(
        self, function: Function, replaced: Container[s.Span]
    ) -> Iterator[s.Name | s.Attribute]:
        """Where `function` opens a session with one, apart from the names in `replaced`."""
        if not self._become_async or function.module.is_test:
            return
        for call in function.calls:
            func = call.node.func
            if not isinstance(func, s.Name | s.Attribute) or func.span in replaced:
                continue
            if (
                self._is_out_of_reach(func, call.scope)
                and self._makes_sync(func, call.scope)
                and not self._is_of_module(func, call.scope, self._staying_sync)
                and not self._is_imported_there(func)
            ):
                yield func
        for site in self._project.calls(function) if self._made else ():
            yield from self._engines_for(site)

    def _engines_for(self, site: CallSite) -> Iterator[s.Name | s.Attribute]:
        """The engines that `site` passes on to what makes such a factory of them."""
        if not isinstance(site.node, s.Call) or not site.targets:
            return
        for receiver, param, value in self._project.passes(site.node, site.scope):
            if not isinstance(value, s.Name | s.Attribute) or receiver in self._anchored:
                continue
            kind = self._project.engine_or_connection(value, site.scope)
            if kind == "engine" and self._feeds(receiver, param.name, _MAX_CALLS):
                yield value

    def _feeds(self, function: Function, name: str, depth: int) -> bool:
        """Whether what `function` is given as `name` is what a factory is bound to."""
        if any(
            isinstance(value, s.Name) and value.id == name
            for factory in self._become_async
            if factory.scope.function is function and isinstance(factory.value, s.Call)
            for value in factory.value.values
        ):
            return True
        return depth > 0 and any(
            isinstance(value, s.Name)
            and value.id == name
            and receiver is not function
            and self._feeds(receiver, param.name, depth - 1)
            for site in self._project.calls(function)
            if isinstance(site.node, s.Call) and site.targets
            for receiver, param, value in self._project.passes(site.node, site.scope)
        )

    def sharers(self) -> Iterator[Function]:
        """The functions that make such factories, or work on what these are bound to."""
        yield from dict.fromkeys(
            maker
            for factory in self._made
            for maker in (factory.scope.function, *self._late_binds.binders(factory))
            if not maker.is_module
        )
        yield from (f for putters in self._putters.values() for f in putters if not f.is_module)
        for function in self._project.functions:
            if function.is_module or function.module.is_test:
                continue
            sites = self._project.calls(function)
            if any(map(self._opens, function.calls)) or any(map(self._on_engine, sites)):
                yield function

    def _opens(self, call: RawCall) -> bool:
        func = call.node.func
        return (
            isinstance(func, s.Name | s.Attribute)
            and self._is_out_of_reach(func, call.scope)
            and self._makes_sync(func, call.scope)
            and not self._is_of_module(func, call.scope, self._with_room)
        )

    def _on_engine(self, site: CallSite) -> bool:
        """Whether `site` works on an engine that is made together with such a factory."""
        operation = site.operation
        if operation is None or operation.owner != "engine" or not isinstance(site.node, s.Call):
            return False
        func = site.node.func
        engine = func.value if isinstance(func, s.Attribute) else func
        return not self._is_of_module(engine, site.scope, self._project.engines)

    def _is_imported_there(self, func: s.Name | s.Attribute) -> bool:
        """Whether an import in the function gives it, which gives a sync one from now on."""
        inner = find_inner_import(self._project, func) if isinstance(func, s.Name) else None
        if inner is None:
            return False
        home = absolute(self._project.scope_of(func).module, inner.statement)
        return any((f.module.name, f.name) == (home, inner.name) for f in self._with_room)

    @staticmethod
    def _is_of_module(node: s.Expr, scope: Scope, variables: Iterable[Variable]) -> bool:
        name = s.dotted_name(node).rpartition(".")[2]
        return any(
            variable.scope.kind == "module"
            and is_variable(scope.module, variable.module, variable.name, name)
            for variable in variables
        )

    def _is_out_of_reach(self, func: s.Name | s.Attribute, scope: Scope) -> bool:
        if isinstance(func, s.Name):
            return bool(self._made) and not is_local(func.id, scope)
        if not isinstance(func.value, s.Attribute) or func.value.attr != "state":
            return self._is_made(func)
        putters = self._putters.get(func.attr, ())
        return not putters or any(putter not in self._anchored for putter in putters)

    @cached_property
    def _putters(self) -> dict[str, dict[Function, None]]:
        """The functions that put a factory into the state of an application, by attribute."""
        found: dict[str, dict[Function, None]] = {}
        for function in self._project.functions:
            for target, value in _attributes_set(function):
                is_state = isinstance(target.value, s.Attribute) and target.value.attr == "state"
                if is_state and self._makes_sync(value, function.scope):
                    found.setdefault(target.attr, {})[function] = None
        return found

    def _makes_sync(self, func: s.Expr, scope: Scope) -> bool:
        types = self._project.infer(func, scope)
        return any(isinstance(item, SessionFactory) and not item.is_async for item in types)

    @cached_property
    def _become_async(self) -> tuple[Variable, ...]:
        factories = self._project.session_factories
        return tuple(f for f in factories if f.kind == "sessionmaker" and self._becomes_async(f))

    @cached_property
    def _staying_sync(self) -> tuple[Variable, ...]:
        """Those of modules that go on making sync sessions: such as the twins of earlier runs."""
        factories = self._project.session_factories
        return tuple(f for f in factories if f not in self._become_async)

    @cached_property
    def _made(self) -> tuple[Variable, ...]:
        """Those of them that a function makes, or binds so that no other can be bound there."""
        return tuple(f for f in self._become_async if not self._has_room(f))

    @cached_property
    def _with_room(self) -> tuple[Variable, ...]:
        return tuple(f for f in self._project.session_factories if self._has_room(f))

    def _has_room(self, factory: Variable) -> bool:
        return factory.scope.kind == "module" and self._late_binds.has_room(factory)

    def _is_made(self, func: s.Attribute) -> bool:
        """Whether `func` is one of a module: `database.SessionLocal`."""
        place = read_from(self._project, func) if self._made else None
        return place is not None and any(
            is_variable(place[0], made.module, made.name, place[1]) for made in self._made
        )


def _attributes_set(function: Function) -> Iterator[tuple[s.Attribute, s.Expr]]:
    """The attributes that `function` assigns, with their values."""
    if function.node is not None:
        nodes = s.walk(function.node)
    else:
        nodes = (node for part in function.module.syntax.body for node in s.own_code(part))
    for node in nodes:
        if isinstance(node, s.Assign):
            for target in node.targets:
                if isinstance(target, s.Attribute):
                    yield target, node.value
