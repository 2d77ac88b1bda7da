"""What forbids a function to become a coroutine."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function, Module
from migrate_async.index.sites import CallSite
from migrate_async.knowledge.async_api import SESSION_WITHOUT_COUNTERPART
from migrate_async.knowledge.sqlalchemy import FOREIGN_SESSIONS
from migrate_async.model import syntax as s
from migrate_async.model.plan import LENDS, Reason, Step
from migrate_async.plan.alembic.environment import environments, is_revision
from migrate_async.plan.colouring.application_factories import makes_application
from migrate_async.plan.colouring.attribute_listeners import AttributeListeners
from migrate_async.plan.colouring.awaitable_properties import AwaitableProperties
from migrate_async.plan.colouring.beside import Beside
from migrate_async.plan.colouring.bound_methods import bound_methods
from migrate_async.plan.colouring.dbapi import raw_reads
from migrate_async.plan.colouring.generators import Generators
from migrate_async.plan.colouring.inspections import inspection
from migrate_async.plan.colouring.locks import locked_blocks
from migrate_async.plan.colouring.made_elsewhere import foreign_source
from migrate_async.plan.colouring.mocked_engines import MockedEngines
from migrate_async.plan.colouring.own_registries import kept_obstacle, own_registries
from migrate_async.plan.colouring.owners import caller_of
from migrate_async.plan.colouring.reasons import at_call, at_definition
from migrate_async.plan.colouring.responses import Responses
from migrate_async.plan.colouring.schema_calls import schema_call
from migrate_async.plan.colouring.session_engines import engines_at_work
from migrate_async.plan.colouring.sharing import SharedSessions
from migrate_async.plan.colouring.stored_sessions import sets_of_thread, stored_sessions
from migrate_async.plan.colouring.streams import stream_at
from migrate_async.plan.colouring.touches import (
    INSPECTION,
    METADATA,
    PAGE,
    Touches,
    gives_session_of_its_own,
)
from migrate_async.plan.colouring.unfollowed import Unfollowed
from migrate_async.plan.colouring.unseen_sources import unseen_source
from migrate_async.plan.fetched import is_unmade
from migrate_async.plan.names import root_name
from migrate_async.plan.pages import Pages, obstacle, page_at
from migrate_async.plan.testing.pytest_support import caller_without_await
from migrate_async.plan.text import source

_NO_AWAIT = ("generator", "default", "decorator")
"""Call contexts in which `await` is illegal or changes what the expression is."""

_ENTERED = frozenset({"contextmanager"})
_DRIVERS = "a connection of the driver, which async drivers do not have"
_HARMLESS_SOFT = (
    "generator",
    "contextmanager",
    "retry",
    "decorator:fastapi.",
    "decorator:starlette.",
    "decorator:pytest.",
    "decorator:pytest_asyncio.",
    "decorator:slowapi.",
    "decorator:unittest.mock.patch",
    "decorator:mock.patch",
    "decorator:freezegun.freeze_time",
    "decorator:time_machine.travel",
    "decorator:responses.activate",
    "decorator:respx.mock",
    "decorator:vcr.use_cassette",
)
"""Soft spots that a coroutine has no trouble with: these decorators await what they are given.

Those for tests look with `iscoroutinefunction` at what they decorate, as their sources say.
"""


class Obstacles:
    """Finds the first obstacle of a function; the codes are stable."""

    def __init__(
        self,
        project: Project,
        touches: Touches,
        responses: Responses,
        shared: SharedSessions,
        step: Step,
    ) -> None:
        self._responses = responses
        self._attributes = AttributeListeners(project)
        self._beside = Beside(project, shared)
        self._project = project
        self._touches = touches
        self._step = step
        self._own: dict[Function, Reason | None] = {}
        self._locked: dict[Function, tuple[s.With, ...]] = {}
        self._sets_of_thread: dict[Function, s.Stmt | None] = {}
        self._generators = Generators(project)
        self._unfollowed = Unfollowed(project)
        self._pages = Pages(project)
        self._mocked = MockedEngines(project)
        self._awaitable = project.shared(AwaitableProperties)
        self._registries = shared.registries
        self._processes = shared.processes

    def __call__(self, function: Function, coloured: Mapping[Function, Reason]) -> Reason | None:
        if function not in self._own:
            self._own[function] = self._own_obstacle(function)
        return (
            self._own[function]
            or _only_gives(function, coloured)
            or self._attributes.reason(function, coloured)
            or self._beside.reason(function, coloured)
            or self._generators.obstacle(function, coloured)
            or self._tables_of_coloured(function, coloured)
            or self._no_await(function, coloured)
        )

    def _own_obstacle(self, function: Function) -> Reason | None:
        """One that is there whatever else is coloured."""
        checks = (
            self._boundary,
            self._application,
            self._torn,
            self._test_runner,
            self._migration,
            self._legacy_query,
            self._without_counterpart,
            self._streams,
            self._page,
            self._schema,
            self._foreign_session,
            self._unmade_session,
            self._shared_session,
            self._unseen_source,
            self._processes.reason,
            self._scoped_session,
            self._gives_session,
            self._mocked.reason,
            self._unfollowed.reason,
            self._unresolved,
            self._escapes,
            self._thread_variable,
            self._response_property,
            self._walks,
        )
        return next(filter(None, (check(function) for check in checks)), None)

    def _boundary(self, function: Function) -> Reason | None:
        if function.is_async and (function.boundary or "").startswith("value:"):
            return None  # whoever takes a coroutine function awaits it already
        if function in self._awaitable:
            return None
        if function.boundary is not None:
            return at_definition(
                function, "boundary", f"it cannot be `async def`: {caller_of(function.boundary)}"
            )
        for note in function.soft:
            if note == "special-method":
                text = f"syntax calls {function.name}, and does not await"
                return at_definition(function, "special-method", text)
            if function.is_async:
                continue  # its decorator has been given a coroutine function before
            if not note.startswith(_HARMLESS_SOFT):
                text = f"its decorator may not await it: {note}"
                return at_definition(function, "decorator", text)
        return None

    def _application(self, function: Function) -> Reason | None:
        return makes_application(self._project, function)

    def _torn(self, function: Function) -> Reason | None:
        if function in self._project.originals.torn:
            text = "it or its async twin was edited since that was made: they may differ"
            return at_definition(function, "twins-differ", text)
        return None

    def _test_runner(self, function: Function) -> Reason | None:
        if function.is_async or not function.module.is_test:
            return None
        caller = caller_without_await(self._project, function)
        text = f"it cannot be `async def`: {caller}"
        return at_definition(function, "boundary", text) if caller else None

    def _migration(self, function: Function) -> Reason | None:
        if is_revision(function.module):
            text = "Alembic calls it: it is part of a migration"
            return at_definition(function, "boundary", text)
        if not function.is_async and function.module in self._environments:
            return at_definition(function, "alembic", "Alembic runs it, with an engine of its own")
        return None

    @cached_property
    def _environments(self) -> frozenset[Module]:
        return frozenset(environments(self._project))

    def _legacy_query(self, function: Function) -> Reason | None:
        left = self._touches.left(function)
        if left is not None:
            return left
        chains = self._touches.chains(function)
        if self._step is Step.ASYNC and chains:
            text = "it uses the legacy Query API: run the step `queries` first, or `all`"
            return Reason("legacy-query", text, function.module.path, chains[0].span[0])
        return None

    def _without_counterpart(self, function: Function) -> Reason | None:
        for site in self._project.calls(function):
            operation = site.operation
            if operation is None or operation.is_async:
                continue
            if (operation.owner, operation.name) == ("engine", "raw_connection"):
                return at_call(site, "no-counterpart", f"it takes {_DRIVERS}")
            if operation.owner == "session" and operation.name in SESSION_WITHOUT_COUNTERPART:
                text = f"AsyncSession has no {operation.name}()"
                return at_call(site, "no-counterpart", text)
        for touch in self._touches.of(function):
            if touch.kind == INSPECTION and inspection(self._project, touch.site) is None:
                text = "it inspects a database, which AsyncEngine does not allow"
                return at_call(touch.site, "no-counterpart", text)
        for node in raw_reads(self._project, function):
            text = f"it works on {_DRIVERS}"
            return Reason("no-counterpart", text, function.module.path, node.line)
        for call in engines_at_work(self._project, function):
            text = "it works on the engine that get_bind() of its session gives"
            return Reason("no-counterpart", text, function.module.path, call.line)
        return None

    def _streams(self, function: Function) -> Reason | None:
        """Rows come bit by bit, and what reads them cannot be made to await each."""
        for touch in self._touches.of(function):
            stream = stream_at(self._project, touch.site)
            if stream is not None and not stream.loops:
                text = "it streams rows from the server, and not only loops read them"
                return at_call(touch.site, "no-counterpart", text)
        return None

    def _page(self, function: Function) -> Reason | None:
        """A pagination library would do what a coroutine of its cannot."""
        for touch in self._touches.of(function):
            page = page_at(self._project, touch.site) if touch.kind == PAGE else None
            text = obstacle(page) if page is not None else ""
            if text:
                return at_call(touch.site, "page", text)
        used = self._pages.used(function)
        if used is not None:
            text = "it uses a page's items, which are objects of the database or of a schema"
            return Reason("page", text, function.module.path, used.line)
        return None

    def _schema(self, function: Function) -> Reason | None:
        """Tables are made in a way that cannot be written for an async engine."""
        for touch in self._touches.of(function):
            statement = self._project.statement_of(touch.node)
            if touch.kind not in METADATA:
                continue
            alone = isinstance(statement, s.ExpressionStatement) and statement.value is touch.node
            if not alone or not schema_call(self._project, touch.site):
                return at_call(touch.site, "metadata", f"it {touch.text} with more than an engine")
        return None

    def _tables_of_coloured(
        self, function: Function, coloured: Mapping[Function, Reason]
    ) -> Reason | None:
        """A coroutine gives an argument of `create_all`, which is written anew as a whole."""
        for touch in self._touches.of(function):
            inside = set(s.walk(touch.node)) if touch.kind in METADATA else ()
            for site in self._project.calls(function) if inside else ():
                if site.node in inside and any(target in coloured for target in site.targets):
                    return at_call(site, "metadata", f"it {touch.text} with what a coroutine gives")
        return None

    def _foreign_session(self, function: Function) -> Reason | None:
        """A package makes the session, and makes sync ones only."""
        for site in self._project.calls(function):
            for target in site.targets if isinstance(site.node, s.Call) else ():
                if target.decorator_names.isdisjoint(_ENTERED):
                    continue
                call = foreign_source(self._project, target)
                if call is not None:
                    text = f"a package makes the session that {target.qualname} gives it"
                    return at_call(site, "foreign-session", text)
        if "session" not in function.module.attributes:
            return None
        for node in function.nodes(s.Attribute):
            if node.attr != "session":
                continue
            for found in self._project.infer(node.value, self._project.scope_of(node)):
                package = FOREIGN_SESSIONS.get(getattr(found, "dotted", ""))
                if package is not None:
                    text = f"{s.dotted_name(node)} is a sync session that {package} makes"
                    return Reason("foreign-session", text, function.module.path, node.line)
        return None

    def _unseen_source(self, function: Function) -> Reason | None:
        """`db: Session = dependencies.db`, whatever that gives."""
        default = unseen_source(self._project, function)
        if default is None:
            return None
        text = f"its session comes from {source(default)}, and what that gives is not known"
        return at_definition(function, "unseen-source", text)

    def _unmade_session(self, function: Function) -> Reason | None:
        """`next(get_session())`, where nothing else can make such a session."""
        for site in self._project.calls(function):
            call = site.node
            if not isinstance(call, s.Call) or s.dotted_name(call.func) != "next":
                continue
            is_session = self._project.session_kind(call, site.scope) == "sync"
            if is_session and is_unmade(self._project, call):
                text = f"no factory makes the session that it takes with {source(call)}"
                return at_call(site, "no-factory", text)
        return None

    def _shared_session(self, function: Function) -> Reason | None:
        """A session in a module's variable is one session for all tasks."""
        for site in self._project.calls(function):
            root = root_name(site.node)
            if site.operation is None or site.operation.owner != "session" or root is None:
                continue
            bindings = function.module.scope.names.get(root.id)
            if bindings and site.scope is not function.module.scope:
                local = self._is_local(root, site)
                if local or self._registries.named(root):
                    continue
                if self._project.session_kind(root, site.scope) == "sync":
                    text = f"{root.id} is one session for the process"
                    return at_call(site, "shared-session", text)
        return None

    def _scoped_session(self, function: Function) -> Reason | None:
        """It makes a `scoped_session` that others can reach; one of a module stays sync there."""
        for registry in own_registries(self._project, function):
            if registry.obstacle:
                path = function.module.path
                return Reason("scoped-session", registry.obstacle, path, registry.call.line)
        kept = kept_obstacle(self._project, function)
        if kept is None:
            return None
        registry, maker = kept
        line = registry.call.line
        return Reason("scoped-session", registry.obstacle, maker.module.path, line)

    def _gives_session(self, function: Function) -> Reason | None:
        """It makes a session of a factory that it makes, too, and hands the session out."""
        made = gives_session_of_its_own(self._project, function)
        if made is None:
            return None
        text = "it makes a session for others, of a factory of its own"
        return Reason("gives-session", text, function.module.path, made.line)

    @staticmethod
    def _is_local(name: s.Name, site: CallSite) -> bool:
        scope = site.scope
        while scope.parent is not None:
            if name.id in scope.names:
                return True
            scope = scope.parent
        return False

    def _unresolved(self, function: Function) -> Reason | None:
        for site in self._project.calls(function):
            if not site.resolved and self._project.passes_session(site):
                text = "it passes its session to a call nobody can follow"
                return at_call(site, "unresolved", text)
        return self._touches.handover(function)

    def _escapes(self, function: Function) -> Reason | None:
        """A session put into a tuple or dict ends up where nobody can follow it."""
        if function.node is None:
            return None
        for value, place in stored_sessions(self._project, function):
            text = f"it puts its session into {place}"
            return Reason("session-escapes", text, function.module.path, value.line)
        for method in bound_methods(self._project, function):
            text = f"it hands {method.attr}() of its session on to what does not await"
            return Reason("session-escapes", text, function.module.path, method.line)
        for node in function.nodes(s.Sequence, s.Mapping):
            items = node.items if isinstance(node, s.Sequence) else node.values
            for item in items:
                if isinstance(item, s.Name) and self._is_session(item):
                    text = f"it puts its session {item.id} into a {_kind(node)}"
                    return Reason("session-escapes", text, function.module.path, item.line)
        return None

    def _is_session(self, name: s.Name) -> bool:
        return self._project.session_kind(name, self._project.scope_of(name)) == "sync"

    def _thread_variable(self, function: Function) -> Reason | None:
        """A variable of the thread is set, by it or by what it calls, for what runs later there."""
        if function.is_async:
            return None
        called = (target for site in self._project.calls(function) for target in site.targets)
        for setter in (function, *called):
            statement = self._set_of_thread(setter)
            if statement is not None:
                text = "it sets a variable of the thread, which coroutines share"
                where = setter.module.path
                return Reason("thread-local", text, where, statement.line, setter.qualname)
        return None

    def _set_of_thread(self, setter: Function) -> s.Stmt | None:
        """Where `setter` sets one first, if it may run in a thread."""
        if setter not in self._sets_of_thread:
            found = sets_of_thread(self._project, setter) if not setter.is_async else ()
            self._sets_of_thread[setter] = next(iter(found), None)
        return self._sets_of_thread[setter]

    def _response_property(self, function: Function) -> Reason | None:
        """The response reads a property that runs a query, after the session is async."""
        return self._responses.property_read(function)

    def _is_locked(self, site: CallSite) -> bool:
        function = site.function
        if function not in self._locked:
            self._locked[function] = tuple(locked_blocks(self._project, function))
        return any(is_inside(site.node.span, block.span) for block in self._locked[function])

    def _no_await(self, function: Function, coloured: Mapping[Function, Reason]) -> Reason | None:
        for chain in self._touches.chains(function):
            if chain.is_stuck:
                text = "a query inside a generator expression cannot be awaited"
                return Reason("no-await", text, function.module.path, chain.span[0])
        for site in self._project.calls(function):
            awaits = site.operation is not None or any(t in coloured for t in site.targets)
            if awaits and self._touches.is_in_f_string(site.node, function):
                text = "a call inside a long f-string cannot be rewritten"
                return at_call(site, "no-await", text)
            if awaits and self._is_locked(site):
                text = "it holds a lock of threads meanwhile, which would stop the event loop"
                return at_call(site, "holds-lock", text)
        touched = {touch.site for touch in self._touches.of(function)}
        for site in self._project.calls(function):
            needs_await = site in touched or any(target in coloured for target in site.targets)
            if site.kind == "property" and needs_await and not self._can_be_awaited(site, coloured):
                return _reads(site, coloured)
            for context in _NO_AWAIT if needs_await and site.kind != "dependency" else ():
                if context in site.context:
                    return at_call(site, "no-await", f"a call inside a {context} cannot be awaited")
        return None

    def _can_be_awaited(self, site: CallSite, coloured: Mapping[Function, Reason]) -> bool:
        """Whether all properties that are read at `site` can be coroutines, or run no SQL."""
        return all(
            target in self._awaitable or coloured[target].code == LENDS
            for target in site.targets
            if target in coloured
        )

    def _walks(self, function: Function) -> Reason | None:
        """Where it reads relationships by computed names, and no `await` can stand."""
        for walk in self._touches.walks.of(function):
            context = next((name for name in _NO_AWAIT if name in walk.call.context), "")
            if context or self._touches.is_in_f_string(walk.call.node, function):
                text = f"a read inside a {context or 'long f-string'} cannot be awaited"
                return Reason("no-await", text, function.module.path, walk.call.node.line)
        return None


def _only_gives(function: Function, coloured: Mapping[Function, Reason]) -> Reason | None:
    """A property that makes an object on a session, and has nothing to await."""
    is_plain = function.boundary == "property" and not function.is_async
    if not is_plain or coloured[function].code != LENDS:
        return None
    return at_definition(function, "boundary", f"it cannot be `async def`: {caller_of('property')}")


def _reads(site: CallSite, coloured: Mapping[Function, Reason]) -> Reason:
    """Why nobody can await what the property runs that is read at `site`."""
    read = next((target for target in site.targets if target in coloured), None)
    if read is None:
        return at_call(site, "property", "it reads a property that runs a query")
    return at_call(
        site, "property", f"it reads {read.qualname}, a property that runs a query", read
    )


def is_inside(span: s.Span, around: s.Span) -> bool:
    """Whether the text at `span` is part of that at `around`."""
    return around[:2] <= span[:2] and span[2:] <= around[2:]


def _kind(node: s.Sequence | s.Mapping) -> str:
    return node.kind if isinstance(node, s.Sequence) else "dict"
