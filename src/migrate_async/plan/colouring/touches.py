"""Where a function itself does I/O on a sync session, engine or connection."""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import dataclass
from functools import cached_property

from migrate_async.index.project import Operation, Project
from migrate_async.index.scopes import Function, last_name
from migrate_async.index.sites import CallSite
from migrate_async.index.types import External, SessionFactory
from migrate_async.knowledge.async_api import (
    AWAITED,
    CONTEXT,
    SESSION_WITHOUT_COUNTERPART,
)
from migrate_async.knowledge.shim import ASYNC_SIDE, CALL_ASYNC, PACKAGE
from migrate_async.knowledge.sqlalchemy import INSPECTORS
from migrate_async.model import syntax as s
from migrate_async.model.plan import Reason
from migrate_async.plan.blocks import is_unplaced
from migrate_async.plan.colouring.bound_methods import bound_methods
from migrate_async.plan.colouring.endless import Endless
from migrate_async.plan.colouring.handovers import unfollowed
from migrate_async.plan.colouring.module_registries import is_registry_of_module
from migrate_async.plan.colouring.open_ends import end_in_wrapper
from migrate_async.plan.colouring.own_registries import own_registries
from migrate_async.plan.colouring.schema_calls import makes_schema
from migrate_async.plan.colouring.stored_sessions import stored_sessions
from migrate_async.plan.creations import creation
from migrate_async.plan.object_sessions import object_sessions
from migrate_async.plan.pages import page_at
from migrate_async.plan.queries import LEAVE, Chain, QueryPlan
from migrate_async.plan.queries.raw import EXECUTES
from migrate_async.plan.walks import Walks

METADATA = frozenset({"metadata", "schema"})
"""The kinds of touches that make or drop tables."""

INSPECTION = "inspection"
"""The kind of a touch that inspects an engine or connection, which no async one allows."""

UNMATCHED = "unmatched"
"""The kind of a touch that `AsyncSession` has no method for."""

PAGE = "page"
"""The kind of a touch that makes a page of a query with a pagination library."""

_DRIVING = (ASYNC_SIDE, CALL_ASYNC)

FIRST_REMARK = "MA180"
"""From here on, query codes are remarks on queries that *are* translated."""


@dataclass(frozen=True)
class Touch:
    """One operation.

    `kind`: `await`, `context` (entered with `with`), `block` (a `with` on a session: `node` is the
    session's expression), `metadata` (of `create_all` on an engine), `schema` (on a connection),
    `inspection`, `unmatched`, `page`, `call_async` or `async_side`.
    """

    kind: str
    site: CallSite
    text: str

    @property
    def node(self) -> s.Expr:
        return self.site.node


class Touches:
    """The touches of every function of a project."""

    def __init__(
        self, project: Project, queries: QueryPlan, copies: Container[Function] = ()
    ) -> None:
        """`copies` are context managers that an earlier run made for code that stays sync."""
        self._project = project
        self._copies = copies
        self._queries = queries
        self._found: dict[Function, tuple[Touch, ...]] = {}
        self._handovers: dict[Function, Reason | None] = {}
        self._firsts: dict[Function, Reason | None] = {}
        self._loading: dict[Function, bool] = {}
        self._endless = Endless(project)
        self.walks = project.shared(Walks)
        """What functions read of objects by names that a mapper gives."""

    def of(self, function: Function) -> tuple[Touch, ...]:
        """Operations other than legacy queries, in source order."""
        if function not in self._found:
            sites = self._project.calls(function)
            touches = [found for site in sites if (found := self._at(site))]
            self._found[function] = tuple(touches)
        return self._found[function]

    def _at(self, site: CallSite) -> Touch | None:
        copies = [target for target in site.targets if target in self._copies]
        if site.kind == "call" and copies:
            if copies[0].is_generator:
                return Touch("context", site, "opens a session")
            return Touch("await", site, "disposes of an engine")
        return touch_at(self._project, site)

    def query_in_f_string(self, function: Function) -> bool:
        """Whether a query of `function` stands where no edit can be placed."""
        return any(
            site.operation is not None
            and site.operation.owner == "query"
            and self.is_in_f_string(site.node, function)
            for site in self._project.calls(function)
        )

    def is_in_f_string(self, node: s.AnyNode, function: Function) -> bool:
        """Whether `node` is part of an f-string in which no edit can be placed."""
        current = self._project.parent(node)
        while not isinstance(current, s.ModuleSyntax) and current is not function.node:
            if is_unplaced(current):
                return True
            current = self._project.parent(current)
        return False

    def chains(self, function: Function) -> tuple[Chain, ...]:
        """The legacy query chains in `function`."""
        return self._chains.get(function, ())

    def left(self, function: Function) -> Reason | None:
        """The first query of `function` that is not translated."""
        found = self._queries.functions.get(function)
        if found is None:
            return None
        for chain in found.chains:
            if chain.state == LEAVE:
                text = f"a query is left as it is: {chain.reason}"
                return Reason("query-left", text, function.module.path, chain.span[0])
        for diagnostic in found.diagnostics:
            if diagnostic.code < FIRST_REMARK:
                return Reason(
                    "query-left", diagnostic.message, function.module.path, diagnostic.line
                )
        return None

    def handover(self, function: Function) -> Reason | None:
        """The first call of `function` with a session or the like in it that nobody can follow."""
        if function not in self._handovers:
            self._handovers[function] = self._find_handover(function)
        return self._handovers[function]

    def _find_handover(self, function: Function) -> Reason | None:
        found = unfollowed(self._project, function)
        if found is not None:
            text = f"it passes its {found.what} to a call nobody can follow"
            return Reason("unresolved", text, function.module.path, found.site.node.line)
        site = end_in_wrapper(self._project, function)
        if site is None:
            return None
        text = "it finds its session among the arguments of the function that it wraps"
        return Reason("unresolved", text, function.module.path, site.node.line)

    def first(self, function: Function) -> Reason | None:
        """The first operation of `function` as a reason; None when there is none."""
        if function not in self._firsts:
            self._firsts[function] = self._find_first(function)
        return self._firsts[function]

    def loads_what_it_is_given(self, function: Function) -> bool:
        """Whether it runs SQL on no session but that of objects: it reads what these load.

        Itself or through what it calls.
        """
        if function not in self._loading:
            self._loading[function] = False
            self._loading[function] = self._reads_what_loads(function) or any(
                map(self.loads_what_it_is_given, self._project.callees(function))
            )
        return self._loading[function]

    def _reads_what_loads(self, function: Function) -> bool:
        return self.walks.first(function) is not None or self._endless.read(function) is not None

    def _find_first(self, function: Function) -> Reason | None:
        lines = [(touch.node.line, touch.text) for touch in self.of(function)]
        lines += [
            (chain.span[0], "runs a query") for chain in self.chains(function) if chain.executes
        ]
        lines += [
            (call.line, "gives an object's session")
            for call in object_sessions(self._project, function)
            if self._is_given(call, function)
        ]
        made = gives_session_of_its_own(self._project, function)
        if made is not None:
            lines.append((made.line, "makes a session"))
        lines += [
            (node.line, "calls engine.execute()")
            for node in engine_executions(self._project, function)
        ]
        lines += [
            (value.line, f"puts a session into {place}")
            for value, place in stored_sessions(self._project, function)
        ]
        lines += [
            (node.line, f"uses {node.attr}() of its session as a value")
            for node in bound_methods(self._project, function)
        ]
        followed = self._endless.read(function)
        if followed is not None:
            lines.append((followed.line, f"follows {followed.attr} as far as it leads"))
        walked = self.walks.first(function)
        if walked is not None:
            lines.append((walked.line, "reads relationships by their names"))
        if not lines:
            return None
        line, text = min(lines)
        # Whoever only drives coroutines was coloured for what it calls, before these were some.
        drives = len(lines) == sum(touch.kind in _DRIVING for touch in self.of(function))
        code = "calls" if drives else "session-operation"
        return Reason(code, text, function.module.path, line)

    def _is_given(self, call: s.Call, function: Function) -> bool:
        """Whether `function` returns a session, and so perhaps the one that `call` gives."""
        if any(value is call for value in function.returns):
            return True
        return not function.is_generator and "sync" in self._project.sessions_given(function)

    @cached_property
    def _chains(self) -> dict[Function, tuple[Chain, ...]]:
        found: dict[Function, list[Chain]] = {}
        for chain in self._queries.chains:
            found.setdefault(chain.function, []).append(chain)
        return {function: tuple(chains) for function, chains in found.items()}


def engine_executions(project: Project, function: Function) -> Iterator[s.Expr]:
    """The calls of `engine.execute()`, which `plan.queries.raw` translates or reports."""
    for site in project.calls(function):
        operation = site.operation
        if operation is None or operation.is_async or operation.owner != "engine":
            continue
        if operation.name in EXECUTES and isinstance(site.node, s.Call):
            yield site.node


def gives_session_of_its_own(project: Project, function: Function) -> s.Call | None:
    """The call of `sessionmaker(...)()` by which `function` makes the session that it returns."""
    calls = [call for call in function.calls if isinstance(call.node.func, s.Call)]
    if not calls or function.is_generator or "sync" not in project.sessions_given(function):
        return None
    for call in calls:
        types = project.infer(call.node.func, call.scope)
        if any(isinstance(item, SessionFactory) and not item.is_async for item in types):
            return call.node
    return None


def touch_at(project: Project, site: CallSite) -> Touch | None:
    """The operation, other than a legacy query, that `site` is on a sync object."""
    if site.kind == CALL_ASYNC:
        return Touch(CALL_ASYNC, site, "calls a coroutine on its session")
    if _is_async_side(project, site):
        return Touch(ASYNC_SIDE, site, "lends its session to an object with coroutines")
    helped = _by_helper(project, site)
    if helped is not None:
        return helped
    operation = site.operation
    if operation is None:
        if not site.awaited and _is_coroutine_in_async(project, site):
            return Touch("await", site, "changes a connection's options")
        return None
    kind = "" if operation.is_async or site.awaited else _kind(project, site, operation)
    texts = {"block": "opens a session"}
    text = texts.get(kind, f"calls {operation.owner}.{operation.name}()")
    return Touch(kind, site, text) if kind else None


def _is_async_side(project: Project, site: CallSite) -> bool:
    call = site.node
    if not isinstance(call, s.Call) or last_name(call.func) != ASYNC_SIDE or len(call.args) != 1:
        return False
    types = project.infer(call.func, site.scope)
    return any(
        isinstance(found, External) and found.dotted == f"{PACKAGE}.{ASYNC_SIDE}" for found in types
    )


def _by_helper(project: Project, site: CallSite) -> Touch | None:
    """The operation that a function of a library does on what it is given."""
    bound = _bound_to(project, site)
    if bound:
        return Touch(bound, site, f"runs {_method(site)}")
    factory = creation(project, site)
    if factory is not None:
        return Touch("await", site, f"makes objects with {factory.name}")
    if page_at(project, site) is not None:
        return Touch(PAGE, site, "makes a page of a query")
    if _inspects(project, site):
        return Touch(INSPECTION, site, "inspects a database")
    return None


_INSPECT = frozenset(name.rpartition(".")[2] for name in INSPECTORS)


def _removes(project: Project, site: CallSite, operation: Operation) -> bool:
    """`registry.remove()` of a `scoped_session` of the function, or of a module."""
    func = site.node.func if isinstance(site.node, s.Call) else None
    if operation.name != "remove" or not isinstance(func, s.Attribute):
        return False
    if not isinstance(func.value, s.Name):
        return False
    return is_registry_of_module(project, func.value) or any(
        func.value.id == own.name for own in own_registries(project, site.function)
    )


def _is_coroutine_in_async(project: Project, site: CallSite) -> bool:
    """`connection.execution_options(...)`: no I/O, but a coroutine of `AsyncConnection`."""
    func = site.node.func if isinstance(site.node, s.Call) else None
    return (
        isinstance(func, s.Attribute)
        and func.attr == "execution_options"
        and project.engine_or_connection(func.value, site.scope) == "connection"
    )


def _inspects(project: Project, site: CallSite) -> bool:
    """`inspect(engine)`, whose answer reads the database with every method."""
    node = site.node
    if not isinstance(node, s.Call) or s.dotted_name(node.func).rpartition(".")[2] not in _INSPECT:
        return False
    dotted = {getattr(item, "dotted", "") for item in project.infer(node.func, site.scope)}
    return not INSPECTORS.isdisjoint(dotted) and any(
        project.engine_or_connection(value, site.scope) in ("engine", "connection")
        for value in node.args[:1]
    )


def _bound_to(project: Project, site: CallSite) -> str:
    """The kind of a touch that makes or drops tables; empty for another call."""
    node = site.node
    if not isinstance(node, s.Call) or not makes_schema(project, node, site.scope):
        return ""
    kinds = {project.engine_or_connection(value, site.scope) for value in node.values}
    if "engine" in kinds:
        return "metadata"
    return "schema" if "connection" in kinds else ""


def _kind(project: Project, site: CallSite, operation: Operation) -> str:
    """The kind of touch that an operation is; empty when nothing is awaited for it."""
    if site.kind == "implicit":
        return "block" if (operation.owner, operation.name) == ("session", "__exit__") else ""
    if operation.owner == "session" and operation.name in SESSION_WITHOUT_COUNTERPART:
        return UNMATCHED
    if operation.name in CONTEXT.get(operation.owner, ()):
        return "context"
    awaited = AWAITED.get(operation.owner, ())
    is_awaited = operation.name in awaited or _removes(project, site, operation)
    return "await" if is_awaited else ""


def _method(site: CallSite) -> str:
    func = site.node.func if isinstance(site.node, s.Call) else None
    return func.attr if isinstance(func, s.Attribute) else ""
