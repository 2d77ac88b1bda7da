"""Functions that give out a session of a factory: `def get_session(): return SessionLocal()`.

Or one of the class itself, `return Session(engine)`, or the factory or engine that they make. They
do nothing with it, so that they are no coroutines where the factory, or the engine, becomes async.
Code that stays sync and asks them for a session asks a copy, on the sync one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function, Scope
from migrate_async.index.sessions import Variable
from migrate_async.index.types import FunctionObject
from migrate_async.model import syntax as s
from migrate_async.plan.leftovers.twins import Twins, sync_giver_name
from migrate_async.plan.makers import Makers, binds_factories, has_room, is_scope_shaped
from migrate_async.plan.names import is_bound_inside, is_variable
from migrate_async.plan.object_engines import ObjectEngines
from migrate_async.plan.sessions.classes import has_no_factory


@dataclass(frozen=True)
class Given:
    """What a giver takes its session from, by the names that it uses.

    And the `engines` of objects, each with the code around it that does something with it.
    In a copy of one that `is_fixed` there is no name to put another in the place of: it asks an
    attribute, `self.session()`, or is on the sync side already.
    """

    sources: Mapping[str, Variable] = field(default_factory=dict)
    givers: Mapping[str, Function] = field(default_factory=dict)
    engines: tuple[tuple[s.Attribute, s.Attribute], ...] = ()
    is_fixed: bool = False


class Givers:
    """Those of a project whose factories `becomes_async` holds of, or has held of.

    What an earlier run put on the sync factory may stay there for the sake of others.
    """

    def __init__(
        self,
        project: Project,
        becomes_async: Callable[[Variable], bool],
        anchored: Container[Function],
        twins: Twins,
        is_scope: Callable[[Function], bool],
    ) -> None:
        """`is_scope` tells the context managers that open a session and convert."""
        self._project = project
        self._anchored = anchored
        self._twins = twins
        self._becomes_async = becomes_async
        self._makers = project.shared(Makers)
        self._is_scope = is_scope
        self._known: dict[Function, Given | None] = {}

    def of(self, function: Function) -> Given | None:
        """What `function` takes its session from; None if it is no giver."""
        if function not in self._known:
            self._known[function] = None  # it may call itself
            self._known[function] = self._find(function)
        return self._known[function]

    def called(self, node: s.Name | s.Attribute) -> Function | None:
        """The giver that is called by `node`, for what it gives."""
        around = self._project.parent(node)
        if not isinstance(around, s.Call) or around.func is not node:
            return None
        giver = self._named(node, self._project.scope_of(node))
        is_ignored = isinstance(self._project.parent(around), s.ExpressionStatement)
        return None if giver is not None and is_ignored and binds_factories(giver) else giver

    def sync_name(self, giver: Function) -> str:
        """What its copy is called, or is to be."""
        return sync_giver_name(self._project, giver)

    def can_give_sync(self, giver: Function) -> bool:
        """Whether a copy of `giver` could give out sync sessions beside it."""
        given = self.of(giver)
        if given is None or given.is_fixed:
            return False
        return has_room(self._project, giver) or is_scope_shaped(giver)

    def _named(self, node: s.Expr, scope: Scope) -> Function | None:
        for found in self._project.infer(node, scope):
            if isinstance(found, FunctionObject) and self.of(found.fn) is not None:
                return found.fn
        return None

    def _asks(self, node: s.Expr, scope: Scope) -> Function | None:
        """The giver, or the copy of one, that `node` names."""
        for found in self._project.infer(node, scope):
            if isinstance(found, FunctionObject) and found.fn in self._twins.makers:
                return found.fn
        return self._named(node, scope)

    def _find(self, function: Function) -> Given | None:
        node = function.node
        if node is None or not self._may_be_one(function):
            return None
        if not self._gives_sync(function):
            return None
        names = {
            part.id
            for part in s.walk(node)
            if isinstance(part, s.Name) and not is_bound_inside(part.id, function.scope)
        }
        factories = {
            name: self.original(factory)
            for name, factory in _named(function, names, self._project.session_factories)
            if factory.kind == "sessionmaker"
            and (self._becomes_async(factory) or factory in self._twins.variables)
        }
        calls = [
            (call.node.func, self._asks(call.node.func, call.scope)) for call in function.calls
        ]
        asked = [(func, fn) for func, fn in calls if fn is not None]
        givers = {
            func.id: fn
            for func, fn in asked
            if isinstance(func, s.Name) and fn not in self._twins.makers
        }
        is_fixed = any(
            isinstance(func, s.Attribute) or fn in self._twins.makers for func, fn in asked
        )
        made = (*self._makers.for_functions.get(function, ()), *self._makers.inside(function))
        made_async = any(map(self._becomes_async, made))
        makes = made_async or has_no_factory(self._project, function)
        engines = self._engines(function, names) if makes else {}
        of_objects = self._engines_of_objects(function)
        found = factories or givers or is_fixed or engines or made_async or of_objects
        return Given({**engines, **factories}, givers, of_objects, is_fixed) if found else None

    def _engines_of_objects(
        self, function: Function
    ) -> tuple[tuple[s.Attribute, s.Attribute], ...]:
        """The engines of objects that become async, and that `function`, a scope, works on."""
        if not self._is_scope(function):
            return ()
        engines = self._project.shared(ObjectEngines)
        found = [(node, node) for node in engines.opened_by(function)]
        if not function.is_generator:
            nodes = engines.disposed_by(function)
            found = [(node, parent) for node in nodes if (parent := self._method_of(node))]
        return tuple(
            (node, around)
            for node, around in found
            if any(map(self._becomes_async, engines.of(node)))
        )

    def _method_of(self, node: s.Attribute) -> s.Attribute | None:
        around = self._project.parent(node)
        return around if isinstance(around, s.Attribute) else None

    def _engines(self, function: Function, names: Collection[str]) -> dict[str, Variable]:
        """The engines of modules that a factory which `function` makes may be bound to."""
        return {
            name: engine
            for name, engine in _named(function, names, self._project.engines)
            if engine.kind == "engine" and self._becomes_async(engine)
        }

    def original(self, factory: Variable) -> Variable:
        """The factory or engine that `factory` is the sync side of, if it is that of one."""
        twin = self._twins.variables.get(factory)
        if twin is None:
            return factory
        place = (twin.module, twin.name)
        known = (*self._project.session_factories, *self._project.engines)
        return next((f for f in known if (f.module, f.name) == place), factory)

    def _gives_sync(self, function: Function) -> bool:
        """Whether it gives out sync sessions, or what makes them."""
        if self._is_scope(function):
            return True
        if self._project.sessions_given(function) == {"sync"}:
            return True
        made = self._makers.kinds(function)
        return bool(made) and not any(kind.startswith("async") for kind in made)

    def _may_be_one(self, function: Function) -> bool:
        if function in self._anchored or function in self._twins.makers:
            return False
        if function in self._makers.variables:
            return False  # see `plan.both_worlds.sync_sources`
        if self._is_scope(function):
            return True
        return (
            isinstance(function.node, s.FunctionDef)
            and not function.is_async
            and not function.is_generator
            and bool(function.returns)
            and not function.module.is_test
        )


def _named(
    function: Function, names: Collection[str], sources: Iterable[Variable]
) -> Iterator[tuple[str, Variable]]:
    """Those of `sources` that are variables of modules, by the names that `function` uses."""
    for source in sources:
        for name in names if source.scope.kind == "module" else ():
            if is_variable(function.module, source.module, source.name, name):
                yield name, source
