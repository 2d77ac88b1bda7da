"""The coloured functions while it is sought which of them convert."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from migrate_async.index.plain_givers import entered_at, is_entered
from migrate_async.index.project import Project
from migrate_async.index.scopes import Function, Scope
from migrate_async.index.sites import CallSite
from migrate_async.model import syntax as s
from migrate_async.model.plan import Reason
from migrate_async.plan.colouring.bounds import Bounds


class Candidates:
    """All that convert but for those in `kept`, which only ever grows."""

    def __init__(
        self, project: Project, coloured: Mapping[Function, Reason], bounds: Bounds
    ) -> None:
        self.project = project
        self.coloured = coloured
        self.bounds = bounds
        self.kept: dict[Function, Reason] = {}
        self._splits: dict[Function, bool] = {}
        """Wrappers of decorators -> whether those of a sync copy can stand beside them."""

    def stays(self, function: Function) -> bool:
        """Whether `function` is known to stay sync: it is kept, or takes no part."""
        return function in self.kept or self.bounds.ignore(function)

    def cannot_await(self, caller: Function) -> bool:
        """Whether `caller` stays sync, or has no reason to convert."""
        return self.stays(caller) or caller not in self.coloured

    def run_by(self, function: Function) -> Iterator[tuple[CallSite, Function]]:
        """The candidates that `function` runs, and where."""
        for site in self.project.calls(function):
            yield from ((site, target) for target in site.targets if target in self.coloured)

    def is_split(self, wrapper: Function, target: Function) -> bool:
        """Whether `target` is what a decorator is on of which it can have a sync copy."""
        wrapped = self.project.wrapped_by(wrapper)
        if target not in wrapped:
            return False
        if wrapper not in self._splits:
            run = {other for _, other in self.run_by(wrapper)}
            is_one = wrapper in self.bounds.circumstances.decorators
            self._splits[wrapper] = is_one and run.issubset(wrapped)
        return self._splits[wrapper]

    def is_fetched(self, function: Function, site: CallSite) -> bool:
        """`next(get_db())`, a session of the function's own: it gets that of a factory instead.

        So does `contextmanager(get_db)()`.
        """
        if function not in self.project.session_dependencies:
            return False
        if isinstance(site.node, s.Call) and self._is_entered(function, site.node, site.scope):
            return True
        parent = self.project.parent(site.node)
        return isinstance(parent, s.Call) and s.dotted_name(parent.func) == "next"

    def _is_entered(self, function: Function, call: s.Call, scope: Scope) -> bool:
        """The latter, also by a name for it, if nothing but a session comes of that."""
        if entered_at(call) is not None:
            return True
        types = self.project.infer(call.func, scope)
        return is_entered(call, types) and self.project.opening_of(function) is not None
