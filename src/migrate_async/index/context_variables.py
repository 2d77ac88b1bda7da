"""What a `ContextVar` of a module gives: what anybody puts into it, or what it is said to hold.

current: ContextVar[Session] = ContextVar("current")
current.set(db)
current.get().query(User)
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias, Union

from migrate_async.index import scopes as sc
from migrate_async.index.types import UNKNOWN, Types, union
from migrate_async.model import syntax as s

if TYPE_CHECKING:
    from migrate_async.index.infer import Inference

_KIND = "ContextVar"
_Variable: TypeAlias = Union[sc.ValueBinding, sc.AnnotatedBinding]


class ContextVariables:
    """Those of one project."""

    def __init__(self, inference: Inference) -> None:
        self._inference = inference

    def given(self, call: s.Call, scope: sc.Scope) -> Types:
        """What `call` gives, if it is `current.get()`; unknown otherwise."""
        func = call.func
        if not isinstance(func, s.Attribute) or func.attr != "get" or not self._are_some:
            return UNKNOWN
        return union(map(self._held, self._variables(func.value, scope)))

    @cached_property
    def _are_some(self) -> bool:
        return any(
            _makes(call.node) for fn in self._inference.symbols.functions for call in fn.calls
        )

    def _held(self, variable: _Variable) -> Types:
        said = self._said(variable)
        if said:
            return said
        put = self._put.get(variable, ())
        return union(self._inference.infer(value, scope) for value, scope in put)

    def _said(self, variable: _Variable) -> Types:
        """What `ContextVar[Session]` says, in an annotation or a call."""
        written: list[s.Expr] = []
        if isinstance(variable, sc.AnnotatedBinding):
            written.append(variable.annotation)
        if isinstance(variable.value, s.Call):
            written.append(variable.value.func)
        return union(
            self._inference.annotations.types(part.index, variable.scope)
            for part in written
            if isinstance(part, s.Subscript) and sc.last_name(part.value) == _KIND
        )

    @cached_property
    def _put(self) -> dict[_Variable, list[tuple[s.Expr, sc.Scope]]]:
        found: dict[_Variable, list[tuple[s.Expr, sc.Scope]]] = {}
        for fn in self._inference.symbols.functions:
            for call in fn.calls:
                func = call.node.func
                if call.name != "set" or not isinstance(func, s.Attribute) or not call.node.args:
                    continue
                for variable in self._variables(func.value, call.scope):
                    found.setdefault(variable, []).append((call.node.args[0], call.scope))
        return found

    def _variables(self, node: s.Expr, scope: sc.Scope) -> Iterator[_Variable]:
        if not isinstance(node, s.Name):
            return
        for target in self._inference.names.lookup(node.id, scope):
            if isinstance(target, sc.ValueBinding | sc.AnnotatedBinding) and _makes(target.value):
                yield target


def _makes(value: s.Expr | None) -> bool:
    func = value.func if isinstance(value, s.Call) else None
    head = func.value if isinstance(func, s.Subscript) else func
    return sc.last_name(head) == _KIND if head is not None else False
