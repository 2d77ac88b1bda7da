"""Context managers that open a session of their own, for whoever enters them.

    @contextmanager
    def session_scope():
        session = SessionLocal()
        try: yield session; ...

The session may come from a function that opens it, `session = get_session()`, or from the class, on
the engine of an object: `with Session(self.engine) as session:`.

So it is with what disposes of the engine of an object, `def stop(self): self._engine.dispose()`.

They convert for code that does. Code that stays sync, a thread or a task of a queue, enters a copy
on the sync factory, `sync_session_scope`: no two of them share a session.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function
from migrate_async.index.sessions import Variable
from migrate_async.index.types import FunctionObject
from migrate_async.model import syntax as s
from migrate_async.plan.makers import has_room, is_plain_giver, is_scope_shaped
from migrate_async.plan.names import is_bound_inside, is_variable
from migrate_async.plan.object_engines import ObjectEngines

_MAX_CALLS = 3
"""How far it may be from a context manager to the factory."""


class SessionScopes:
    """Those of a project of which a copy can be made."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._engines = project.shared(ObjectEngines)

    def __contains__(self, function: object) -> bool:
        return function in self._found

    @cached_property
    def _found(self) -> frozenset[Function]:
        return frozenset(filter(self._is_one, self._project.functions))

    def _is_one(self, function: Function) -> bool:
        if function.module.is_test:
            return False
        if is_scope_shaped(function):
            return self._opens(function)
        return self._disposes(function)

    def _disposes(self, function: Function) -> bool:
        if function.is_generator or function.decorators or not has_room(self._project, function):
            return False
        engines = tuple(self._engines.disposed_by(function)) if _says_dispose(function) else ()
        return bool(engines) and all(map(self._engines.can_block, engines))

    def _opens(self, function: Function, calls: int = _MAX_CALLS) -> bool:
        """Whether it gives sessions of a factory that it names, or a function that it asks."""
        if (
            self._project.sessions_given(function) != {"sync"}
            or self._project.takes_session(function, "sync")
            or self._names(function, self._project.engines)
        ):
            return False
        if self._names(function, self._project.session_factories):
            return True
        engines = tuple(self._engines.opened_by(function))
        if engines:
            return all(map(self._engines.can_block, engines))
        asked = self._asked(function) if calls else ()
        return any(self._opens(inner, calls - 1) for inner in asked)

    def _asked(self, function: Function) -> Iterator[Function]:
        """The functions of modules that `function` calls by their names, and that only return."""
        for call in function.calls:
            types = self._project.infer(call.node.func, call.scope)
            if isinstance(call.node.func, s.Name) and len(types) == 1:
                found = next(iter(types))
                if isinstance(found, FunctionObject) and is_plain_giver(found.fn):
                    yield found.fn

    def _names(self, function: Function, sources: Sequence[Variable]) -> bool:
        """Whether `function` uses one of `sources`, of a module, by its name."""
        names = {
            node.id
            for node in function.nodes(s.Name)
            if not is_bound_inside(node.id, function.scope)
        }
        return any(
            source.kind in ("sessionmaker", "engine")
            and source.scope.kind == "module"
            and is_variable(function.module, source.module, source.name, name)
            for source in sources
            for name in names
        )


def _says_dispose(function: Function) -> bool:
    return any(call.name == "dispose" for call in function.calls)
