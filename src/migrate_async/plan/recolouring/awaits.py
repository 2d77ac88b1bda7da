"""The edits that give a converted function its colour."""

from __future__ import annotations

from collections.abc import Callable

from migrate_async.index.project import Project
from migrate_async.index.scopes import Class, Function, last_name
from migrate_async.index.sites import CallSite
from migrate_async.knowledge.shim import ASYNC_SIDE, BLOCKING_ENGINE, CALL_ASYNC
from migrate_async.model import plan as p
from migrate_async.model import syntax as s
from migrate_async.plan.annotations import annotation_edits
from migrate_async.plan.both_worlds.surroundings import Surroundings
from migrate_async.plan.colour_edits import NAME, ColourEdits
from migrate_async.plan.colouring.awaitable_properties import is_cached
from migrate_async.plan.colouring.schema_calls import schema_call
from migrate_async.plan.colouring.streams import Stream, stream_at
from migrate_async.plan.colouring.touches import INSPECTION, METADATA, PAGE, Touch, Touches
from migrate_async.plan.keep_both.edits import KeptBoth
from migrate_async.plan.made_objects import made_with_session
from migrate_async.plan.names import names_in
from migrate_async.plan.pages import page_edits
from migrate_async.plan.recolouring.blocking import report
from migrate_async.plan.recolouring.bridging import Bridges
from migrate_async.plan.recolouring.closings import closing_edits, closings
from migrate_async.plan.recolouring.connecting import entered_options, options_edit
from migrate_async.plan.recolouring.inspecting import inspection_edits
from migrate_async.plan.recolouring.passing_on import passing_on_edits
from migrate_async.plan.recolouring.properties import cached_edits
from migrate_async.plan.recolouring.runners import add_run
from migrate_async.plan.text import source_if_simple

_HOISTED = ("exec", "execute", "scalars")


class Awaiter:
    """Plans the colour of one converted function after the other."""

    def __init__(
        self,
        around: Surroundings,
        touches: Touches,
        both: KeptBoth,
        holds_kept: Callable[[Class], bool],
        bridges: Bridges,
    ) -> None:
        self._both = both
        self._project = around.project
        self._settings = around.settings
        self._twins = around.twins
        self._copies = around.decorators
        self._touches = touches
        self._colouring = both.colouring
        self._holds_kept = holds_kept
        self._blocking = bridges.blocking
        self._bridges = bridges
        self._lending = bridges.lending

    def plan(self, function: Function, gone: frozenset[s.AnyNode]) -> ColourEdits:
        """Everything but the session's own acquisition and the queries."""
        found = ColourEdits()
        if isinstance(function.node, s.FunctionDef) and not function.is_async:
            found.edits.append(p.MakeAsync(span=function.node.span, codemod=NAME))
        hoist = self._hoist(function)
        touches = self._touches.of(function)
        swapped = {entered_options(self._project, touch.node) for touch in touches}
        for touch in touches:
            if touch.node not in gone and touch.node not in swapped:
                self._touch(found, touch, hoist)
        for site in self._project.calls(function):
            if site.node not in gone:
                self._call(found, function, site)
                self._made(found, site)
                add_run(found, self._project, site)
        self._closings(found, function)
        self._lending.hand_on(found, function)
        self._blocking_work(found, function, gone)
        self._decorators(found, function)
        annotations = annotation_edits(self._project, function, converts=True, gone=gone)
        found.edits += annotations.edits
        found.imports += annotations.imports
        found.unneeded += annotations.unneeded
        return found

    def _hoist(self, function: Function) -> str:
        if self._settings.style != "result" or "result" in names_in(function):
            return ""
        return "result"

    # --- operations ----------------------------------------------------------------------------

    def _touch(self, found: ColourEdits, touch: Touch, hoist: str) -> None:
        found.awaits += 1
        if touch.kind in METADATA:
            self._metadata(found, touch)
        elif touch.kind == INSPECTION:
            inspection_edits(found, self._project, touch.site, self._own_name)
        elif touch.kind == PAGE:
            page_edits(found, self._project, touch.site)
        elif touch.kind == CALL_ASYNC:
            _call_itself(found, touch.node)
        elif touch.kind == ASYNC_SIDE:
            _own_session(found, touch.node)
        elif touch.kind == "context":
            self._context(found, touch)
        elif touch.kind == "block":
            self._block(found, touch)
        elif (stream := stream_at(self._project, touch.site)) is not None:
            _stream(found, stream)
        else:
            operation = touch.site.operation
            name = hoist if operation and operation.name in _HOISTED else ""
            found.edits.append(p.AwaitCall(span=touch.node.span, codemod=NAME, hoist=name))

    def _block(self, found: ColourEdits, touch: Touch) -> None:
        statement = _with_of(self._project, touch.node)
        if statement is not None:
            _make_async(found, statement, touch.node)

    def _context(self, found: ColourEdits, touch: Touch) -> None:
        """`with engine.begin() as c:` becomes `async with`; elsewhere the call is awaited."""
        statement = _with_of(self._project, touch.node)
        options = entered_options(self._project, touch.node)
        edit = options_edit(touch.node, options, self._own_name) if options is not None else None
        if options is not None and edit is not None:
            outer = _with_of(self._project, options)
            assert outer is not None  # noqa: S101  `entered_options` has looked
            found.edits.append(edit)
            _make_async(found, outer, options)
            return
        if statement is not None:
            _make_async(found, statement, touch.node)
        elif not self._loops_over(found, touch.node):
            found.edits.append(p.AwaitCall(span=touch.node.span, codemod=NAME))

    def _closings(self, found: ColourEdits, function: Function) -> None:
        for call, what in closings(self._project, function):
            statement = _with_of(self._project, call.node)
            if statement is not None:
                edits, imports = closing_edits(call.node, what)
                found.edits += edits
                found.imports += imports
                found.unneeded.append(s.dotted_name(call.node.func).partition(".")[0])
                _make_async(found, statement, call.node)

    def _metadata(self, found: ColourEdits, touch: Touch) -> None:
        """`Base.metadata.create_all(engine)` runs in `run_sync` on a connection of the engine."""
        statement = self._project.statement_of(touch.node)
        code = schema_call(self._project, touch.site, self._own_name)
        if isinstance(statement, s.ExpressionStatement) and code:
            found.edits.append(p.ReplaceStatement(span=statement.span, codemod=NAME, code=code))

    def _own_name(self, engine: s.Expr) -> str:
        """What an engine is called, or asked for by, where the async one is meant."""
        if isinstance(engine, s.Call) and last_name(engine.func) == BLOCKING_ENGINE:
            return self._own_name(engine.args[0])
        if isinstance(engine, s.Call):
            arguments = source_if_simple(engine).removeprefix(source_if_simple(engine.func))
            return f"{self._own_name(engine.func)}{arguments}" if arguments else ""
        name = source_if_simple(engine)
        if isinstance(engine, s.Name | s.Attribute):
            twin = self._twins.named(self._project.scope_of(engine).module, engine)
            if twin is not None:
                return f"{name.removesuffix(twin.sync_name)}{twin.name}"
        return name

    # --- calls of converted and kept functions -------------------------------------------------

    def _call(self, found: ColourEdits, function: Function, site: CallSite) -> None:
        if site.kind in ("dependency", CALL_ASYNC) or not site.targets:
            return
        coloured = [
            target
            for target in site.targets
            if target in self._colouring.coloured and not self._has_copy(function, target)
        ]
        if any(map(self._lending.is_sync_coroutine, coloured)):
            self._lending.call(found, site)
        elif site.awaited:
            if any(map(self._lending.loses_async, coloured)):
                self._bridges.call(found, function, site, awaited=True)
        elif any(not target.is_async for target in coloured) and not self._is_read(site, coloured):
            self._new_await(found, function, site, coloured)

    def _is_read(self, site: CallSite, coloured: list[Function]) -> bool:
        """Whether it reads a property that stays sync, and only gives an object."""
        return site.kind == "property" and any(map(self._colouring.kept.__contains__, coloured))

    def _has_copy(self, wrapper: Function, target: Function) -> bool:
        """Whether a sync copy of the decorator that returns `wrapper` runs `target` from now on."""
        is_split = wrapper in self._copies and target in self._project.wrapped_by(wrapper)
        return is_split and not self._colouring.converts(target)

    def _new_await(
        self, found: ColourEdits, function: Function, site: CallSite, coloured: list[Function]
    ) -> None:
        twin = self._both.twin_name(site)
        if twin:
            self._twin(found, site, twin)
            return
        if not all(self._colouring.converts(target) for target in coloured):
            self._bridges.call(found, function, site)
            return
        if any(not is_awaitable(target) for target in coloured):
            self._generator(found, site)
            return
        found.awaits += 1
        found.edits.append(p.AwaitCall(span=site.node.span, codemod=NAME))

    def _twin(self, found: ColourEdits, site: CallSite, name: str) -> None:
        renamed = self._both.renamed(site, name)
        found.awaits += 1
        found.edits += [*renamed.edits, p.AwaitCall(span=site.node.span, codemod=NAME)]
        found.imports += renamed.imports
        found.unneeded += renamed.unneeded

    def _made(self, found: ColourEdits, site: CallSite) -> None:
        """An object that stays sync is made with the sync side of the session.

        A bridge gives it that by itself, and the object keeps it.
        """
        classes = made_with_session(self._project, site, self._colouring.converts)
        if not any(map(self._holds_kept, classes)):
            return
        if any(target in self._colouring.kept for target in site.targets):
            found.lent += self._bridges.lends(site)
        else:
            self._lending.call(found, site)

    def _generator(self, found: ColourEdits, site: CallSite) -> None:
        parent = self._project.parent(site.node)
        statement = _with_of(self._project, site.node)
        if isinstance(parent, s.Yield) and parent.is_from:
            passing_on_edits(found, self._project, site, parent)
        elif statement is not None:
            _make_async(found, statement, site.node)
        else:
            self._loops_over(found, site.node)

    def _loops_over(self, found: ColourEdits, node: s.Expr) -> bool:
        """Make the loop async that iterates over `node`, if one does."""
        parent = self._project.parent(node)
        if isinstance(parent, s.For) and parent.iter is node:
            _make_async(found, parent, node)
        elif isinstance(parent, s.Generator) and parent.iter is node:
            found.edits.append(p.MakeAsync(span=node.span, codemod=NAME))
        else:
            return False
        return True

    # --- what blocks -----------------------------------------------------------------------------

    def _blocking_work(
        self, found: ColourEdits, function: Function, gone: frozenset[s.AnyNode]
    ) -> None:
        for work in self._blocking.of(function, self._colouring.coloured):
            call = work.site.node
            if call in gone:
                continue
            if not work.cure or not isinstance(call, s.Call):
                found.diagnostics.append(report(work, function))
                continue
            if work.cure == "sleep":
                self._sleep(found, call)
            else:
                self._bridges.in_thread(found, function, call)
            found.threads += 1

    def _sleep(self, found: ColourEdits, call: s.Call) -> None:
        """`time.sleep(1)` becomes `await asyncio.sleep(1)`."""
        found.imports.append(p.ImportChange(NAME, "asyncio"))
        found.unneeded.append(s.dotted_name(call.func).partition(".")[0])
        code = "asyncio.sleep"
        found.edits += [
            p.ReplaceExpression(span=call.func.span, codemod=NAME, code=code),
            p.AwaitCall(span=call.span, codemod=NAME),
        ]

    # --- decorators ----------------------------------------------------------------------------

    def _decorators(self, found: ColourEdits, function: Function) -> None:
        """`@contextmanager` becomes `@asynccontextmanager`; what caches a value, caches it."""
        node = function.node
        if not isinstance(node, s.FunctionDef):
            return
        for decorator in node.decorators:
            if is_cached(self._project, decorator):
                cached_edits(found, self._project, decorator)
            dotted = s.dotted_name(decorator)
            if dotted.rpartition(".")[2] != "contextmanager":
                continue
            if isinstance(decorator, s.Attribute):
                code = f"{s.dotted_name(decorator.value)}.asynccontextmanager"
            else:
                code = "asynccontextmanager"
                found.imports.append(p.ImportChange(NAME, "contextlib", code))
                found.unneeded.append(dotted)
            found.edits.append(p.ReplaceExpression(span=decorator.span, codemod=NAME, code=code))


def _call_itself(found: ColourEdits, node: s.Expr) -> None:
    """`call_async(f, db, a)` becomes `await f(db, a)`."""
    assert isinstance(node, s.Call)  # noqa: S101  see `index.sites`
    found.edits += [
        p.RecallCall(span=node.span, codemod=NAME),
        p.AwaitCall(span=node.span, codemod=NAME),
    ]
    found.unneeded.append(s.dotted_name(node.func).partition(".")[0])


def _own_session(found: ColourEdits, node: s.Expr) -> None:
    """`Users(async_side(db))` becomes `Users(db)`."""
    assert isinstance(node, s.Call)  # noqa: S101  see `plan.colouring.touches`
    found.edits.append(p.UnwrapCall(span=node.span, codemod=NAME))
    found.unneeded.append(s.dotted_name(node.func).partition(".")[0])


def _stream(found: ColourEdits, stream: Stream) -> None:
    """`for user in db.scalars(...)` becomes `async for user in await db.stream_scalars(...)`."""
    found.edits += [
        p.RenameAttribute(span=stream.call.func.span, codemod=NAME, name=stream.name),
        p.AwaitCall(span=stream.call.span, codemod=NAME),
    ]
    for loop in stream.loops:
        span = loop.span if isinstance(loop, s.For) else loop.iter.span
        if not loop.is_async:
            found.edits.append(p.MakeAsync(span=span, codemod=NAME))


def is_awaitable(function: Function) -> bool:
    """Whether calling the converted function gives a coroutine (not an async generator)."""
    return not function.is_generator


def _with_of(project: Project, call: s.Expr) -> s.With | None:
    parent = project.parent(call)
    if not isinstance(parent, s.WithItem) or parent.context is not call:
        return None
    statement = project.parent(parent)
    return statement if isinstance(statement, s.With) else None


def _make_async(found: ColourEdits, statement: s.With | s.For, node: s.Expr) -> None:
    """Make a loop, or the item of a `with` whose context is `node`, async."""
    if statement.is_async:
        return
    if isinstance(statement, s.For) or len(statement.items) == 1:
        edit: p.AnyEdit = p.MakeAsync(span=statement.span, codemod=NAME)
    else:
        edit = _nested(found, statement, node)
    if edit not in found.edits:
        found.edits.append(edit)


def _nested(found: ColourEdits, statement: s.With, node: s.Expr) -> p.AnyEdit:
    """The edit of a `with` of several items, as far as they are known to be async."""
    kinds = tuple(item.context is node for item in statement.items)
    for edit in found.edits:
        if isinstance(edit, p.NestWith) and edit.span == statement.span:
            found.edits.remove(edit)
            kinds = tuple(a or b for a, b in zip(kinds, edit.kinds, strict=True))
            break
    if all(kinds):
        return p.MakeAsync(span=statement.span, codemod=NAME)
    return p.NestWith(span=statement.span, codemod=NAME, kinds=kinds)
