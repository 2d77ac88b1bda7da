"""Methods that a call of something unknown may run.

Nobody is known to call `Plugin.publish`, and `plugin.publish(db)` is called on something unknown:
whoever does that would not await it.
"""

from __future__ import annotations

from functools import cached_property

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function
from migrate_async.index.sites import CallSite
from migrate_async.index.types import Instance, Method
from migrate_async.model import syntax as s
from migrate_async.model.plan import Reason
from migrate_async.plan.colouring.reasons import at_call

_PLAIN = frozenset({"staticmethod", "classmethod", "abstractmethod", "override"})
"""Decorators that leave a method its parameters; pluggy's, say, drop arguments that it lacks."""


class Unfollowed:
    """Finds for a method that nobody calls a call that may run it all the same."""

    def __init__(self, project: Project) -> None:
        self._project = project

    def reason(self, function: Function) -> Reason | None:
        """Why `function` has to stay as it is: nobody can tell who runs it."""
        is_method = function.cls is not None and not function.is_async and not function.is_route
        uses = self._project.value_uses(function)
        if not is_method or any(not use.function.module.is_test for use in uses):
            return None
        if any(not site.function.module.is_test for site in self._project.callers(function)):
            return None
        for site, call in self._unknown_calls.get(function.name, ()):
            if function.decorator_names - _PLAIN or _takes(function, call):
                text = f"{site.place} calls {function.name}() of something unknown, and may run it"
                return at_call(site, "called-by-name", text)
        return None

    @cached_property
    def _unknown_calls(self) -> dict[str, list[tuple[CallSite, s.Call]]]:
        """The calls of each name on an object of unknown type, outside of tests."""
        found: dict[str, list[tuple[CallSite, s.Call]]] = {}
        for function in self._project.functions:
            for site in self._project.calls(function) if not function.module.is_test else ():
                call = site.node
                if not isinstance(call, s.Call) or not isinstance(call.func, s.Attribute):
                    continue
                if not site.awaited and self._is_unknown(site, call):
                    found.setdefault(call.func.attr, []).append((site, call))
        return found

    def _is_unknown(self, site: CallSite, call: s.Call) -> bool:
        """Whether nobody knows what `call` calls: a method that no class of the project has."""
        if not site.resolved:
            return True
        if site.targets or site.operation is not None:
            return False
        types = self._project.infer(call.func, site.scope)
        return any(isinstance(item, Method) and isinstance(item.owner, Instance) for item in types)


def _takes(method: Function, call: s.Call) -> bool:
    """Whether `method`, called with the arguments of `call`, would not raise a `TypeError`."""
    keywords = {keyword.arg for keyword in call.keywords}
    if None in keywords or any(isinstance(arg, s.Starred) for arg in call.args):
        return True
    params = method.params[1:] if method.self_name else method.params
    kinds = {param.kind for param in params}
    positional = [param for param in params if param.kind.startswith("positional")]
    if len(call.args) > len(positional) and "*" not in kinds:
        return False
    left = [param for param in params if param not in positional[: len(call.args)]]
    names = {param.name for param in left if param.kind in ("positional", "keyword-only")}
    if not keywords <= names and "**" not in kinds:
        return False
    return all(
        param.default is not None or param.name in keywords or param.kind in ("*", "**")
        for param in left
    )
