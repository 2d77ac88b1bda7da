"""The linked project: one object that answers every question of the planners.

    project = build([ModuleInput("app/crud.py", "app.crud", False, extract(text)), ...])

Everything that costs is done once, in `build` or on first use, and remembered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TypeVar, cast, get_args

from migrate_async.config import Settings
from migrate_async.index import (
    boundaries,
    bridges,
    callgraph,
    declarative,
    infer,
    orm,
    plain_givers,
    resolve,
    routes,
    sessions,
    suites,
)
from migrate_async.index.calls import arguments
from migrate_async.index.columns import Column
from migrate_async.index.fillings import Filling
from migrate_async.index.operations import Operation
from migrate_async.index.originals import Originals
from migrate_async.index.orm import Model
from migrate_async.index.override_tables import is_display
from migrate_async.index.parameters import callable_params
from migrate_async.index.relationships import Relationship
from migrate_async.index.routes import Route
from migrate_async.index.scopes import Binding, Class, Function, Module, ModuleInput, Scope
from migrate_async.index.sessions import Variable
from migrate_async.index.sites import CallSite, ValueUse
from migrate_async.index.types import Instance, Types, forget_orders, in_order, ordered
from migrate_async.index.walk import Parent, Symbols, walk_module
from migrate_async.model import syntax as s
from migrate_async.model.profile import Profile
from migrate_async.source.templates import Templates, no_templates

__all__ = [
    "CallSite",
    "Class",
    "Column",
    "Function",
    "Model",
    "Module",
    "ModuleInput",
    "Operation",
    "Project",
    "Relationship",
    "Route",
    "Scope",
    "ValueUse",
    "Variable",
    "build",
]

Shared = TypeVar("Shared")


def build(
    modules: Iterable[ModuleInput],
    settings: Settings | None = None,
    templates: Templates = no_templates,
    profile: Profile | None = None,
) -> Project:
    """Index and link `modules`. Never reads a module, imports or runs the target.

    `templates` gives the texts of Jinja templates that the modules name; `profile` is what was
    recorded of the project.
    """
    return Project(modules, settings or Settings(), templates, profile)


class Project:
    """Facts of every module, linked."""

    def __init__(
        self,
        modules: Iterable[ModuleInput],
        settings: Settings,
        templates: Templates = no_templates,
        profile: Profile | None = None,
    ) -> None:
        forget_orders()
        self.settings = settings
        self.templates = templates
        self.profile = profile
        self._symbols = Symbols()
        walked = [walk_module(source, self._symbols) for source in modules]
        self._orders: dict[Class, tuple[Class, ...]] = {}
        self._attributes: dict[Model, frozenset[str]] = {}
        self._shared: dict[object, object] = {}
        self.modules: dict[str, Module] = {module.name: module for module in walked}
        self.functions: list[Function] = self._symbols.functions
        self.classes: list[Class] = self._symbols.classes
        names = resolve.Names(walked)
        suites.mark_suites(names, walked, self.functions)
        self._inference = infer.Inference(names, self._symbols, settings)
        self._inference.descriptors.mark()
        self._known = self._inference.known
        self._graph = callgraph.CallGraph(self._inference)
        with infer.deep_recursion():
            self._link()
        names.forget()

    def _link(self) -> None:
        self._inference.hierarchy.link(self.classes)
        suites.mark_tests(self._inference.hierarchy, self.functions, self.settings.test_classes)
        declarative.prepare(self._inference)
        self._graph.build()
        boundaries.mark(self._inference, self._graph)

    # --- names ---------------------------------------------------------------------------------

    @cached_property
    def _by_qualname(self) -> dict[str, Function]:
        # The last definition of a name wins, as it does at run time.
        return {fn.qualname: fn for fn in self.functions}

    @cached_property
    def _classes_by_qualname(self) -> dict[str, Class]:
        return {cls.qualname: cls for cls in self.classes}

    @cached_property
    def _definitions(self) -> dict[object, Function]:
        return {fn.node: fn for fn in self.functions if fn.node is not None}

    def function(self, qualname: str) -> Function | None:
        """The function `app.crud.user.CRUDUser.get`; `app.crud.<module>` for a module's body."""
        return self._by_qualname.get(qualname)

    def cls(self, qualname: str) -> Class | None:
        """The class `app.models.User`."""
        return self._classes_by_qualname.get(qualname)

    @cached_property
    def _by_module(self) -> dict[Module, list[Function]]:
        found: dict[Module, list[Function]] = {}
        for fn in self.functions:
            found.setdefault(fn.module, []).append(fn)
        return found

    def functions_of(self, module: Module) -> Sequence[Function]:
        """The functions in `module`, its body and lambdas included, in source order."""
        return self._by_module.get(module, ())

    @property
    def names(self) -> resolve.Names:
        """What names stand for, imports followed."""
        return self._inference.names

    def definition(self, node: s.FunctionDef | s.Lambda) -> Function:
        """The function that `node` defines."""
        return self._definitions[node]

    # --- types ---------------------------------------------------------------------------------

    def infer(self, expr: s.Expr, scope: Scope) -> Types:
        """What `expr`, read in `scope`, can be; empty: unknown."""
        known = self._known(expr)
        if known is not None:
            return known
        with infer.deep_recursion():
            return self._inference.infer(expr, scope)

    def annotated(self, annotation: s.Expr, scope: Scope) -> Types:
        """What a value annotated `annotation` can be."""
        with infer.deep_recursion():
            return in_order(self._inference.annotations.types(annotation, scope))

    def returns(self, fn: Function) -> Types:
        """What a call of `fn` gives."""
        with infer.deep_recursion():
            return in_order(self._inference.calls.returns(fn, None))

    def session_kind(self, expr: s.Expr, scope: Scope) -> sessions.SessionKind | None:
        """Whether the value of `expr` is a `Session` or an `AsyncSession`."""
        return sessions.session_kind(self.infer(expr, scope), self._inference.hierarchy)

    def sessions_given(self, fn: Function) -> frozenset[sessions.SessionKind | None]:
        """The kinds of sessions that `fn` returns and yields; None for anything else."""
        return frozenset(
            None if value is None else self.session_kind(value, fn.scope) for value in fn.given
        )

    def takes_session(self, fn: Function, kind: sessions.SessionKind) -> bool:
        """Whether a parameter of `fn` is a session of this `kind`."""
        return any(
            self.session_kind(s.Name(*param.span, param.name), fn.scope) == kind
            for param in fn.params
        )

    def engine_or_connection(self, expr: s.Expr, scope: Scope) -> str | None:
        """`engine`, `connection`, `async-engine` or `async-connection`."""
        return sessions.engine_or_connection(self.infer(expr, scope))

    def fixture(self, name: str, user: Function) -> Function | None:
        """The fixture that pytest gives `user`, a test or fixture, for its parameter `name`."""
        return self._inference.parameters.fixture(name, user)

    def assigned(self, name: s.Expr, scope: Scope) -> list[s.Expr]:
        """What the variable `name`, read in `scope`, is assigned, here or there.

        Nothing if it may be something else, too: a parameter, the target of a loop.
        """
        return resolve.values(name, self._inference.names, scope)

    def put_into(self, binding: Binding) -> tuple[Filling, ...]:
        """What statements put into the container that a variable, or attribute, begins with."""
        return tuple(self._inference.fillings.into(binding))

    def value_of(self, name: s.Expr, scope: Scope) -> s.Expr | None:
        """The one expression that the variable `name`, read in `scope`, is ever assigned."""
        found = self.assigned(name, scope)
        return found[0] if len(found) == 1 else None

    def bases(self, cls: Class) -> frozenset[str]:
        """Canonical dotted names of the external classes that `cls` inherits from."""
        return self._inference.hierarchy.externals(cls)

    def mro(self, cls: Class) -> tuple[Class, ...]:
        """`cls` and the project classes that it inherits from, nearest first."""
        found = self._orders.get(cls)
        if found is None:
            order = self._inference.hierarchy.order(cls)
            found = tuple(item.cls for item in order if item.cls is not None)
            self._orders[cls] = found
        return found

    def overlap(self, one: Class, other: Class) -> bool:
        """Whether an object can be of both classes, as far as these inherit from each other."""
        return one in self.mro(other) or other in self.mro(one)

    def descriptors(self, cls: Class) -> Iterator[tuple[str, Function]]:
        """The attributes of `cls` that are descriptors of the project, and what reads them."""
        return self._inference.descriptors.of(cls)

    def attribute_types(self, cls: Class, name: str) -> Types:
        """What `self.name` can be in an object of `cls`."""
        with infer.deep_recursion():
            return in_order(self._inference.members.attribute(Instance(cls), name))

    def session_kind_of(self, types: Types) -> sessions.SessionKind | None:
        """Whether `types` are those of a `Session` or an `AsyncSession`."""
        return sessions.session_kind(types, self._inference.hierarchy)

    def subclasses(self, cls: Class) -> tuple[Class, ...]:
        """Direct and indirect subclasses of `cls`."""
        return self._inference.hierarchy.subclasses(cls)

    def overriding(self, method: Function) -> list[Function]:
        """The methods that run in the place of `method` in subclasses of its class."""
        if method.cls is None:
            return []
        return self._inference.hierarchy.overriding(method.cls, method.name)

    # --- calls ---------------------------------------------------------------------------------

    def calls(self, fn: Function) -> list[CallSite]:
        """What `fn` runs, in source order per kind of site."""
        return self._graph.calls.get(fn, [])

    def passes(self, call: s.Call, scope: Scope) -> Iterator[tuple[Function, s.Parameter, s.Expr]]:
        """The project functions that `call` may run, with their parameters and the arguments."""
        with infer.deep_recursion():
            for item in ordered(self._inference.infer(call.func, scope)):
                for fn, receiver in self._inference.members.callables(item):
                    for param, value in arguments(callable_params(fn, receiver), call):
                        yield fn, param, value

    def is_session_resolver(self, call: s.Call) -> bool:
        """Whether the settings name `call` as one that gives a session."""
        return self._inference.library.is_session_resolver(call)

    def passes_session(self, site: CallSite) -> bool:
        """Whether an argument of the call `site` is a session; what a bridge is given is none."""
        known = self._graph.passing.get(site)
        if known is not None:
            return known
        with infer.deep_recursion():
            return self._graph.passes_session(site)

    def shared(self, kind: Callable[[Project], Shared]) -> Shared:
        """The one `kind(self)` for all who ask: what it finds is found once."""
        if kind not in self._shared:
            self._shared[kind] = kind(self)
        return cast("Shared", self._shared[kind])

    def callees(self, fn: Function) -> Iterator[Function]:
        """The functions of the project that `fn` calls, once for each call."""
        for site in self.calls(fn):
            if site.kind == "call":
                yield from site.targets

    def runs(self, fn: Function) -> Iterator[Function]:
        """The functions of the project that the code of `fn` runs, also by a bridge.

        Not the dependencies, which FastAPI runs for it.
        """
        for site in (*self.calls(fn), *self.bridges(fn)):
            if site.kind != "dependency":
                yield from site.targets

    def callers(self, fn: Function) -> list[CallSite]:
        """The sites that run `fn`."""
        return self._graph.callers.get(fn, [])

    def bridges(self, fn: Function) -> list[CallSite]:
        """The bridges (see `index.bridges`) in `fn` that run a function of the project."""
        return self._graph.bridges.get(fn, [])

    def bridges_to(self, fn: Function) -> list[CallSite]:
        """The bridges that run `fn`, and its calls in the lambdas that bridges run."""
        inside = [site for site in self.callers(fn) if site.kind == "bridge"]
        return [*self._graph.bridged.get(fn, []), *inside]

    def bridged(self, node: s.AnyNode | s.ModuleSyntax) -> s.Call | None:
        """The direct form of the call `node`, if that is a bridge (see `index.bridges`)."""
        if not isinstance(node, s.Call) or not bridges.may_be_bridge(node):
            return None
        with infer.deep_recursion():
            found = bridges.is_bridge(node, self.scope_of(node), self._inference)
        return bridges.direct(node) if found else None

    @property
    def originals(self) -> Originals:
        """Sync functions that stay beside the coroutine function which takes their place."""
        return self._graph.originals

    @cached_property
    def route_dependencies(self) -> Mapping[Function, tuple[Function, ...]]:
        """What FastAPI runs for each function that serves a route, or several."""
        found: dict[Function, dict[Function, None]] = {}
        for route in self.routes:
            found.setdefault(route.function, {}).update(dict.fromkeys(route.dependencies))
        return {function: tuple(dependencies) for function, dependencies in found.items()}

    def value_uses(self, fn: Function) -> list[ValueUse]:
        """Where `fn` is used as a value."""
        return self._graph.value_uses.get(fn, [])

    def wrapped_by(self, fn: Function) -> tuple[Function, ...]:
        """The functions in whose place `fn` runs, because their decorator returns it."""
        return self._wrapped.get(fn, ())

    def injected_parameters(self, fn: Function) -> Iterator[tuple[s.Parameter, bool]]:
        """The parameters that FastAPI fills by a dependency, and whether that one is known."""
        dependencies = self._graph.dependencies
        for param, depends in dependencies.of_parameters(fn):
            yield param, dependencies.is_seen(depends)

    def overrides_dependencies(self, node: s.AnyNode, scope: Scope) -> bool:
        """Whether `node` is a dict of a test that says what takes the place of dependencies."""
        with infer.deep_recursion():
            return is_display(node, scope, self._graph, self._inference)

    def serves_both_colours(self, decorator: s.Expr, scope: Scope) -> bool:
        """Whether `decorator` gives a coroutine function for one, and a plain one for a plain."""
        with infer.deep_recursion():
            return self._graph.both_colours.serves(decorator, scope)

    @cached_property
    def _wrapped(self) -> dict[Function, tuple[Function, ...]]:
        with infer.deep_recursion():
            return self._graph.wrapped

    def family(self, fn: Function) -> tuple[Function, ...]:
        """`fn` with every method that overrides it, or that it overrides."""
        return self._inference.hierarchy.family(fn)

    # --- places --------------------------------------------------------------------------------

    def parent(self, node: s.AnyNode) -> s.AnyNode | s.ModuleSyntax:
        """The node around `node`; a module's statements are inside its `ModuleSyntax`."""
        return self._symbols.parents[node]

    def scope_of(self, node: s.AnyNode) -> Scope:
        """The scope that `node` is read in."""
        scopes, parents = self._symbols.scopes, self._symbols.parents
        child: Parent = node
        while type(around := parents[child]) is not s.ModuleSyntax:
            if type(around) is s.Generator:
                inner = parents[around]
                if not (isinstance(inner, s.Comprehension) and _is_first(child, around, inner)):
                    return scopes[inner]
                around = inner
            elif around in scopes and _is_inside(child, around):
                return scopes[around]
            child = around
        return scopes[around]

    def function_of(self, node: s.AnyNode) -> Function:
        """The function whose code `node` is."""
        return self.scope_of(node).function

    def statement_of(self, expr: s.AnyNode) -> s.Stmt:
        """The innermost statement that holds `expr`."""
        node: Parent = expr
        while type(node) not in _STATEMENTS:
            node = self._symbols.parents[node]
        return cast("s.Stmt", node)

    # --- the application -----------------------------------------------------------------------

    @cached_property
    def models(self) -> dict[str, Model]:
        """Mapped classes by qualified name."""
        with infer.deep_recursion():
            return orm.find_models(self._inference)

    def attributes_of(self, model: Model) -> frozenset[str]:
        """All attribute names of `model` objects: mapped ones, methods, and what else there is."""
        found = self._attributes.get(model)
        if found is None:
            classes = (cls.scope.names for cls in self.mro(model.cls))
            found = frozenset().union(model.columns, model.relationships, *classes)
            self._attributes[model] = found
        return found

    @cached_property
    def routes(self) -> list[Route]:
        """FastAPI routes with their full paths, in source order."""
        with infer.deep_recursion():
            return routes.find_routes(self._inference, self._graph)

    @cached_property
    def _sources(self) -> sessions.Sources:
        with infer.deep_recursion():
            return sessions.find_sources(self._inference, self._graph.injected)

    def opening_of(self, dependency: Function) -> s.Call | None:
        """The call of a factory by which a plain session dependency opens what it yields."""
        return plain_givers.opened_by(dependency, self._inference)

    @property
    def session_factories(self) -> Sequence[Variable]:
        """Variables that hold a `sessionmaker`, `scoped_session` or `async_sessionmaker`."""
        return self._sources.factories

    @property
    def engines(self) -> Sequence[Variable]:
        """Variables that hold an engine."""
        return self._sources.engines

    @property
    def session_dependencies(self) -> Sequence[Function]:
        """Functions that give a session to `Depends` (`get_db`)."""
        return self._sources.dependencies


_STATEMENTS = frozenset(get_args(s.Stmt))


def _is_inside(child: Parent, around: Parent) -> bool:
    """Whether `child` is read in the scope that `around` opens, not in the one around it."""
    if type(around) is s.FunctionDef or type(around) is s.ClassDef:
        return type(child) in _STATEMENTS
    return type(around) is not s.Lambda or child is around.body


def _is_first(child: Parent, generator: s.Generator, around: s.Comprehension) -> bool:
    """Whether `child` is the first iterable, which is evaluated outside the comprehension."""
    return generator is around.generators[0] and child is generator.iter
