"""Give each converted function its session: injected, or in an `async with` block.

A route or dependency takes the session as a parameter; the `close()`, the `try`/`finally` and the
handlers that only roll back go, because the dependency closes the session. Any other function
opens it with `async with`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function
from migrate_async.model import plan as p
from migrate_async.model import syntax as s
from migrate_async.plan import blocks
from migrate_async.plan.inner_imports import InnerImports, find_inner_import, is_only_fetched
from migrate_async.plan.names import import_path, is_variable, local_name
from migrate_async.plan.sessions.acquisitions import Acquisition
from migrate_async.plan.sessions.classes import async_home
from migrate_async.plan.sessions.provider import Provider
from migrate_async.plan.sessions.reopened import on_async_engines
from migrate_async.plan.sessions.requests import shares_request
from migrate_async.plan.text import source

NAME = "session-injection"
EXPIRE_LATE = "expire_late"


@dataclass(frozen=True)
class SessionPlan:
    """Edits of one function. `gone` are the nodes that vanish: nothing in them is awaited.

    `obstacle` is the reason why the function cannot get its session this way.
    """

    edits: tuple[p.AnyEdit, ...] = ()
    imports: tuple[p.ImportChange, ...] = ()
    unneeded: tuple[str, ...] = ()
    gone: frozenset[s.AnyNode] = frozenset()
    sessions: int = 0
    injected: str = ""
    obstacle: p.Reason | None = None


def plan_sessions(
    project: Project,
    provider: Provider,
    function: Function,
    acquisitions: Collection[Acquisition],
    expires_late: Callable[[], bool],
) -> SessionPlan:
    """How `function` gets its sessions, the `acquisitions`, once it is converted.

    With `expires_late`, those that it makes without a factory expire their objects when a query
    meets them after a commit.
    """
    if not acquisitions or not isinstance(function.node, s.FunctionDef):
        return SessionPlan()
    builder = _Builder(project, provider, function, function.node, expires_late)
    named = [found for found in acquisitions if found.name and found.statement is not None]
    single = len(named) == len(acquisitions) == 1 and builder.is_like(named[0])
    may_share = single and is_injectable(project, provider, function)
    if may_share and not shares_request(project, function) and builder.inject(named[0]):
        return builder.result(len(acquisitions))
    for found in acquisitions:
        builder.open(found)
    return builder.result(len(acquisitions))


def plan_given(
    project: Project,
    provider: Provider,
    function: Function,
    acquisitions: Collection[Acquisition],
    expires_late: Callable[[], bool],
) -> SessionPlan:
    """The sessions that `function`, which is no coroutine, makes without a factory to give out."""
    if not acquisitions or not isinstance(function.node, s.FunctionDef):
        return SessionPlan()
    builder = _Builder(project, provider, function, function.node, expires_late)
    for found in acquisitions:
        builder.make(found)
    return builder.result(len(acquisitions))


def is_injectable(project: Project, provider: Provider, function: Function) -> bool:
    """Whether FastAPI calls `function`, so that it can hand it a session."""
    if function.is_generator or not provider.get_db or not provider.suits_all:
        return False
    if function.is_route:
        return True
    uses = project.value_uses(function)
    return bool(uses) and all(use.is_injected for use in uses)


@dataclass
class _Builder:
    project: Project
    provider: Provider
    function: Function
    node: s.FunctionDef
    expires_late: Callable[[], bool]
    edits: list[p.AnyEdit] = field(default_factory=list)
    imports: list[p.ImportChange] = field(default_factory=list)
    unneeded: list[str] = field(default_factory=list)
    gone: list[s.AnyNode] = field(default_factory=list)
    injected: str = ""
    obstacle: p.Reason | None = None
    inner: InnerImports = field(default_factory=lambda: InnerImports(NAME))

    def result(self, sessions: int) -> SessionPlan:
        gone = frozenset(node for root in self.gone for node in s.walk(root))
        if self.obstacle is not None:
            return SessionPlan(obstacle=self.obstacle)
        return SessionPlan(
            (*self.edits, *(edit for _, edit in self.inner.edits())),
            tuple(self.imports),
            tuple(dict.fromkeys(self.unneeded)),
            gone,
            sessions,
            self.injected,
        )

    # --- injection -----------------------------------------------------------------------------

    def is_like(self, found: Acquisition) -> bool:
        """Whether the dependency's session can stand for it: it comes from the same factory."""
        if found.kind == "constructor":
            engines = {e.value for e in self.project.engines if e.scope.kind == "module"}
            return len(engines.difference(self._sync_sides())) < 2
        name = s.dotted_name(found.call.func).rpartition(".")[2]
        others = (
            factory
            for factory in self.project.session_factories
            if found.kind == "factory" and factory.scope.kind == "module"
            if (factory.module.name, factory.name) != (self.provider.module, self.provider.factory)
        )
        return not any(
            is_variable(self.function.module, other.module, other.name, name)
            and other.name != self.provider.sync_factory
            for other in others
        )

    def _sync_sides(self) -> Iterator[s.Expr]:
        """What makes the engines that an earlier run left for code that stayed sync."""
        twins = self.provider.twins
        yield from (engine.value for engine in (twins.variables if twins is not None else ()))

    def inject(self, found: Acquisition) -> bool:
        """Take the session as a parameter; False when its scope is not the whole function."""
        if self._is_imported_inside(found):
            return False
        statement = found.statement
        if isinstance(statement, s.With):
            if len(statement.items) != 1 or not self._is_top_level(statement):
                return False
            self.edits.append(p.UnwrapBlock(span=statement.span, codemod=NAME))
        elif statement is not None:
            if self._assignments(found.name) != 1 or self._in_loop_or_branch(statement):
                return False
            self._remove(statement)
        self.gone.append(found.call)
        self._remove_closes(found.name)
        get_db = self._imported(self.provider.get_db_module, self.provider.get_db)
        depends = self._imported("fastapi", "Depends")
        session = self._imported(async_home(self.project, found.call), "AsyncSession")
        self.edits.append(
            p.AddParameter(
                span=self.node.span,
                codemod=NAME,
                code=f"{found.name}: {session} = {depends}({get_db})",
            )
        )
        self._unneeded(found.call)
        self.injected = found.name
        return True

    def _remove_closes(self, name: str) -> None:
        for statement in blocks.statements(self.node.body):
            if isinstance(statement, s.Try):
                self._strip_try(statement, name)
            elif blocks.is_method_call(statement, name, "close"):
                self._remove(statement)

    def _strip_try(self, statement: s.Try, name: str) -> None:
        """Drop a `finally` that only closes, then the whole `try` if nothing is left of it."""
        closes = bool(statement.finalbody) and all(
            blocks.is_method_call(inner, name, "close") for inner in statement.finalbody
        )
        if not closes:
            return
        self.gone += statement.finalbody
        pointless = all(_only_rolls_back(handler, name) for handler in statement.handlers)
        if pointless and not statement.orelse:
            self.gone += statement.handlers
            self.edits.append(p.UnwrapBlock(span=statement.span, codemod=NAME))
        else:
            self.edits.append(p.DropFinally(span=statement.span, codemod=NAME))

    # --- async with ----------------------------------------------------------------------------

    def open(self, found: Acquisition) -> None:
        """Open the session with `async with`, or await what the function itself does with it."""
        if isinstance(found.statement, s.With):
            self._open_with(found, found.statement)
        elif found.statement is not None and self._open_block(
            found, found.statement, self._opening(found)
        ):
            if _is_of_made_factory(found):
                return
            self._remove(found.statement)
            self.gone.append(found.call)
            self._unneeded(found.call)
        elif found.kind in ("resolver", "next", "constructor"):
            self.make(found)

    def _open_with(self, found: Acquisition, statement: s.With) -> None:
        if found.kind == "factory":
            return  # the colour makes its `with` async
        if len(statement.items) > 1:
            self.make(found)
            return
        header = self._opening(found)
        self.edits.append(p.ChangeBlock(span=statement.span, codemod=NAME, header=header))
        self.gone.append(found.call)
        self._unneeded(found.call)

    def _open_block(self, found: Acquisition, statement: s.Stmt, header: str) -> bool:
        """`db = SessionLocal()` and what follows, as a block; False when its end is not clear."""
        parent = self._block_of(statement)
        if parent is None or self._assignments(found.name) != 1:
            return False
        block, index = parent
        enclosing = self._enclosing_try(block)
        if enclosing is not None and index == 0 and self._closing_try(enclosing, found.name):
            self._head(found, enclosing, block[-1], header)
            return True
        rest = block[index + 1 :]
        if not rest:
            return False
        following = rest[0]
        if (
            isinstance(following, s.Try)
            and self._closing_try(following, found.name)
            and not any(blocks.mentions(other, found.name) for other in rest[1:])
        ):
            self._head(found, following, following, header)
            return True
        return self._wrap(found, rest, header)

    def _head(self, found: Acquisition, block: s.Try, last: s.Stmt, header: str) -> None:
        """Give the body of `block`, up to `last`, the new head."""
        if not _is_of_made_factory(found):
            self.edits.append(p.ChangeBlock(span=block.span, codemod=NAME, header=header))
            return
        self.edits.append(p.UnwrapBlock(span=block.span, codemod=NAME))
        self._wrap_from(found, last, header)

    def _wrap_from(self, found: Acquisition, last: s.Stmt, header: str) -> None:
        assert found.statement is not None  # noqa: S101  the caller has looked
        span = found.statement.span
        self.edits.append(
            p.WrapStatements(span=span, codemod=NAME, until=last.span, header=header, enters=True)
        )

    def _closing_try(self, statement: s.Try, name: str) -> bool:
        """Whether `statement` does nothing but close the session; marks its clean-up as gone."""
        closes = bool(statement.finalbody) and all(
            blocks.is_method_call(inner, name, "close") for inner in statement.finalbody
        )
        pointless = all(_only_rolls_back(handler, name) for handler in statement.handlers)
        if not (closes and pointless and not statement.orelse):
            return False
        self.gone += [*statement.finalbody, *statement.handlers]
        return True

    def _wrap(self, found: Acquisition, rest: blocks.Block, header: str) -> bool:
        """Straight-line code up to `db.close()`, or all that follows.

        Queries that were made on the session, and lazy loads, need it without naming it.
        """
        name = found.name
        ends = [i for i, item in enumerate(rest) if blocks.is_method_call(item, name, "close")]
        others = [i for i, item in enumerate(rest) if blocks.mentions(item, name) and i not in ends]
        if len(ends) > 1 or not others or (ends and others[-1] > ends[0]):
            return False
        if any(self._closes_inside(item, name) for item in rest):
            return False
        if any(isinstance(item, (s.FunctionDef, s.ClassDef)) for item in rest[: others[-1] + 1]):
            return False
        last = ends[0] - 1 if ends else len(rest) - 1
        if _is_of_made_factory(found):
            self._wrap_from(found, rest[last], header)
        else:
            span, until = rest[0].span, rest[last].span
            self.edits.append(p.WrapStatements(span=span, codemod=NAME, until=until, header=header))
        for index in ends:
            self._remove(rest[index])
        return True

    @staticmethod
    def _closes_inside(statement: s.Stmt, name: str) -> bool:
        return any(
            blocks.is_method_call(inner, name, "close")
            for block in blocks.inner_blocks(statement)
            for inner in blocks.statements(block)
        )

    def _opening(self, found: Acquisition) -> str:
        name = found.name or "db"
        return f"async with {self._session_call(found)} as {name}:"

    def _session_call(self, found: Acquisition) -> str:
        if _is_of_made_factory(found):
            return "{}"
        if found.kind == "factory" and not self._is_twin(found.call.func):
            return source(found.call)
        if found.kind == "constructor":
            session = self._imported(async_home(self.project, found.call), "AsyncSession")
            arguments = source(self._reopened(replace_func(found.call, session)))
            made = f"{arguments[:-1]}, expire_on_commit=False)"
            if self.expires_late():
                return f"{self._imported('migrate_async', EXPIRE_LATE)}({made})"
            return made
        if found.kind == "factory" and isinstance(found.call.func, s.Attribute):
            # The run that left the twin did so below the name of its module, too.
            home = s.dotted_name(found.call.func.value)
            return source(replace_func(found.call, f"{home}.{self.provider.factory}"))
        return f"{self._factory(found)}()"

    def _factory(self, found: Acquisition) -> str:
        """The name of the factory whose session `next(get_db())` was."""
        given = found.call.args[0] if found.kind == "next" and found.call.args else None
        home = self.project.modules.get(self.provider.module)
        inner = find_inner_import(self.project, given.func) if isinstance(given, s.Call) else None
        if inner is None or home is None:
            return self._imported(self.provider.module, self.provider.factory)
        keep = not is_only_fetched(self.project, inner)
        factory = self.provider.factory
        return self.inner.add(inner, home, factory, factory, keep=keep)

    def _is_imported_inside(self, found: Acquisition) -> bool:
        """Whether `get_db` would be the first import of its module at the top."""
        given = found.call.args[0] if found.kind == "next" and found.call.args else found.call
        if not isinstance(given, s.Call) or find_inner_import(self.project, given.func) is None:
            return False
        home = self.provider.get_db_module
        return local_name(self.function.module, home, self.provider.get_db) is None

    def _reopened(self, call: s.Call) -> s.Call:
        if self.provider.twins is None:
            return call
        call, imports = on_async_engines(call, self.function.module, self.provider.twins)
        self.imports += imports
        return call

    def _is_twin(self, func: s.Expr) -> bool:
        """`SyncSessionLocal` of an earlier run."""
        name = s.dotted_name(func).rpartition(".")[2]
        return bool(self.provider.factory) and name == self.provider.sync_factory

    def make(self, found: Acquisition) -> None:
        """Make the session where it is made now."""
        self.edits.append(
            p.ReplaceExpression(span=found.call.span, codemod=NAME, code=self._session_call(found))
        )
        if found.kind != "constructor":
            self.gone.append(found.call)
        self._unneeded(found.call)

    # --- helpers -------------------------------------------------------------------------------

    def _imported(self, module: str, name: str) -> str:
        importer = self.function.module
        if importer.name == module:
            return name
        local = local_name(importer, module, name)
        if local is None:
            local = name
            path = import_path(importer, module)
            self.imports.append(p.ImportChange(NAME, path, name))
        return local

    def _unneeded(self, call: s.Call) -> None:
        for node in s.walk(call):
            if isinstance(node, s.Name):
                self.unneeded.append(node.id)

    def _remove(self, statement: s.Stmt) -> None:
        if statement not in self.gone:
            self.gone.append(statement)
            self.edits.append(p.ReplaceStatement(span=statement.span, codemod=NAME))

    def _assignments(self, name: str) -> int:
        return len(self.function.scope.names.get(name, ()))

    def _is_top_level(self, statement: s.Stmt) -> bool:
        return statement in self.node.body

    def _in_loop_or_branch(self, statement: s.Stmt) -> bool:
        parent = self.project.parent(statement)
        while parent is not self.node:
            if not isinstance(parent, s.Try):
                return True
            parent = self.project.parent(parent)
        return False

    def _block_of(self, statement: s.Stmt) -> tuple[blocks.Block, int] | None:
        for block in blocks.blocks(self.node.body):
            if statement in block:
                return block, block.index(statement)
        return None

    def _enclosing_try(self, block: blocks.Block) -> s.Try | None:
        for statement in blocks.statements(self.node.body):
            if isinstance(statement, s.Try) and statement.body is block:
                return statement
        return None


def _is_of_made_factory(found: Acquisition) -> bool:
    """`sessionmaker(bind=engine)()`: the factory has edits of its own."""
    return found.kind == "factory" and isinstance(found.call.func, s.Call)


def _only_rolls_back(handler: s.Handler, name: str) -> bool:
    """`except ...: db.rollback(); raise`: closing the session rolls back as well."""
    *before, last = handler.body
    return (
        isinstance(last, s.Raise)
        and last.error is None
        and all(blocks.is_method_call(statement, name, "rollback") for statement in before)
    )


def replace_func(call: s.Call, name: str) -> s.Call:
    """`call` with another callee."""
    func = s.Name(*call.func.span, name)
    return s.Call(*call.span, func, call.args, call.keywords)
