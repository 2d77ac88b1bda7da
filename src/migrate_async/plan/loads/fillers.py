"""Schemas that functions which run no SQL fill, for whoever calls them.

    def serialize(page: Page, schema: type[T]) -> Page:
        page.rows = [schema.model_validate(item) for item in page.rows]

Who calls such a function knows the schema, or the objects, or nothing of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function, Scope
from migrate_async.index.types import Types
from migrate_async.model import syntax as s
from migrate_async.plan.colouring.schemas import VALIDATORS
from migrate_async.plan.loads.roots import Roots

_DEEPEST = 3


class Filled(NamedTuple):
    """A schema of `types` is filled from `value` in `scope`; None: nobody knows from what."""

    types: Types
    value: s.Expr | None
    scope: Scope


class _Filling(NamedTuple):
    """What a function fills: `schema` and `value` are its parameters where they have no types."""

    schema: str
    types: Types
    value: str


class Fillers:
    """Answers for one project, in which `is_sync` says what stays as it is."""

    def __init__(self, project: Project, roots: Roots, is_sync: Callable[[Function], bool]) -> None:
        self._project = project
        self._roots = roots
        self._is_sync = is_sync
        self._known: dict[Function, tuple[_Filling, ...]] = {}

    def of(self, call: s.Call, scope: Scope) -> Iterator[Filled]:
        """What the functions that `call` runs fill, seen from there."""
        given: dict[Function, dict[str, s.Expr]] = {}
        for function, parameter, value in self._project.passes(call, scope):
            if self._is_sync(function):
                given.setdefault(function, {})[parameter.name] = value
        for function, arguments in given.items():
            for filling in self._fillings(function, _DEEPEST):
                types = filling.types
                if filling.schema in arguments:
                    types = self._project.infer(arguments[filling.schema], scope)
                yield Filled(types, arguments.get(filling.value), scope)

    def _fillings(self, function: Function, depth: int) -> tuple[_Filling, ...]:
        if function not in self._known:
            self._known[function] = ()  # a function that calls itself fills no more than once
            found = [*self._own(function), *self._handed_on(function, depth)]
            self._known[function] = tuple(dict.fromkeys(found))
        return self._known[function]

    def _own(self, function: Function) -> Iterator[_Filling]:
        for site in function.calls:
            func = site.node.func
            if not isinstance(func, s.Attribute) or func.attr not in VALIDATORS:
                continue
            if site.node.args:
                yield self._filling(function, func.value, site.node.args[0], site.scope)

    def _handed_on(self, function: Function, depth: int) -> Iterator[_Filling]:
        for site in function.calls if depth else ():
            given: dict[Function, dict[str, s.Expr]] = {}
            for target, parameter, value in self._project.passes(site.node, site.scope):
                if target is not function and self._is_sync(target):
                    given.setdefault(target, {})[parameter.name] = value
            for target, arguments in given.items():
                for inner in self._fillings(target, depth - 1):
                    yield self._from(inner, arguments, function, site.scope)

    def _from(
        self, inner: _Filling, arguments: dict[str, s.Expr], function: Function, scope: Scope
    ) -> _Filling:
        """What `inner` is in the `function` that gives these `arguments`."""
        schema = arguments.get(inner.schema)
        value = self._parameter(arguments.get(inner.value), function, scope)
        if schema is None:
            return inner._replace(value=value)
        name = self._parameter(schema, function, scope)
        types = frozenset() if name else self._project.infer(schema, scope)
        return _Filling(name, types, value)

    def _filling(self, function: Function, schema: s.Expr, value: s.Expr, scope: Scope) -> _Filling:
        name = self._parameter(schema, function, scope)
        types = frozenset() if name else self._project.infer(schema, scope)
        return _Filling(name, types, self._parameter(value, function, scope))

    def _parameter(self, expr: s.Expr | None, function: Function, scope: Scope) -> str:
        """The parameter of `function` that `expr` is, or that holds it; empty: something else."""
        if expr is None:
            return ""
        node = function.node
        parameters = {p.name for p in node.params} if isinstance(node, s.FunctionDef) else set()
        for root in self._roots.of(expr, scope, far=True) or ():
            if isinstance(root.node, s.Name) and root.node.id in parameters and not root.path:
                return root.node.id
        return ""
