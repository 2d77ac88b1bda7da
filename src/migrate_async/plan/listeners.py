"""SQLAlchemy events: listeners of what becomes async listen to its sync side.

Events of an `AsyncEngine` happen at `engine.sync_engine`, those of an `AsyncSession` at its
`sync_session`; SQLAlchemy refuses listeners of the async objects when they are registered, so that
the application would not start.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from migrate_async.index.project import Project
from migrate_async.index.scopes import Class, Function, FunctionBinding, Module, Scope
from migrate_async.index.sessions import Variable
from migrate_async.index.types import ClassObject, External, FunctionObject
from migrate_async.model import plan as p
from migrate_async.model import syntax as s
from migrate_async.model.diagnostic import Diagnostic, at
from migrate_async.plan.both_worlds.refusals import CANNOT_STAY
from migrate_async.plan.engines import NAME
from migrate_async.plan.inner_listeners import INSIDE, REGISTER, is_event, kind_inside
from migrate_async.plan.module_edits import ModuleEdits, add_import
from migrate_async.plan.own_session_classes import own_class

_CONNECTION_EVENTS = frozenset({"checkin", "checkout", "close", "connect", "first_connect"})
_SQLITE_CONNECTIONS = frozenset({"sqlite3.Connection", "sqlite3.dbapi2.Connection"})
_ADAPTER = ("sqlalchemy.dialects.sqlite.aiosqlite", "AsyncAdapt_aiosqlite_connection")


@dataclass(frozen=True)
class _Listening:
    """A call that registers a listener of `target`, or asks for it."""

    call: s.Call
    function: Function
    scope: Scope

    @property
    def target(self) -> s.Expr:
        return self.call.args[0]

    @property
    def event(self) -> str:
        name = self.call.args[1] if len(self.call.args) > 1 else None
        return str(name.value) if isinstance(name, s.Constant) else ""


class Listeners:
    """Plans the edits of all listeners of a project."""

    def __init__(
        self,
        project: Project,
        becomes_async: Callable[[Variable], bool],
        converts: Callable[[Function], bool],
    ) -> None:
        self._project = project
        self._converts = converts
        self._engines = [e for e in project.engines if e.kind == "engine" and becomes_async(e)]
        self._factories = [
            f for f in project.session_factories if f.kind == "sessionmaker" and becomes_async(f)
        ]

    def edits(self, twins: Collection[Variable]) -> Iterator[tuple[Module, ModuleEdits]]:
        """`twins` are the engines that keep a sync one beside them."""
        for listening in self._listenings():
            found = ModuleEdits()
            self._retarget(found, listening, twins)
            self._recognise(found, listening)
            yield listening.function.module, found

    def _listenings(self) -> Iterator[_Listening]:
        for function in self._project.functions:
            for call in function.calls:
                if (
                    call.name in REGISTER
                    and call.node.args
                    and is_event(self._project, call.node, call.scope)
                ):
                    yield _Listening(call.node, function, call.scope)

    # --- what is listened to -------------------------------------------------------------------

    def _retarget(
        self, found: ModuleEdits, listening: _Listening, twins: Collection[Variable]
    ) -> None:
        engine = self._named(listening, self._engines)
        if engine is not None:
            self._replace(found, listening, "{}.sync_engine")
            if engine in twins:
                found.diagnostics.append(_unheard(listening, engine))
        elif (factory := self._named(listening, self._factories)) is not None:
            self._listen_to_sessions(found, listening, factory)
        elif self._converts(listening.function):
            kind = kind_inside(self._project, listening.function, listening.target)
            if kind:
                self._replace(found, listening, f"{{}}.{INSIDE[kind]}")

    def _named(self, listening: _Listening, variables: Collection[Variable]) -> Variable | None:
        """The one of `variables` whose value the target is."""
        values = self._project.assigned(listening.target, listening.scope)
        return next((found for found in variables if found.value in values), None)

    def _replace(self, found: ModuleEdits, listening: _Listening, code: str) -> None:
        span = listening.target.span
        found.edits.append(p.ReplaceExpression(span=span, codemod=NAME, code=code))

    def _listen_to_sessions(
        self, found: ModuleEdits, listening: _Listening, factory: Variable
    ) -> None:
        """A factory's sessions are those of its own class, or all, where nothing else makes any."""
        module = listening.function.module
        own = self._class_of_one(factory)
        if own is not None:
            is_here = own.module is module
            name = (
                own.name if is_here else add_import(found, module, own.module.name, own.name, NAME)
            )
        elif self._makes_others():
            found.diagnostics.append(_of_one_factory(listening))
            return
        else:
            name = add_import(found, module, "sqlalchemy.orm", "Session", NAME)
        self._replace(found, listening, name)
        found.unneeded.append(s.dotted_name(listening.target).partition(".")[0])

    def _class_of_one(self, factory: Variable) -> Class | None:
        """The session class of `factory`, if only that makes sessions of it."""
        own = self._own_class(factory)
        if own is None or own.subs:
            return None
        factories = self._project.session_factories
        if any(self._own_class(other) is own for other in factories if other is not factory):
            return None
        made = (call for function in self._project.functions for call in function.calls)
        return None if any(call.name == own.name for call in made) else own

    def _own_class(self, factory: Variable) -> Class | None:
        value = own_class(self._project, factory)
        types = self._project.infer(value, factory.scope) if value is not None else ()
        return next((item.cls for item in types if isinstance(item, ClassObject)), None)

    def _makes_others(self) -> bool:
        if len(self._project.session_factories) > 1:
            return True
        return any(
            call.name == "Session"
            and self._project.session_kind(call.node, call.scope) is not None
            and not function.module.is_test
            for function in self._project.functions
            for call in function.calls
        )

    # --- what a listener recognises ------------------------------------------------------------

    def _recognise(self, found: ModuleEdits, listening: _Listening) -> None:
        """`isinstance(connection, sqlite3.Connection)`: aiosqlite's is none."""
        if listening.event not in _CONNECTION_EVENTS or not self._engines:
            return
        for function in self._listeners(listening):
            for call in function.calls:
                if call.name == "isinstance" and len(call.node.args) == 2:
                    self._widen(found, call.node.args[1], call.scope)

    def _widen(self, found: ModuleEdits, kinds: s.Expr, scope: Scope) -> None:
        each = kinds.items if isinstance(kinds, s.Sequence) else (kinds,)
        names = {name for kind in each for name in self._externals(kind, scope)}
        if names.isdisjoint(_SQLITE_CONNECTIONS) or ".".join(_ADAPTER) in names:
            return
        name = add_import(found, scope.module, *_ADAPTER, NAME)
        code = f"({{}}, {name})"
        found.edits.append(p.ReplaceExpression(span=kinds.span, codemod=NAME, code=code))

    def _externals(self, expr: s.Expr, scope: Scope) -> Iterator[str]:
        for found in self._project.infer(expr, scope):
            if isinstance(found, External):
                yield found.dotted

    def _listeners(self, listening: _Listening) -> Iterator[Function]:
        """The function that is registered: decorated, or an argument, in the same module."""
        for value in listening.call.args[2:3]:
            for found in self._project.infer(value, listening.scope):
                if isinstance(found, FunctionObject) and found.fn.module is listening.scope.module:
                    yield found.fn
        around = self._project.parent(listening.call)
        if isinstance(around, s.FunctionDef) and listening.call in around.decorators:
            for binding in listening.scope.names.get(around.name, ()):
                if isinstance(binding, FunctionBinding) and binding.function.node is around:
                    yield binding.function


def _unheard(listening: _Listening, engine: Variable) -> Diagnostic:
    return at(
        listening.function.module.path,
        listening.call.span,
        "MA408",
        f"the listener hears {engine.name} only, not the sync engine of code that stays sync",
        f"register it for `sync_{engine.name}`, too, until `finish` removes that",
    )


def _of_one_factory(listening: _Listening) -> Diagnostic:
    return at(
        listening.function.module.path,
        listening.target.span,
        CANNOT_STAY,
        "an async session factory has no events, and other sessions of the application would be "
        "heard, too, if the listener was for all",
        "listen to a subclass of Session that the factory makes: `sessionmaker(class_=...)`",
    )
