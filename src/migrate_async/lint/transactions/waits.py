"""Calls of a function that wait for something outside of the process."""

from __future__ import annotations

from migrate_async.index import types as t
from migrate_async.index.project import Project
from migrate_async.index.scopes import Function, Scope
from migrate_async.knowledge import external
from migrate_async.model import syntax as s

_MAX_DEPTH = 2


class Waits:
    """Answers `of_call`: what a call waits for, here or in the project functions that it runs."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._inner: dict[Function, str] = {}

    def of_call(self, call: s.Call, scope: Scope) -> tuple[str, bool]:
        """The name of what is waited for, empty if nothing; whether `call` itself does."""
        own = self._own(call, scope)
        if own:
            return own, True
        for item in t.ordered(self._project.infer(call.func, scope)):
            if isinstance(item, t.FunctionObject):
                inner = self._of_function(item.fn, 1)
                if inner:
                    return inner, False
        return "", False

    def _of_function(self, function: Function, depth: int) -> str:
        if function not in self._inner:
            self._inner[function] = ""  # for recursive functions
            self._inner[function] = self._found(function, depth)
        return self._inner[function]

    def _found(self, function: Function, depth: int) -> str:
        if function.is_generator:
            return ""  # a call of it runs nothing yet
        for call in function.calls:
            own = self._own(call.node, call.scope)
            if own:
                return own
            if depth >= _MAX_DEPTH:
                continue
            for item in self._project.infer(call.node.func, call.scope):
                if isinstance(item, t.FunctionObject):
                    inner = self._of_function(item.fn, depth + 1)
                    if inner:
                        return inner
        return ""

    def _own(self, call: s.Call, scope: Scope) -> str:
        func = call.func
        for item in t.ordered(self._project.infer(func, scope)):
            if isinstance(item, t.External) and item.dotted in external.FUNCTIONS:
                return "" if _is_no_sleep(call) else item.dotted
        if not isinstance(func, s.Attribute) or func.attr in external.QUIET:
            return ""
        return self._client(func.value, scope)

    def _client(self, expr: s.Expr, scope: Scope) -> str:
        """The class of the client whose attribute, at some depth, is called."""
        while True:
            for item in t.ordered(self._project.infer(expr, scope)):
                dotted = getattr(item, "dotted", "")
                if isinstance(item, t.ExternalInstance) and dotted in external.CLIENTS:
                    return dotted
                if isinstance(item, t.ExternalResult) and dotted in external.MADE_CLIENTS:
                    return dotted
            if not isinstance(expr, s.Attribute):
                return ""
            expr = expr.value


def _is_no_sleep(call: s.Call) -> bool:
    """`sleep(0)` only lets others run."""
    value = call.args[0] if call.args else None
    name = s.dotted_name(call.func).rpartition(".")[2]
    return name == "sleep" and isinstance(value, s.Constant) and value.value == 0
