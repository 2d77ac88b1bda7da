"""What lets code that stays sync run beside code that has migrated.

A kept route or dependency takes the request's session through `get_sync_db`: the sync side of the
same `AsyncSession` (`migrate_async.HopSession`), so that both worlds share one transaction and one
identity map. Kept code that opens sessions itself gets a sync engine and factory of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

from migrate_async.index.scopes import Function, Module
from migrate_async.index.sessions import Variable
from migrate_async.index.types import FunctionObject
from migrate_async.model import plan as p
from migrate_async.model import syntax as s
from migrate_async.model.diagnostic import Diagnostic, at
from migrate_async.plan.aliases import Alias
from migrate_async.plan.both_worlds.idle_coroutines import IdleCoroutines
from migrate_async.plan.both_worlds.surroundings import Surroundings
from migrate_async.plan.colouring.verdicts import Verdicts
from migrate_async.plan.database import (
    NAME,
    ModuleEdits,
    add_change,
    add_import,
    called,
    moving_url,
    url_argument,
)
from migrate_async.plan.inner_listeners import is_listener
from migrate_async.plan.leftovers.twins import (
    SYNC_DEPENDENCY,
    SYNC_SIDE,
    Twin,
    sync_dependency_name,
    sync_engine_name,
    sync_factory_name,
)
from migrate_async.plan.lent import LentSessions
from migrate_async.plan.names import is_variable
from migrate_async.plan.paths import is_test_path
from migrate_async.plan.sessions.acquisitions import find_acquisitions
from migrate_async.plan.sessions.classes import (
    async_home_of_dependency,
    has_no_factory,
    sync_home_of_dependency,
)
from migrate_async.plan.text import source

CANNOT_STAY = "MA202"
"""A plan with this message is never written: the function would fail at its first query."""


@dataclass
class Needs:
    """What kept code uses and the database module has to go on offering."""

    dependencies: dict[Function, None] = field(default_factory=dict)
    variables: dict[Variable, None] = field(default_factory=dict)
    aliases: set[Alias] = field(default_factory=set)


class Frontier:
    """Re-points kept functions, then adds what they need to the database module."""

    def __init__(
        self,
        around: Surroundings,
        verdicts: Verdicts,
        becomes_async: Callable[[Variable], bool],
        idle: IdleCoroutines,
    ) -> None:
        self._project = around.project
        self._settings = around.settings
        self._provider = around.provider
        self._aliases = around.aliases
        self._twins = around.twins
        self._verdicts = verdicts
        self._becomes_async = becomes_async
        self._idle = idle
        self._restored: set[s.AnyNode] = set()
        self._retired: set[s.Stmt] = set()
        self._lent = LentSessions(around.project, self._is_async, becomes_async)
        self._lends = False
        self.moved: list[tuple[str, s.Span, str, str]] = []
        """Where code gets another side of a session, which side it had, and which it gets."""
        self.needs = Needs()

    def repoint(self, function: Function) -> ModuleEdits:
        """Edits of one function (or module body) that stays sync."""
        fetched = [
            found.call
            for found in find_acquisitions(self._project, self._settings, function)
            if found.kind == "next"
        ]
        inside = {node for call in fetched for node in s.walk(call)}
        inside.update(node for part in _registrations(function) for node in s.walk(part))
        references = [node for node in _references(function) if node not in inside]
        found = self._repoint(function, references)
        self._lent_sessions(found, function)
        if function in self._idle and any(map(self._takes_session(function), references)):
            found.take(self._idle.edits(function, self._why(function)))
        for call in fetched:
            self._own_factory(found, function.module, call)
        return found

    def _takes_session(self, function: Function) -> Callable[[s.Name | s.Attribute], bool]:
        return lambda node: self._is_dependency(function, node)

    def _own_factory(self, found: ModuleEdits, module: Module, call: s.Call) -> None:
        """`next(get_db())` as a session of the function's own, which it was all along."""
        for factory in self._project.session_factories:
            if factory in self._twins.variables or (factory.module.name, factory.name) != (
                self._provider.module,
                self._provider.factory,
            ):
                continue
            self.needs.variables[factory] = None
            name = _passing(found, module, factory.module, _sync_name(factory), factory.name)
            code = f"{name}()"
            found.edits.append(p.ReplaceExpression(span=call.span, codemod=NAME, code=code))
            found.unneeded += [node.id for node in s.walk(call) if isinstance(node, s.Name)]

    def restore(self, function: Function, gone: frozenset[s.AnyNode]) -> ModuleEdits:
        """Edits of a function that was re-pointed once and leaves the sync side now."""
        found = ModuleEdits()
        self._take_back(found, function)
        for node in _references(function) if self._twins else ():
            twin = self._twins.named(function.module, node)
            if twin is None:
                continue
            self._restored.add(node)
            found.unneeded.append(s.dotted_name(node).partition(".")[0])
            if node in gone:
                continue
            if isinstance(node, s.Attribute):
                code = f"{s.dotted_name(node.value)}.{twin.name}"
            else:
                home = twin.module.name
                wanted = p.ImportChange(NAME, home, twin.name, beside=twin.sync_name)
                code = add_change(found, function.module, wanted)
            found.edits.append(p.ReplaceExpression(span=node.span, codemod=NAME, code=code))
        return found

    def forget(self, statement: s.Stmt) -> None:
        """`statement` goes, with the names that it uses."""
        self._restored.update(s.walk(statement))

    def retire(self) -> dict[Module, ModuleEdits]:
        """Remove the sync names that nothing uses any more."""
        found: dict[Module, ModuleEdits] = {}
        used = self._used()
        for twin in self._twins:
            if twin.statement in used or self._is_needed(twin):
                self._mark(used, twin.statement, twin.module)
                continue
            self._retired.add(twin.statement)
            edits = found.setdefault(twin.module, ModuleEdits())
            span = twin.statement.span
            edits.edits.append(p.ReplaceStatement(span=span, codemod=NAME))
            edits.unneeded += [
                node.id for node in s.walk(twin.statement) if isinstance(node, s.Name)
            ]
        return found

    def _used(self) -> set[s.Stmt]:
        """The definitions of the twins that code other than twins uses."""
        used: set[s.Stmt] = set()
        twins = {twin.statement for twin in self._twins}
        if not twins:
            return used
        for module in self._project.modules.values():
            for statement in module.syntax.body:
                if statement not in twins and not isinstance(statement, (s.Import, s.ImportFrom)):
                    self._mark(used, statement, module)
        return used

    def _mark(self, used: set[s.Stmt], statement: s.Stmt, module: Module) -> None:
        for node in _outermost(statement):
            if node not in self._restored:
                twin = self._twins.named(module, node)
                if twin is not None:
                    used.add(twin.statement)

    def _is_needed(self, twin: Twin) -> bool:
        """Whether code that is re-pointed in this run uses it."""
        names = {alias.sync_name for alias in self.needs.aliases}
        names.update(map(self._sync_dependency, self.needs.dependencies))
        for variable in self.needs.variables:
            names.add(_sync_name(variable))
        return twin.sync_name in names

    def _unusable(
        self, function: Function, node: s.Name | s.Attribute, *, repointed: bool
    ) -> Iterator[Diagnostic]:
        """Kept code whose session would no longer work once its dependency is async."""
        if not repointed:
            yield self._cannot_stay(function, node)
        elif function in self._idle:
            return
        elif function.is_async and not self._verdicts.only_lends(function):
            yield at(
                function.module.path,
                node.span,
                CANNOT_STAY,
                f"{function.qualname} is a coroutine that stays sync{self._why(function)}: "
                "on the event loop a sync session cannot share the async one",
                f"resolve that (`migrate-async plan --explain {function.qualname}`), or make it "
                "`def`, if it awaits nothing: FastAPI then runs it in a thread",
            )

    def _why(self, function: Function) -> str:
        reason = self._verdicts.colouring.kept.get(function)
        return f" ({reason.text})" if reason is not None else ""

    def _cannot_stay(self, function: Function, node: s.Name | s.Attribute) -> Diagnostic:
        advice = (
            f"resolve what keeps it sync (`migrate-async plan --explain {function.qualname}`), or "
            "have it take a session of its own: from Depends(get_db), or from the factory"
        )
        if self._verdicts.full.converts(function):
            advice = f"select it too: --function {function.qualname}"
        return at(
            function.module.path,
            node.span,
            CANNOT_STAY,
            f"{function.qualname} stays sync{self._why(function)}, "
            f"but {s.dotted_name(node)} will give an AsyncSession",
            advice,
        )

    def repoint_statement(self, module: Module, statement: s.Stmt) -> ModuleEdits:
        """Edits of one statement at the top level of a module."""
        return self._repoint(module.body, _outermost(statement))

    def repoint_arguments(self, function: Function, call: s.Call) -> ModuleEdits:
        """Edits of a call by which code makes an object that stays sync: factories it is given."""
        values = (*call.args, *(keyword.value for keyword in call.keywords))
        return self._repoint(function, [node for value in values for node in _outermost(value)])

    def _repoint(self, function: Function, nodes: Iterable[s.Name | s.Attribute]) -> ModuleEdits:
        found = ModuleEdits()
        for node in nodes:
            if self._is_async_already(function, node):
                continue
            new = self._replacement(found, function, node)
            if self._is_dependency(function, node):
                found.diagnostics += self._unusable(function, node, repointed=bool(new))
            if new:
                found.edits.append(p.ReplaceExpression(span=node.span, codemod=NAME, code=new))
                found.unneeded.append(s.dotted_name(node).partition(".")[0])
        return found

    def _is_async_already(self, function: Function, node: s.Name | s.Attribute) -> bool:
        """Whether `node` gives a coroutine the async session that it has always worked on."""
        if not function.is_async:
            return False
        return any(
            node in s.walk(value)
            and self._project.session_kind(s.Name(*param.span, param.name), function.scope)
            == "async"
            for param in function.params
            for value in (param.default, param.annotation)
            if value is not None
        )

    def _replacement(
        self, found: ModuleEdits, function: Function, node: s.Name | s.Attribute
    ) -> str:
        module = function.module
        if self._twins.named(module, node) is not None:
            return ""
        # Tests override `get_db`, which `get_sync_db` depends on.
        code = "" if is_test_path(module.path) else self._sync_side(found, function, node)
        if code or not isinstance(node, s.Name):
            return code
        return self._own_session(found, module, node)

    def _sync_side(self, found: ModuleEdits, function: Function, node: s.Name | s.Attribute) -> str:
        """The sync side of a dependency, or of an alias of one."""
        module = function.module
        dependency = self._dependency(function, node)
        if dependency is not None:
            self.needs.dependencies[dependency] = None
            name = self._sync_dependency(dependency)
            if isinstance(node, s.Attribute):
                return f"{s.dotted_name(node.value)}.{name}"
            return _passing(found, module, dependency.module, name, dependency.name)
        for alias in self._aliases if isinstance(node, s.Name) else ():
            if alias.local_name(module) == s.dotted_name(node):
                self.needs.aliases.add(alias)
                for given in self._dependencies_of(alias):
                    self.needs.dependencies[given] = None
                return _passing(found, module, alias.module, alias.sync_name, alias.name)
        return ""

    def _own_session(self, found: ModuleEdits, module: Module, node: s.Name) -> str:
        if self._is_target(node):
            return ""
        for factory in self._project.session_factories:
            if factory.kind != "sessionmaker" or factory.scope.kind != "module":
                continue
            if not self._becomes_async(factory):
                continue
            if is_variable(module, factory.module, factory.name, node.id):
                self.needs.variables[factory] = None
                name = _sync_name(factory)
                return _passing(found, module, factory.module, name, factory.name)
        for engine in self._project.engines:
            if engine.scope.kind != "module" or not self._becomes_async(engine):
                continue
            if is_variable(module, engine.module, engine.name, node.id):
                self.needs.variables[engine] = None
                return _passing(found, module, engine.module, _sync_name(engine), engine.name)
        return ""

    def _is_target(self, node: s.Name) -> bool:
        parent = self._project.parent(node)
        return isinstance(parent, s.Assign) and parent.value is not node

    def _is_dependency(self, function: Function, node: s.Name | s.Attribute) -> bool:
        """Whether `node` is a dependency of the application that gives a request its session."""
        module = function.module
        if is_test_path(module.path) or self._twins.named(module, node) is not None:
            return False
        if isinstance(node, s.Name) and any(
            alias.local_name(function.module) == node.id for alias in self._aliases
        ):
            return True
        return any(
            isinstance(found, FunctionObject) and found.fn in self._session_dependencies
            for found in self._project.infer(node, function.scope)
        )

    @cached_property
    def _session_dependencies(self) -> frozenset[Function]:
        return frozenset(self._project.session_dependencies)

    def _lent_sessions(self, found: ModuleEdits, function: Function) -> None:
        """Take the sync side of sessions that kept code finds in an object."""
        if self._is_lender(function):
            return
        for node in self._lent.read_by(function):
            if not self._lent.has_sync_side(function, node):
                found.diagnostics.append(self._cannot_stay(function, node))
                return
            self._lends = True
            code = "{}.sync_session"
            old = s.dotted_name(node)
            self.moved.append((function.module.path, node.span, old, f"{old}.sync_session"))
            found.edits.append(p.ReplaceExpression(span=node.span, codemod=NAME, code=code))

    def _is_lender(self, function: Function) -> bool:
        """Whether it is a dependency that gives what a middleware made: it gets a sync twin."""
        return function in self._session_dependencies and self._lent.hands_on(function)

    def _take_back(self, found: ModuleEdits, function: Function) -> None:
        """`request.state.db.sync_session` as `request.state.db`."""
        for node in self._lent.taken(function):
            self._restored.add(node)
            code = s.dotted_name(node.value)
            self.moved.append((function.module.path, node.span, s.dotted_name(node), code))
            found.edits.append(p.ReplaceExpression(span=node.span, codemod=NAME, code=code))

    def _is_async(self, function: Function) -> bool:
        return function.is_async or self._verdicts.colouring.converts(function)

    def _dependency(self, function: Function, node: s.Name | s.Attribute) -> Function | None:
        """The session dependency that `node` names, if that gives an async session."""
        for found in self._project.infer(node, function.scope):
            if isinstance(found, FunctionObject) and self._gives_async(found.fn):
                return found.fn
        return None

    def _gives_async(self, function: Function) -> bool:
        if (function.module.name, function.name) == (
            self._provider.get_db_module,
            self._provider.get_db,
        ):
            return True
        return (
            function in self._session_dependencies
            and function.parent is not None
            and function.parent.is_module
            and (self._is_async(function) or self._is_lender(function))
        )

    def _sync_dependency(self, function: Function) -> str:
        for twin in self._twins.functions.values():
            if (twin.module, twin.name) == (function.module, function.name):
                return twin.sync_name
        is_main = function.name == self._provider.get_db
        return SYNC_DEPENDENCY if is_main else sync_dependency_name(function.name)

    def _dependencies_of(self, alias: Alias) -> Iterator[Function]:
        for node in s.walk(alias.value):
            if isinstance(node, (s.Name, s.Attribute)):
                found = self._dependency(alias.module.body, node)
                if found is not None:
                    yield found

    @property
    def serves_kept(self) -> bool:
        """Whether something takes the sync side of the request's session, after this run."""
        if self.needs.dependencies or self._lends:
            return True
        if any(twin.statement not in self._retired for twin in self._twins.functions.values()):
            return True
        functions = self._project.functions
        return self.still_lends(node for fn in functions for node in self._lent.taken(fn))

    def still_lends(self, sides: Iterable[s.AnyNode]) -> bool:
        """Whether some code goes on using one of these sync sides after this run."""
        return any(node not in self._restored for node in sides)

    # --- the database module -------------------------------------------------------------------

    def offer(self) -> dict[Module, ModuleEdits]:
        """The sync names that the re-pointed code imports."""
        found: dict[Module, ModuleEdits] = {}
        for dependency in self.needs.dependencies:
            self._offer_dependency(found, dependency)
        for alias in sorted(self.needs.aliases, key=lambda item: item.name):
            self._offer_alias(found, alias)
        for factory in self._project.session_factories:
            if factory in self.needs.variables:
                self._need_engine(factory)
                self._twin(found, factory)
        for engine in self._project.engines:
            if engine in self.needs.variables:
                self._twin(found, engine)
        return found

    def _offer_dependency(self, found: dict[Module, ModuleEdits], function: Function) -> None:
        name = self._sync_dependency(function)
        if function.node is None or self._twins.has(function.module, name):
            return
        edits = found.setdefault(function.module, ModuleEdits())
        depends = add_import(edits, function.module, "fastapi", "Depends", NAME)
        plain = sync_home_of_dependency(self._project, function)
        sync = add_import(edits, function.module, plain, "Session", NAME)
        home = async_home_of_dependency(self._project, function)
        beside = "async_sessionmaker"  # it goes with this function, if nothing else needs it
        wanted = p.ImportChange(NAME, home, "AsyncSession", beside=beside, passing=True)
        session = add_change(edits, function.module, wanted)
        head, value = "def", "db.sync_session"
        if has_no_factory(self._project, function) or not self._has_factory:
            head = "async def"
            value = f"{add_import(edits, function.module, 'migrate_async', SYNC_SIDE, NAME)}(db)"
        code = (
            f"{head} {name}(db: {session} = {depends}({function.name})) -> {sync}:\n"
            '    """The request\'s session, for what has not migrated yet."""\n'
            f"    return {value}"
        )
        edits.edits.append(
            p.InsertStatements(span=function.node.span, codemod=NAME, code=code, after=True)
        )

    @cached_property
    def _has_factory(self) -> bool:
        """Whether a factory of a module can be told to make sessions that threads may use."""
        return any(
            factory.scope.kind == "module" and factory not in self._twins.variables
            for factory in self._project.session_factories
        )

    def _offer_alias(self, found: dict[Module, ModuleEdits], alias: Alias) -> None:
        edits = found.setdefault(alias.module, ModuleEdits())
        text = alias.source
        for function in self._dependencies_of(alias):
            name = self._sync_dependency(function)
            sync = _passing(edits, alias.module, function.module, name, function.name)
            text = text.replace(function.name, sync)
        edits.edits.append(
            p.InsertStatements(
                span=alias.statement.span,
                codemod=NAME,
                code=f"{alias.sync_name} = {text}",
                after=True,
            )
        )

    def _need_engine(self, factory: Variable) -> None:
        """A sync factory needs the sync engine that it is bound to."""
        names = {node.id for node in s.walk(called(factory)) if isinstance(node, s.Name)}
        for engine in self._project.engines:
            if any(is_variable(factory.module, engine.module, engine.name, name) for name in names):
                self.needs.variables[engine] = None

    def _twin(self, found: dict[Module, ModuleEdits], variable: Variable) -> None:
        module, call, name = variable.module, called(variable), _sync_name(variable)
        if self._twins.has(module, name):
            return
        edits = found.setdefault(module, ModuleEdits())
        statement = self._project.statement_of(call)
        if isinstance(statement, (s.Assign, s.AnnotatedAssign)) and statement.value is call:
            names = tuple(sorted(self._sync_names(edits, module, call)))
            copy = p.CopyAssignment(span=statement.span, codemod=NAME, name=name, names=names)
            edits.edits.append(copy)
            return
        edits.diagnostics.append(
            at(
                module.path,
                call.span,
                "MA406",
                f"code that stays sync needs {name}, which cannot be written from this call",
                f"add `{name}` beside it by hand",
            )
        )

    def _sync_names(
        self, edits: ModuleEdits, module: Module, call: s.Call
    ) -> Iterator[tuple[str, str]]:
        """What stands for the names in `call` on the sync side: engines, and the URL as it is."""
        literal = moving_url(self._project, module, call)
        url = url_argument(call)
        if literal is not None and isinstance(url, s.Name):
            yield url.id, source(literal)
        used = {node.id for node in s.walk(call) if isinstance(node, s.Name)}
        for engine in self._project.engines:
            for name in used if engine in self.needs.variables else ():
                if is_variable(module, engine.module, engine.name, name):
                    yield (
                        name,
                        _passing(edits, module, engine.module, _sync_name(engine), engine.name),
                    )


def _passing(found: ModuleEdits, module: Module, home: Module, name: str, beside: str) -> str:
    """The local name of a sync twin, imported until its user migrates."""
    wanted = p.ImportChange(NAME, home.name, name, beside=beside, passing=True)
    return add_change(found, module, wanted)


def _sync_name(variable: Variable) -> str:
    named = sync_engine_name if variable.kind == "engine" else sync_factory_name
    return named(variable.name)


def _references(function: Function) -> Iterator[s.Name | s.Attribute]:
    """Outermost names and dotted names in the function's own text, and what these start with."""
    if function.node is not None:
        yield from _outermost(function.node)
        return
    for statement in function.module.syntax.body:
        if not isinstance(statement, _DEFINITIONS):
            yield from _outermost(statement)


def _registrations(function: Function) -> tuple[s.Expr, ...]:
    """The decorators of a listener, which say where it listens."""
    node = function.node
    if is_listener(function) and isinstance(node, s.FunctionDef):
        return node.decorators
    return ()


_DEFINITIONS = (s.FunctionDef, s.ClassDef, s.Import, s.ImportFrom)


def _outermost(node: s.AnyNode) -> Iterator[s.Name | s.Attribute]:
    pending: list[s.AnyNode] = [node]
    while pending:
        current = pending.pop()
        if isinstance(current, s.Name):
            yield current
        elif isinstance(current, s.Attribute) and s.dotted_name(current):
            yield current
            pending.append(_root(current))
        else:
            pending.extend(reversed(list(s.children(current))))


def _root(node: s.Expr) -> s.Expr:
    """`a` of `a.b.c`."""
    while isinstance(node, s.Attribute):
        node = node.value
    return node
