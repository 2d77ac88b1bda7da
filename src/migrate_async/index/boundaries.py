"""Which functions cannot become `async def`, and which need care when they do.

Hard boundaries are functions that somebody calls who does not await: the language (`__init__`,
properties), a framework (tasks, commands, event listeners, validators, overridden library
methods) or code that got the function as a value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from migrate_async.index import routers
from migrate_async.index import scopes as sc
from migrate_async.index import types as t
from migrate_async.index.awaiting_decorators import AwaitingDecorators
from migrate_async.index.bridges import is_bridge
from migrate_async.index.callgraph import CallGraph
from migrate_async.index.factory_fixtures import FactoryFixtures
from migrate_async.index.followed import Followed
from migrate_async.index.handed_injections import HandedInjections
from migrate_async.index.infer import Inference
from migrate_async.index.injected_closures import InjectedClosures
from migrate_async.index.members import is_property
from migrate_async.index.override_tables import is_display, is_override_table
from migrate_async.index.routers import called_registration
from migrate_async.index.sites import ValueUse
from migrate_async.index.types import Type
from migrate_async.knowledge import boundaries as known
from migrate_async.knowledge import fastapi
from migrate_async.model import syntax as s


def mark(inference: Inference, graph: CallGraph) -> None:
    """Fill in `decorators`, `is_route`, `boundary` and `soft` of every function."""
    followed = Followed(inference)
    injected = InjectedClosures(inference, graph)
    factories = FactoryFixtures(inference, graph)
    handed = HandedInjections(inference, graph)
    awaiting = AwaitingDecorators(
        inference, graph, lambda fn: _by_nature(fn, inference) is not None
    )
    for fn in inference.symbols.functions:
        fn.decorators = tuple(_dotted(decorator, fn, inference) for decorator in decorators(fn))
        fn.is_route = routers.is_route(fn, inference)
        fn.boundary = _by_nature(fn, inference) or _by_use(
            fn,
            graph,
            inference,
            followed,
            lambda fn, use: (
                awaiting.returns_to(fn, use)
                or injected.is_returned_to_fastapi(use)
                or factories.is_called_by_tests(use)
            ),
        )
        place = handed.place(fn) if fn.boundary is None and followed.gives_session(fn) else ""
        fn.boundary = f"injection:{place}" if place else fn.boundary
        fn.soft = tuple(_soft(fn, inference, awaiting))


def decorators(fn: sc.Function) -> tuple[s.Expr, ...]:
    """The decorator expressions of `fn`."""
    return fn.node.decorators if isinstance(fn.node, s.FunctionDef) else ()


def _dotted(decorator: s.Expr, fn: sc.Function, inference: Inference) -> str:
    """The canonical name of a decorator; as written when nothing is known about it."""
    head = decorator.func if isinstance(decorator, s.Call) else decorator
    outer = fn.scope.parent
    types = inference.infer(head, outer) if outer is not None else ()
    for item in t.ordered(frozenset(types)):
        name = _type_name(item)
        if name:
            return name
    return s.dotted_name(head) or sc.last_name(head)


def _type_name(item: Type) -> str:
    if isinstance(item, t.External):
        return item.dotted
    if isinstance(item, t.ExternalMethod):
        return f"{item.owner}.{item.name}"
    if isinstance(item, t.FunctionObject):
        return item.fn.qualname
    return item.cls.qualname if isinstance(item, t.ClassObject | t.Instance) else ""


# --- hard --------------------------------------------------------------------------------------


def _by_nature(fn: sc.Function, inference: Inference) -> str | None:
    return _by_shape(fn) or _by_decorator(fn) or _by_base(fn, inference)


def _by_shape(fn: sc.Function) -> str | None:
    if fn.is_module:
        return "module-level"
    if fn.is_lambda:
        return "lambda"
    if is_property(fn):
        return "property"
    if fn.name in known.INITIALISERS:
        return "init"
    is_dunder = fn.name.startswith("__") and fn.name.endswith("__")
    return "dunder" if is_dunder and fn.name not in known.ASYNC_DUNDERS else None


def _by_decorator(fn: sc.Function) -> str | None:
    names = fn.decorator_names
    if any(_is_command(decorator) for decorator in decorators(fn)):
        return "cli"
    if names & known.EVENT_DECORATORS:
        return "sqlalchemy-event"
    if names & known.VALIDATOR_DECORATORS:
        return "validator"
    return "task" if names & known.TASK_DECORATORS else None


def _is_command(decorator: s.Expr) -> bool:
    """`@app.command()`, `@click.command`, `@command(...)`; not `@callback` of anything."""
    head = decorator.func if isinstance(decorator, s.Call) else decorator
    if isinstance(head, s.Name):
        return head.id == "command"
    return isinstance(head, s.Attribute) and head.attr in known.CLI_DECORATORS


def _by_base(fn: sc.Function, inference: Inference) -> str | None:
    """Overriding a method that a library class defines means that the library calls it."""
    if fn.cls is None:
        return None
    hierarchy = inference.hierarchy
    for base in sorted(hierarchy.externals(fn.cls)):
        if known.framework_method(base, fn.name) and not _is_redefined(fn, inference):
            return f"override:{base}"
    return None


def _is_redefined(fn: sc.Function, inference: Inference) -> bool:
    """Whether a project class between `fn` and the library defines the method too."""
    assert fn.cls is not None  # noqa: S101  checked by the caller
    order = inference.hierarchy.order(fn.cls)[1:]
    return any(item.cls is not None and fn.name in item.cls.scope.names for item in order)


def _by_use(
    fn: sc.Function,
    graph: CallGraph,
    inference: Inference,
    followed: Followed,
    is_awaited: Callable[[sc.Function, ValueUse], bool],
) -> str | None:
    """Who gets the function as a value and may not await it; `is_awaited` knows some that do."""
    for use in graph.value_uses.get(fn, ()):
        is_foreign = _is_foreign_use(use, graph, inference) or (
            not fn.is_generator and _is_argument_of_bridged(use, graph, inference)
        )
        if not is_foreign or _is_fixture_of_overrides(use, graph, inference):
            continue
        is_called = use.kind.startswith("arg:") and followed(fn, use)
        if not is_called and not is_awaited(fn, use):
            return f"value:{use.kind.removeprefix('arg:')}"
    return None


def _is_foreign_use(use: ValueUse, graph: CallGraph, inference: Inference) -> bool:
    if use.kind.startswith("arg:"):
        consumer = use.kind.removeprefix("arg:")
        if consumer == "run_sync" and _is_in_thread(use, graph, inference):
            return True
        if _makes_route(use, graph, inference):
            return False
        return consumer not in fastapi.AWAITING_CONSUMERS and not _names_an_override(use, graph)
    if use.kind != "value" or is_override_table(use.node, graph):
        return False
    return not is_display(graph.parent(use.node), use.scope, graph, inference)


def _makes_route(use: ValueUse, graph: CallGraph, inference: Inference) -> bool:
    """Whether `use` is in `router.get(path)(function)`."""
    call = graph.parent(use.node)
    return (
        isinstance(call, s.Call)
        and any(argument is use.node for argument in call.args)
        and called_registration(call, use.scope, inference) is not None
    )


def _is_in_thread(use: ValueUse, graph: CallGraph, inference: Inference) -> bool:
    """`to_thread.run_sync(f)` of anyio, which has the name of a method of sessions."""
    call = graph.parent(use.node)
    if not isinstance(call, s.Call):
        return False
    types = inference.infer(call.func, use.scope)
    return any(
        isinstance(item, t.External) and item.dotted in fastapi.FOREIGN_THREADS for item in types
    )


def _is_argument_of_bridged(use: ValueUse, graph: CallGraph, inference: Inference) -> bool:
    """Whether a bridge hands it to the function that it runs: `db.run_sync(run_all, step)`.

    What the lambda of a bridge gets it calls itself, as the code did before. Who is given a context
    manager to enter goes by what that gives.
    """
    call = graph.parent(use.node)
    if not isinstance(call, s.Call) or not call.args or call.args[0] is use.node:
        return False
    is_own = isinstance(call.args[0], s.Lambda)
    return not is_own and is_bridge(call, use.scope, inference)


def _names_an_override(use: ValueUse, graph: CallGraph) -> bool:
    """`app.dependency_overrides.pop(get_db)`, `setitem(app.dependency_overrides, get_db, ...)`."""
    call = graph.parent(use.node)
    if not isinstance(call, s.Call):
        return False
    owner = call.func.value if isinstance(call.func, s.Attribute) else None
    return any(
        isinstance(node, s.Attribute) and node.attr == "dependency_overrides"
        for node in (owner, *call.args)
    )


def _is_fixture_of_overrides(use: ValueUse, graph: CallGraph, inference: Inference) -> bool:
    """Whether a fixture gives the function, and tests put that among the overrides only."""
    fixture = use.function
    around = graph.parent(use.node)
    if "fixture" not in fixture.decorator_names or not isinstance(around, s.Return | s.Yield):
        return False
    for user in inference.symbols.functions:
        for param in user.params:
            if inference.parameters.fixture(param.name, user) is not fixture:
                continue
            nodes = [reference.node for reference in user.references]
            nodes += [call.node.func for call in user.calls]
            given = (node for node in nodes if isinstance(node, s.Name) and node.id == param.name)
            if not all(is_override_table(node, graph) for node in given):
                return False
    return True


# --- soft --------------------------------------------------------------------------------------


def _soft(fn: sc.Function, inference: Inference, awaiting: AwaitingDecorators) -> Iterator[str]:
    if fn.is_generator:
        is_context = "contextmanager" in fn.decorator_names
        yield "contextmanager" if is_context else "generator"
    if fn.name in known.ASYNC_DUNDERS and fn.name != "__call__":
        yield "special-method"
    for decorator, dotted in zip(decorators(fn), fn.decorators, strict=True):
        name = sc.last_name(decorator)
        is_route = fn.is_route and name in fastapi.ROUTE_METHODS
        if inference.dispatched.is_registering(decorator, fn):
            continue  # it converts with the function that is called
        if not is_route and not awaiting.awaits(decorator, fn):
            yield from _soft_decorator(name, dotted)


def _soft_decorator(name: str, dotted: str) -> Iterator[str]:
    if name in known.CACHE_DECORATORS:
        yield f"cache:{dotted}"
    elif name in known.RETRY_DECORATORS:
        yield f"retry:{dotted}"
    elif known.TRANSPARENT_DECORATORS.isdisjoint({name, dotted.rpartition(".")[2]}):
        yield f"decorator:{dotted}"
