"""The engines that an attribute of an object may be: `database.engine`.

A method has put it there, or a property gives it, which may make it, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from migrate_async.index.members import is_property
from migrate_async.index.project import Project
from migrate_async.index.scopes import Class, Function, last_name
from migrate_async.index.sessions import Variable
from migrate_async.model import syntax as s
from migrate_async.plan.colouring.handovers import opened_engines, owner_of
from migrate_async.plan.engine_urls import async_form
from migrate_async.plan.inner_listeners import REGISTER
from migrate_async.plan.makers import Makers
from migrate_async.plan.names import is_variable


class ObjectEngines:
    """Those of a project, and of which of them code that stays sync can have the sync engine.

    The runtime makes that of the URL and the arguments that it has made the async one of; what
    listens to the engine would not listen to it.
    """

    def __init__(self, project: Project) -> None:
        self._project = project
        self._makers = project.shared(Makers)

    def of(self, node: s.Attribute) -> Iterator[Variable]:
        """The engines that `node` may be, as far as their making is known."""
        cls = owner_of(self._project, node)
        if cls is not None:
            yield from self._named(cls, node.attr)
            for function in self._project.functions:
                if function.name == node.attr and function.cls in self._project.mro(cls):
                    yield from self._given(cls, function) if is_property(function) else ()

    def opened_by(self, function: Function) -> Iterator[s.Attribute]:
        """Those that `function` makes a session of; none if it does something else with one."""
        opened = dict.fromkeys(opened_engines(self._project, function))
        if all(node in opened for node in self._read_in(function)):
            yield from opened

    def disposed_by(self, function: Function) -> Iterator[s.Attribute]:
        """Those that `function` disposes of; none if it does something else with one.

        It may ask whether there is one, and put something in its place.
        """
        disposed: list[s.Attribute] = []
        for site in self._project.calls(function):
            func = site.node.func if isinstance(site.node, s.Call) else None
            operation = site.operation
            if operation is None:
                continue
            if (operation.owner, operation.name) != ("engine", "dispose"):
                return
            engine = func.value if isinstance(func, s.Attribute) else None
            if not isinstance(engine, s.Attribute) or owner_of(self._project, engine) is None:
                return
            disposed.append(engine)
        if all(node in disposed or self._is_asked(node) for node in self._read_in(function)):
            yield from disposed

    def _read_in(self, function: Function) -> Iterator[s.Attribute]:
        """The engines of objects that `function` names."""
        for node in function.nodes(s.Attribute):
            if self._project.engine_or_connection(node, function.scope) == "engine":
                yield node

    def _is_asked(self, node: s.Attribute) -> bool:
        """Whether it is only asked whether `node` is there, or something is put there."""
        around = self._project.parent(node)
        if isinstance(around, s.Assign):
            return around.value is not node
        return isinstance(around, s.If | s.Operation)

    def can_block(self, node: s.Attribute) -> bool:
        """Whether the runtime gives a sync engine beside the async one that `node` becomes."""
        found = tuple(self.of(node))
        return bool(found) and not self._has_listeners and all(map(self._is_by_runtime, found))

    def _is_by_runtime(self, engine: Variable) -> bool:
        call = engine.value
        is_made = isinstance(call, s.Call) and last_name(call.func) == "create_engine"
        return is_made and async_form(self._project, engine.module, engine.call).by_runtime

    @cached_property
    def _has_listeners(self) -> bool:
        """Whether something listens to an engine that is none of a module."""
        for function in self._project.functions:
            for call in function.calls if not function.module.is_test else ():
                if call.name not in REGISTER or not call.node.args:
                    continue
                target = call.node.args[0]
                kind = self._project.engine_or_connection(target, call.scope)
                if kind == "engine" and not self._is_of_module(target, function):
                    return True
        return False

    def _is_of_module(self, target: s.Expr, function: Function) -> bool:
        return isinstance(target, s.Name) and any(
            engine.scope.kind == "module"
            and is_variable(function.module, engine.module, engine.name, target.id)
            for engine in self._project.engines
        )

    def _named(self, cls: Class, attr: str) -> Iterator[Variable]:
        """Those that methods of `cls` put into the attribute."""
        names = {f"{owner.qualname}.{attr}" for owner in self._project.mro(cls)}
        return (engine for engine in self._project.engines if engine.qualname in names)

    def _given(self, cls: Class, getter: Function) -> Iterator[Variable]:
        """Those that a property gives."""
        for value in getter.returns:
            if isinstance(value, s.Attribute):
                yield from self._named(cls, value.attr)
        made = (*self._makers.for_functions.get(getter, ()), *self._makers.inside(getter))
        yield from (variable for variable in made if variable.kind == "engine")
