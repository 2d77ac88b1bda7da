"""Routes that may take a session of their own, on the sync driver, in the place of the request's.

    db.connection().connection.cursor()

No sync side of an async session has that. Where nothing else in the request gets its session, a
route that does so, or whose task does, is the only one to work on it: it takes one from
`get_blocking_db`, and everything else converts.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function
from migrate_async.index.sessions import Variable
from migrate_async.index.types import FunctionObject
from migrate_async.knowledge.shim import BLOCKING_SESSION
from migrate_async.model import syntax as s
from migrate_async.plan.leftovers.twins import SYNC_DEPENDENCY, blocking_name, sync_dependency_name
from migrate_async.plan.names import is_variable

_DEPENDENCIES = "dependencies"


class BlockingSessions:
    """Those of a project."""

    def __init__(self, project: Project) -> None:
        self._project = project

    def factory(self, holder: Function, node: s.Name | s.Attribute) -> Variable | None:
        """The factory of the session that `holder` would get by `node`, a dependency; or None."""
        dependency = self._meant(holder, node)
        if dependency is None or dependency.self_name or "sync" in dependency.name:
            return None
        if _is_taken(dependency) or not self._has_for_itself(holder, dependency):
            return None
        return self._opened(dependency)

    def _meant(self, holder: Function, node: s.Name | s.Attribute) -> Function | None:
        for found in self._project.infer(node, holder.scope):
            if isinstance(found, FunctionObject) and found.fn in self._project.session_dependencies:
                return found.fn
        return None

    def _opened(self, dependency: Function) -> Variable | None:
        """The factory of a module that `dependency` opens a session of, and closes it."""
        call = self._project.opening_of(dependency)
        name = s.dotted_name(call.func) if call is not None else ""
        for factory in self._project.session_factories:
            is_of_module = factory.kind == "sessionmaker" and factory.scope.kind == "module"
            home = dependency.module
            if is_of_module and is_variable(home, factory.module, factory.name, name):
                return factory
        return None

    def _has_for_itself(self, holder: Function, dependency: Function) -> bool:
        """Whether no other function that FastAPI calls for a request gets the session of it."""
        if not holder.is_route:
            return not self._is_injected(holder)
        if any(self._reaches(user, dependency) for user in self._of_routers()):
            return False
        return not any(
            self._reaches(used, dependency) for used in self._used(holder) if used is not dependency
        )

    def _is_injected(self, function: Function) -> bool:
        sites = self._project.callers(function)
        uses = self._project.value_uses(function)
        return any(site.kind == "dependency" for site in sites) or any(
            use.is_injected for use in uses
        )

    def _of_routers(self) -> Iterator[Function]:
        """What is injected for the routes of a router or an application, who knows which."""
        for function in self._project.functions:
            uses = self._project.value_uses(function)
            if any(use.is_injected and self._is_in_list(use.node) for use in uses):
                yield function

    def _is_in_list(self, node: s.Expr) -> bool:
        """Whether `node` is in `dependencies=[Depends(check)]`, of a router perhaps."""
        around = self._project.parent(node)
        while isinstance(around, s.Call | s.Sequence | s.Keyword):
            if isinstance(around, s.Keyword) and around.arg == _DEPENDENCIES:
                return True
            around = self._project.parent(around)
        return False

    def _reaches(self, function: Function, dependency: Function) -> bool:
        """Whether FastAPI calls `dependency` for `function`, or that itself is it."""
        seen = {function}
        pending = [function]
        while pending:
            current = pending.pop()
            if current is dependency:
                return True
            found = [used for used in self._used(current) if used not in seen]
            seen.update(found)
            pending += found
        return False

    def _used(self, function: Function) -> Iterator[Function]:
        for site in self._project.calls(function):
            if site.kind == "dependency":
                yield from site.targets


def _is_taken(dependency: Function) -> bool:
    """Whether the project has something of its own by the name that the new one would have."""
    sides = {SYNC_DEPENDENCY, sync_dependency_name(dependency.name)}
    names = dependency.module.scope.names
    return BLOCKING_SESSION not in names and not names.keys().isdisjoint(map(blocking_name, sides))
