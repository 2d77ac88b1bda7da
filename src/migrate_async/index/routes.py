"""FastAPI routes: functions, methods, full paths, response models, dependencies."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from migrate_async.index import resolve
from migrate_async.index import scopes as sc
from migrate_async.index import types as t
from migrate_async.index.callgraph import CallGraph
from migrate_async.index.declarative import keyword, string
from migrate_async.index.dependencies import Depends
from migrate_async.index.infer import Inference
from migrate_async.index.routers import added_function, called_registration, registrations
from migrate_async.knowledge import fastapi
from migrate_async.model import syntax as s

_MAX_PATHS = 20


class Route(msgspec.Struct, frozen=True, eq=False):
    """One path operation.

    `path` is the first of `paths`: a router that is included twice has two. A prefix that is no
    constant shows as `{its source}`. `response_model` is the decorator's, else the function's
    return annotation, to be read in `scope`. `dependencies` are the functions that FastAPI runs
    for the route, its router and its parameters, in any depth, outermost first. `router` is the
    dotted name of the router or application that the route is registered with.
    """

    function: sc.Function
    methods: tuple[str, ...]
    path: str
    paths: tuple[str, ...]
    response_model: s.Expr | None
    scope: sc.Scope
    dependencies: tuple[sc.Function, ...]
    router: str = ""


def find_routes(inference: Inference, graph: CallGraph) -> list[Route]:
    """All routes, in the order of the functions."""
    return _Finder(inference, graph).routes()


class _Include(msgspec.Struct, frozen=True, eq=False):
    """`parent.include_router(child, prefix=..., dependencies=...)`."""

    parent: s.Call
    call: s.Call
    scope: sc.Scope


class _Finder:
    def __init__(self, inference: Inference, graph: CallGraph) -> None:
        self._inference = inference
        self._graph = graph
        self._homes: dict[s.Call, sc.Scope] = {}
        self._includes: dict[s.Call, list[_Include]] = {}
        for fn in inference.symbols.functions:
            for call in fn.calls:
                self._collect_include(call)

    def routes(self) -> list[Route]:
        found: list[Route] = []
        for fn in self._inference.symbols.functions:
            if fn.is_route:
                found += [self._route(fn, call) for call in registrations(fn, self._inference)]
            for call in fn.calls:
                found += self._added(call)
        return found

    # --- routers -------------------------------------------------------------------------------

    def _router(self, expr: s.Expr, scope: sc.Scope) -> s.Call | None:
        """The call that created the router which `expr` names."""
        for _ in range(8):
            if isinstance(expr, s.Call):
                self._homes[expr] = scope
                return expr
            target = resolve.alias(expr, self._inference.names, scope)
            if target is None:
                return None
            expr, scope = target
        return None

    def _collect_include(self, call: sc.RawCall) -> None:
        func = call.node.func
        if not isinstance(func, s.Attribute) or func.attr not in ("include_router", "mount"):
            return
        child = call.node.args[0] if call.node.args else keyword(call.node, "router")
        if func.attr == "mount":
            child = call.node.args[1] if len(call.node.args) > 1 else keyword(call.node, "app")
        parent = self._router(func.value, call.scope)
        router = self._router(child, call.scope) if child is not None else None
        if parent is not None and router is not None:
            self._includes.setdefault(router, []).append(_Include(parent, call.node, call.scope))

    def _prefixes(self, router: s.Call, seen: tuple[s.Call, ...] = ()) -> list[str]:
        """All prefixes that routes of `router` get."""
        if router in seen:
            return [""]
        own = self._text(keyword(router, "prefix"), self._homes[router])
        found: list[str] = []
        for include in self._includes.get(router, ()):
            added = self._text(_include_prefix(include.call), include.scope)
            around = self._prefixes(include.parent, (*seen, router))
            found += [f"{prefix}{added}{own}" for prefix in around]
        return found[:_MAX_PATHS] or [own]

    def _router_dependencies(
        self, router: s.Call, seen: tuple[s.Call, ...] = ()
    ) -> Iterator[tuple[s.Expr, sc.Scope]]:
        """`dependencies=[...]` of the router and of everything that includes it."""
        if router in seen:
            return
        for include in self._includes.get(router, ()):
            yield from self._router_dependencies(include.parent, (*seen, router))
            yield from _listed(keyword(include.call, "dependencies"), include.scope)
        yield from _listed(keyword(router, "dependencies"), self._homes[router])

    # --- routes --------------------------------------------------------------------------------

    def _route(self, fn: sc.Function, call: s.Call) -> Route:
        assert isinstance(call.func, s.Attribute)  # noqa: S101  see `registrations`
        outer = fn.scope.parent or fn.scope
        methods = fastapi.ROUTE_METHODS[call.func.attr] or _methods(call)
        return self._make(fn, call, methods, call.func.value, outer)

    def _added(self, call: sc.RawCall) -> list[Route]:
        """`router.add_api_route(path, function)`, `router.get(path)(function)`."""
        func = call.node.func
        made = called_registration(call.node, call.scope, self._inference)
        if made is not None and isinstance(made.func, s.Attribute):
            methods = fastapi.ROUTE_METHODS[made.func.attr] or _methods(made)
            return [
                self._make(item.fn, made, methods, made.func.value, call.scope)
                for item in self._inference.infer(call.node.args[0], call.scope)
                if isinstance(item, t.FunctionObject)
            ]
        if not isinstance(func, s.Attribute) or func.attr != "add_api_route":
            return []
        endpoint = added_function(call.node)
        types = self._inference.infer(endpoint, call.scope) if endpoint is not None else ()
        return [
            self._make(item.fn, call.node, _methods(call.node), func.value, call.scope)
            for item in types
            if isinstance(item, t.FunctionObject)
        ]

    def _make(
        self,
        fn: sc.Function,
        call: s.Call,
        methods: tuple[str, ...],
        owner: s.Expr,
        scope: sc.Scope,
    ) -> Route:
        router = self._router(owner, scope)
        own = self._text(call.args[0] if call.args else keyword(call, "path"), scope)
        prefixes = self._prefixes(router) if router is not None else [""]
        paths = tuple(dict.fromkeys(prefix + own for prefix in prefixes))
        model = keyword(call, "response_model")
        if model is None and isinstance(fn.node, s.FunctionDef):
            model = fn.node.returns
        listed = list(self._router_dependencies(router)) if router is not None else []
        listed += _listed(keyword(call, "dependencies"), scope)
        dependencies = self._dependencies(fn, listed)
        home = scope if router is None else self._homes[router]
        name = f"{home.module.name}.{s.dotted_name(owner).rpartition('.')[2]}"
        return Route(fn, methods, paths[0], paths, model, scope, dependencies, name)

    def _dependencies(
        self, fn: sc.Function, listed: list[tuple[s.Expr, sc.Scope]]
    ) -> tuple[sc.Function, ...]:
        found: dict[sc.Function, None] = {}
        for expr, scope in listed:
            if isinstance(expr, s.Call):
                for target in self._graph.dependencies.targets(Depends(expr, scope, None, expr)):
                    self._add_dependency(target, found)
        self._add_parameters(fn, found)
        return tuple(found)

    def _add_dependency(self, fn: sc.Function, found: dict[sc.Function, None]) -> None:
        if fn not in found:
            found[fn] = None
            self._add_parameters(fn, found)

    def _add_parameters(self, fn: sc.Function, found: dict[sc.Function, None]) -> None:
        for site in self._graph.calls.get(fn, ()):
            if site.kind == "dependency":
                for target in site.targets:
                    self._add_dependency(target, found)

    # --- texts ---------------------------------------------------------------------------------

    def _text(self, expr: s.Expr | None, scope: sc.Scope) -> str:
        """The value of a path expression, as far as it is constant."""
        if expr is None:
            return ""
        if isinstance(expr, s.Constant):
            return string(expr)
        if isinstance(expr, s.Operation) and expr.operator in ("f-string", "+"):
            return "".join(self._text(operand, scope) for operand in expr.operands)
        if isinstance(expr, s.Operation) and expr.operator == "format":
            return self._text(expr.operands[0], scope)
        value = self._constant(expr, scope)
        return value if value is not None else "{" + (s.dotted_name(expr) or "...") + "}"

    def _constant(self, expr: s.Expr, scope: sc.Scope) -> str | None:
        """The string that a variable, or a settings object's field, is assigned."""
        target = resolve.alias(expr, self._inference.names, scope)
        if target is not None and isinstance(target[0], s.Constant):
            return str(target[0].value)
        if not isinstance(expr, s.Attribute):
            return None
        for item in t.ordered(self._inference.infer(expr.value, scope)):
            if isinstance(item, t.Instance | t.ClassObject):
                for binding in item.cls.scope.names.get(expr.attr, ()):
                    value = getattr(binding, "value", None)
                    if isinstance(value, s.Constant) and value.kind == "str":
                        return str(value.value)
        return None


def _include_prefix(call: s.Call) -> s.Expr | None:
    is_mount = isinstance(call.func, s.Attribute) and call.func.attr == "mount"
    return call.args[0] if is_mount and call.args else keyword(call, "prefix")


def _methods(call: s.Call) -> tuple[str, ...]:
    """`methods=[...]`, by default GET."""
    given = keyword(call, "methods")
    if not isinstance(given, s.Sequence):
        return ("GET",)
    return tuple(str(item.value).upper() for item in given.items if isinstance(item, s.Constant))


def _listed(expr: s.Expr | None, scope: sc.Scope) -> list[tuple[s.Expr, sc.Scope]]:
    """Items of a `dependencies=[...]` list."""
    return [(item, scope) for item in expr.items] if isinstance(expr, s.Sequence) else []
