"""Which queries produced an object, also across functions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec
from msgspec.structs import replace

from migrate_async.index import types as t
from migrate_async.index.project import Project
from migrate_async.index.scopes import (
    AnnotatedBinding,
    Binding,
    Class,
    Function,
    ParameterBinding,
    Scope,
    ValueBinding,
    bindings_of,
)
from migrate_async.index.sites import CallSite
from migrate_async.knowledge.loading import EXECUTES, GETS
from migrate_async.model import syntax as s
from migrate_async.plan.loads.options import Names, loaded
from migrate_async.plan.loads.paths import Path, Step
from migrate_async.plan.loads.roots import Root, Roots
from migrate_async.plan.pages import page_of

_MAX_CALLS = 6
_EXECUTES = EXECUTES - {"stream", "stream_scalars"}
_OTHER_ROWS = frozenset(
    {
        *("union", "union_all", "intersect", "intersect_all", "except_", "except_all"),
        *("from_self", "from_statement", "select_entity_from", "with_entities", "subquery", "cte"),
        *("yield_per", "with_only_columns", "alias", "as_scalar", "scalar_subquery"),
    }
)
"""Methods after which a loader option is about other rows, or does not work."""


_UNKNOWN: frozenset[Names] = frozenset({("<unknown>",)})


class Query(msgspec.Struct, frozen=True):
    """A place where loader options can be put.

    `kind`: `query` (`session.query(X)`, or a call that gives a query or a select), `select`
    (`select(X)`), `get` (`session.get(X, key)`) or `legacy-get` (`node` is the query's head).
    `loaded` is what it loads already.
    """

    kind: str
    node: s.Expr
    function: Function
    loaded: frozenset[Names]


class Hop(msgspec.Struct, frozen=True):
    """An object comes out of `callee`, called at `node` in `caller`; `path` is what it needs."""

    callee: Function
    caller: Function
    node: s.Expr
    path: Path


class Use(msgspec.Struct, frozen=True):
    """`query` produces an object that needs `path`; None: the object is new, or unknown."""

    query: Query | None
    path: Path
    hops: tuple[Hop, ...] = ()


class _Statement(msgspec.Struct, frozen=True):
    """The beginnings of a statement, and what its own options load."""

    heads: tuple[Query, ...]
    loaded: frozenset[Names]


class Producers:
    """Follows objects back to their queries."""

    def __init__(self, project: Project, roots: Roots) -> None:
        self._project = project
        self._roots = roots
        self._uses: dict[tuple[s.Expr, Step], list[Use]] = {}
        self._helpers: list[Function] = []
        """Functions whose queries are being looked at."""

    def of(self, expr: s.Expr, scope: Scope, path: Path) -> list[Use]:
        """Where the objects that `expr` holds come from; one without a query: not known."""
        if not path:
            return self._found(expr, scope, path)
        # Where they come from depends on the first step alone.
        key = expr, path[0]
        if key not in self._uses:
            self._uses[key] = self._found(expr, scope, path[:1])
        found = self._uses[key]
        return [_extended(use, path[1:]) for use in found] if len(path) > 1 else list(found)

    def _found(self, expr: s.Expr, scope: Scope, path: Path) -> list[Use]:
        found = list(self._of(expr, scope, path, ()))
        return list(dict.fromkeys(found)) or [Use(None, path)]

    def _of(self, expr: s.Expr, scope: Scope, path: Path, hops: tuple[Hop, ...]) -> Iterator[Use]:
        roots = self._roots.of(expr, scope, far=True)
        for root in roots or ():
            yield from self._of_root(root, (*root.path, *path), hops)
        if roots is None:
            yield Use(None, path, hops)

    def _of_root(self, root: Root, path: Path, hops: tuple[Hop, ...]) -> Iterator[Use]:
        if isinstance(root.node, s.Name):
            yield from self._of_parameter(root.node, root.scope, path, hops)
        elif isinstance(root.node, s.Call):
            yield from self._of_call(root.node, root.scope, path, hops)
        else:
            yield Use(None, path, hops)

    # --- parameters ----------------------------------------------------------------------------

    def _of_parameter(
        self, name: s.Name, scope: Scope, path: Path, hops: tuple[Hop, ...]
    ) -> Iterator[Use]:
        """What a dependency gives; what callers hand over is their affair."""
        for binding in bindings_of(name.id, scope):
            sites = (
                self._dependencies(binding.function, binding.parameter)
                if isinstance(binding, ParameterBinding)
                else []
            )
            if not sites:
                yield Use(None, path, hops)
            for site in sites:
                yield from self._of_functions(site.targets, site.function, site.node, path, hops)

    def _dependencies(self, function: Function, parameter: s.Parameter) -> list[CallSite]:
        sites = [site for site in self._project.calls(function) if site.kind == "dependency"]
        annotation = parameter.annotation
        if annotation is not None and function.scope.parent is not None:
            annotation = self._project.value_of(annotation, function.scope.parent) or annotation
        inside = set(s.walk(annotation)) if annotation is not None else set()
        return [site for site in sites if site.node is parameter.default or site.node in inside]

    # --- calls ---------------------------------------------------------------------------------

    def _of_call(
        self, call: s.Call, scope: Scope, path: Path, hops: tuple[Hop, ...]
    ) -> Iterator[Use]:
        types = self._project.infer((self._project.bridged(call) or call).func, scope)
        originals = self._project.originals.originals
        functions = tuple(
            originals.get(item.fn, item.fn)
            for item in t.ordered(types)
            if isinstance(item, t.FunctionObject)
        )
        if functions and len(functions) == len(types):
            yield from self._of_functions(functions, scope.function, call, path, hops)
            return
        page = page_of(self._project, call, scope)
        queries = self._queries(call, scope, path[0].model) if path and page is None else None
        if path and page is not None and page.query is not None:
            queries = self._heads(page.query, scope, path[0].model)
        if queries is None:
            yield Use(None, path, hops)
        for query in queries or ():
            yield Use(query, path, hops)

    def _of_functions(
        self,
        functions: Iterable[Function],
        caller: Function,
        node: s.Expr,
        path: Path,
        hops: tuple[Hop, ...],
    ) -> Iterator[Use]:
        for function in functions:
            inner = (*hops, Hop(function, caller, node, path))
            known = all(hop.callee is not function for hop in hops) and len(hops) < _MAX_CALLS
            values = _given(function) if known else []
            if not values:
                yield Use(None, path, hops)
            for value in values:
                yield from self._of(value, self._project.scope_of(value), path, inner)

    # --- queries -------------------------------------------------------------------------------

    def _queries(self, call: s.Call, scope: Scope, model: Class) -> list[Query] | None:
        """The queries whose results `call` gives."""
        func = call.func
        if not isinstance(func, s.Attribute):
            return None
        if self._is_statement(call, scope):  # iterated, without `.all()`
            return self._heads(call, scope, model)
        owner = self._project.infer(func.value, scope)
        if any(isinstance(item, t.QueryOf) for item in owner):
            heads = self._heads(func.value, scope, model)
            is_get = func.attr == "get" and heads is not None
            return [replace(head, kind="legacy-get") for head in heads or ()] if is_get else heads
        if any(isinstance(item, t.ResultOf) for item in owner):
            inner = func.value.value if isinstance(func.value, s.Await) else func.value
            return self._of_result(inner, scope, model)
        if self._project.session_kind(func.value, scope) is None:
            return None
        return self._of_operation(call, func.attr, scope, model)

    def _of_operation(
        self, call: s.Call, name: str, scope: Scope, model: Class
    ) -> list[Query] | None:
        """The queries of `session.name(...)`."""
        if name in _EXECUTES and call.args:
            return self._heads(call.args[0], scope, model)
        return _of_get(call, scope.function) if name in GETS else None

    def _of_result(self, expr: s.Expr, scope: Scope, model: Class) -> list[Query] | None:
        """The queries of a result, which may have a name of its own."""
        if isinstance(expr, s.Call):
            return self._queries(expr, scope, model)
        if not isinstance(expr, s.Name):
            return None
        found: list[Query] = []
        for binding in bindings_of(expr.id, scope):
            value = binding.value if isinstance(binding, ValueBinding) else None
            value = value.value if isinstance(value, s.Await) else value
            queries = self._of_result(value, scope, model) if value is not None else None
            if queries is None or value is expr:
                return None
            found += queries
        return found or None

    def _heads(self, expr: s.Expr, scope: Scope, model: Class) -> list[Query] | None:
        """Where the queries begin that `expr` may be; None: not known."""
        found = self._statement(expr, scope, model, frozenset())
        if found is None or not found.heads:
            return None
        return [replace(head, loaded=head.loaded | found.loaded) for head in found.heads]

    def _statement(
        self, expr: s.Expr, scope: Scope, model: Class, seen: frozenset[Binding]
    ) -> _Statement | None:
        if isinstance(expr, s.Name):
            return self._named(expr, scope, model, seen)
        if not isinstance(expr, s.Call) or not self._is_about(expr, scope, model):
            return None
        func = expr.func
        if not isinstance(func, s.Attribute) or not self._is_statement(func.value, scope):
            kind = "select" if _is_select(expr) else "query"
            given = self._by_helper(expr, scope, model)
            if given is None:
                return None
            return _Statement((Query(kind, expr, scope.function, given),), frozenset())
        inner = self._statement(func.value, scope, model, seen)
        own = loaded(expr.args) if func.attr == "options" else frozenset()
        if inner is None or own is None or func.attr in _OTHER_ROWS:
            return None
        return _Statement(inner.heads, inner.loaded | own)

    def _by_helper(self, call: s.Call, scope: Scope, model: Class) -> frozenset[Names] | None:
        """What the query that a function of the project makes loads; None: not known."""
        found: set[frozenset[Names]] = set()
        for item in t.ordered(self._project.infer(call.func, scope)):
            if not isinstance(item, t.FunctionObject):
                continue
            if item.fn in self._helpers:
                return None
            self._helpers.append(item.fn)
            for value in _given(item.fn):
                made = self._statement(value, self._project.scope_of(value), model, frozenset())
                ways = [head.loaded | made.loaded for head in made.heads] if made else []
                found.update(ways or [_UNKNOWN])
            self._helpers.pop()
        if not found:
            return frozenset()
        return found.pop() if len(found) == 1 and _UNKNOWN not in found else None

    def _named(
        self, name: s.Name, scope: Scope, model: Class, seen: frozenset[Binding]
    ) -> _Statement | None:
        """Every assignment counts: `query = query.filter(...)` adds to the one before."""
        bindings = bindings_of(name.id, scope)
        heads: list[Query] = []
        together: set[Names] = set()
        for binding in bindings:
            if binding in seen:
                continue
            value = binding.value if isinstance(binding, ValueBinding | AnnotatedBinding) else None
            found = (
                self._statement(value, scope, model, seen | set(bindings))
                if value is not None
                else None
            )
            if found is None:
                return None
            heads += found.heads
            together |= found.loaded
        return _Statement(tuple(heads), frozenset(together)) if bindings else None

    def _is_about(self, query: s.Call, scope: Scope, model: Class) -> bool:
        """Whether `query` selects `model` objects, whatever else."""
        types = self._project.infer(query, scope)
        entities = [i.entities for i in types if isinstance(i, t.QueryOf | t.SelectOf)]
        return bool(entities) and all(_selects(found, model) for found in entities)

    def _is_statement(self, expr: s.Expr, scope: Scope) -> bool:
        types = self._project.infer(expr, scope)
        return any(isinstance(item, t.QueryOf | t.SelectOf) for item in types)

    # --- consumers -----------------------------------------------------------------------------

    def callers(self, function: Function) -> frozenset[tuple[Function, s.Expr]]:
        """The places that run `function`."""
        sites = (*self._project.callers(function), *self._project.bridges_to(function))
        return frozenset((site.function, site.node) for site in sites)


def _extended(use: Use, path: Path) -> Use:
    """The same for an object that needs `path` from there on."""
    hops = tuple(replace(hop, path=(*hop.path, *path)) for hop in use.hops)
    return replace(use, path=(*use.path, *path), hops=hops)


def _given(function: Function) -> list[s.Expr]:
    """The values that a call of `function`, or a dependency on it, gives."""
    values = [item.value for item in function.yields if item.value] or function.returns
    return [v for v in values if not (isinstance(v, s.Constant) and v.kind == "None")]


def _of_get(call: s.Call, function: Function) -> list[Query] | None:
    given = next((k.value for k in call.keywords if k.arg == "options"), None)
    if given is None:
        return [Query("get", call, function, frozenset())]
    known = loaded(given.items) if isinstance(given, s.Sequence) else None
    return None if known is None else [Query("get", call, function, known)]


def _selects(entities: tuple[t.Entity, ...], model: Class) -> bool:
    """Whether `model` is one of the `entities`, as a class, exactly once."""
    same = [entity for entity in entities if entity.kind == "class" and entity.model is model]
    return len(same) == 1


def _is_select(call: s.Call) -> bool:
    return s.dotted_name(call.func).rpartition(".")[2] == "select"
