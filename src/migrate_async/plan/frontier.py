"""What lets code that stays sync run beside code that has migrated.

A kept route or dependency takes the request's session through `get_sync_db`: the sync side of the
same `AsyncSession` (`migrate_async.HopSession`), so that both worlds share one transaction and one
identity map. Kept code that opens sessions itself gets a sync engine and factory of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from migrate_async.config import Settings
from migrate_async.index.project import Project
from migrate_async.index.scopes import Function, Module
from migrate_async.index.sessions import Variable
from migrate_async.index.types import FunctionObject
from migrate_async.model import plan as p
from migrate_async.model import syntax as s
from migrate_async.model.diagnostic import Diagnostic, at
from migrate_async.plan.aliases import Alias
from migrate_async.plan.database import NAME, ModuleEdits, add_import, called
from migrate_async.plan.names import local_name
from migrate_async.plan.paths import is_test_path
from migrate_async.plan.sessions.acquisitions import find_acquisitions
from migrate_async.plan.sessions.provider import Provider
from migrate_async.plan.text import source

SYNC_DEPENDENCY = "get_sync_db"
CANNOT_STAY = "MA202"
"""A plan with this message is never written: the function would fail at its first query."""


@dataclass
class Needs:
    """What kept code uses and the database module has to go on offering."""

    dependency: bool = False
    variables: dict[Variable, None] = field(default_factory=dict)
    aliases: set[Alias] = field(default_factory=set)


class Frontier:
    """Re-points kept functions, then adds what they need to the database module."""

    def __init__(
        self,
        project: Project,
        settings: Settings,
        provider: Provider,
        aliases: tuple[Alias, ...],
    ) -> None:
        self._project = project
        self._settings = settings
        self._provider = provider
        self._aliases = aliases
        self.needs = Needs()

    def repoint(self, function: Function) -> ModuleEdits:
        """Edits of one function (or module body) that stays sync."""
        fetched = [
            found.call
            for found in find_acquisitions(self._project, self._settings, function)
            if found.kind == "next"
        ]
        inside = {node for call in fetched for node in s.walk(call)}
        references = [node for node in _references(function) if node not in inside]
        found = self._repoint(function, references)
        for call in fetched:
            self._own_factory(found, function.module, call)
        return found

    def _own_factory(self, found: ModuleEdits, module: Module, call: s.Call) -> None:
        """`next(get_db())` as a session of the function's own, which it was all along."""
        for factory in self._project.session_factories:
            if (factory.module.name, factory.name) != (
                self._provider.module,
                self._provider.factory,
            ):
                continue
            self.needs.variables[factory] = None
            name = add_import(found, module, factory.module.name, f"Sync{factory.name}", NAME)
            code = f"{name}()"
            found.edits.append(p.ReplaceExpression(span=call.span, codemod=NAME, code=code))
            found.unneeded += [node.id for node in s.walk(call) if isinstance(node, s.Name)]

    def repoint_statement(self, module: Module, statement: s.Stmt) -> ModuleEdits:
        """Edits of one statement at the top level of a module."""
        return self._repoint(module.body, _outermost(statement))

    def _repoint(self, function: Function, nodes: Iterable[s.Name | s.Attribute]) -> ModuleEdits:
        found = ModuleEdits()
        for node in nodes:
            new = self._replacement(found, function, node)
            if self._is_dependency(function, node):
                found.diagnostics += _cannot_stay(function, node, repointed=bool(new))
            if new:
                found.edits.append(p.ReplaceExpression(span=node.span, codemod=NAME, code=new))
                found.unneeded.append(s.dotted_name(node).partition(".")[0])
        return found

    def _replacement(
        self, found: ModuleEdits, function: Function, node: s.Name | s.Attribute
    ) -> str:
        module = function.module
        if is_test_path(module.path):
            # Tests override `get_db`, which `get_sync_db` depends on.
            return self._own_session(found, module, node) if isinstance(node, s.Name) else ""
        if self._is_get_db(function, node):
            self.needs.dependency = True
            if isinstance(node, s.Attribute):
                return f"{s.dotted_name(node.value)}.{SYNC_DEPENDENCY}"
            return add_import(found, module, self._provider.get_db_module, SYNC_DEPENDENCY, NAME)
        if not isinstance(node, s.Name):
            return ""
        for alias in self._aliases:
            if alias.local_name(module) == node.id:
                self.needs.aliases.add(alias)
                self.needs.dependency = True
                return add_import(found, module, alias.module.name, alias.sync_name, NAME)
        return self._own_session(found, module, node)

    def _own_session(self, found: ModuleEdits, module: Module, node: s.Name) -> str:
        if self._is_target(node):
            return ""
        for factory in self._project.session_factories:
            if factory.kind != "sessionmaker" or factory.scope.kind != "module":
                continue
            if _names(module, factory.module, factory.name, node.id):
                self.needs.variables[factory] = None
                return add_import(found, module, factory.module.name, f"Sync{factory.name}", NAME)
        for engine in self._project.engines:
            if engine.scope.kind != "module":
                continue
            if _names(module, engine.module, engine.name, node.id):
                self.needs.variables[engine] = None
                return add_import(found, module, engine.module.name, f"sync_{engine.name}", NAME)
        return ""

    def _is_target(self, node: s.Name) -> bool:
        parent = self._project.parent(node)
        return isinstance(parent, s.Assign) and parent.value is not node

    def _is_dependency(self, function: Function, node: s.Name | s.Attribute) -> bool:
        """Whether `node` is a dependency of the application that gives a request its session."""
        if is_test_path(function.module.path):
            return False
        if isinstance(node, s.Name) and any(
            alias.local_name(function.module) == node.id for alias in self._aliases
        ):
            return True
        return any(
            isinstance(found, FunctionObject) and found.fn in self._project.session_dependencies
            for found in self._project.infer(node, function.scope)
        )

    def _is_get_db(self, function: Function, node: s.Name | s.Attribute) -> bool:
        if s.dotted_name(node).rpartition(".")[2] != self._provider.get_db and not isinstance(
            node, s.Name
        ):
            return False
        types = self._project.infer(node, function.scope)
        return any(
            isinstance(found, FunctionObject)
            and found.fn.name == self._provider.get_db
            and found.fn.module.name == self._provider.get_db_module
            for found in types
        )

    # --- the database module -------------------------------------------------------------------

    def offer(self) -> dict[Module, ModuleEdits]:
        """The sync names that the re-pointed code imports."""
        found: dict[Module, ModuleEdits] = {}
        if self.needs.dependency:
            self._offer_dependency(found)
        for alias in sorted(self.needs.aliases, key=lambda item: item.name):
            self._offer_alias(found, alias)
        for factory in self._project.session_factories:
            if factory in self.needs.variables:
                self._need_engine(factory)
                self._twin(found, factory, f"Sync{factory.name}")
        for engine in self._project.engines:
            if engine in self.needs.variables:
                self._twin(found, engine, f"sync_{engine.name}")
        return found

    def _offer_dependency(self, found: dict[Module, ModuleEdits]) -> None:
        function = self._project.function(f"{self._provider.get_db_module}.{self._provider.get_db}")
        if function is None or function.node is None:
            return
        edits = found.setdefault(function.module, ModuleEdits())
        depends = add_import(edits, function.module, "fastapi", "Depends", NAME)
        sync = add_import(edits, function.module, "sqlalchemy.orm", "Session", NAME)
        session = add_import(edits, function.module, "sqlalchemy.ext.asyncio", "AsyncSession", NAME)
        code = (
            f"def {SYNC_DEPENDENCY}(db: {session} = {depends}({function.name})) -> {sync}:\n"
            '    """The request\'s session, for what has not migrated yet."""\n'
            "    return db.sync_session"
        )
        edits.edits.append(
            p.InsertStatements(span=function.node.span, codemod=NAME, code=code, after=True)
        )

    def _offer_alias(self, found: dict[Module, ModuleEdits], alias: Alias) -> None:
        edits = found.setdefault(alias.module, ModuleEdits())
        dependency = add_import(
            edits, alias.module, self._provider.get_db_module, SYNC_DEPENDENCY, NAME
        )
        text = alias.source.replace(self._provider.get_db, dependency)
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
            if any(_names(factory.module, engine.module, engine.name, name) for name in names):
                self.needs.variables[engine] = None

    def _twin(self, found: dict[Module, ModuleEdits], variable: Variable, name: str) -> None:
        module, call = variable.module, called(variable)
        edits = found.setdefault(module, ModuleEdits())
        statement = self._project.statement_of(call)
        try:
            text = self._sync_text(module, call)
        except ValueError:
            edits.diagnostics.append(
                at(
                    module.path,
                    call.span,
                    "MA406",
                    f"code that stays sync needs {name}, which cannot be written from this call",
                    f"add `{name}` beside it by hand",
                )
            )
            return
        edits.edits.append(
            p.InsertStatements(
                span=statement.span, codemod=NAME, code=f"{name} = {text}", after=True
            )
        )

    def _sync_text(self, module: Module, call: s.Call) -> str:
        text = source(call)
        for engine in self._project.engines:
            local = engine.name if engine.module is module else None
            if local is not None:
                text = text.replace(f"bind={local}", f"bind=sync_{engine.name}")
                text = text.replace(f"({local}", f"(sync_{engine.name}")
        return text


def _references(function: Function) -> Iterator[s.Name | s.Attribute]:
    """Outermost names and dotted names in the function's own text."""
    if function.node is not None:
        yield from _outermost(function.node)
        return
    for statement in function.module.syntax.body:
        if not isinstance(statement, _DEFINITIONS):
            yield from _outermost(statement)


_DEFINITIONS = (s.FunctionDef, s.ClassDef, s.Import, s.ImportFrom)


def _outermost(node: s.AnyNode) -> Iterator[s.Name | s.Attribute]:
    if isinstance(node, s.Name) or (isinstance(node, s.Attribute) and s.dotted_name(node)):
        yield node
        return
    for child in s.children(node):
        yield from _outermost(child)


def _cannot_stay(
    function: Function, node: s.Name | s.Attribute, *, repointed: bool
) -> Iterator[Diagnostic]:
    """Kept code whose session would no longer work once its dependency is async."""
    path = function.module.path
    if not repointed:
        yield at(
            path,
            node.span,
            CANNOT_STAY,
            f"{function.qualname} stays sync, but {s.dotted_name(node)} will give an AsyncSession",
            "resolve what keeps it sync, or migrate one database of the application at a time",
        )
    elif isinstance(function.node, s.FunctionDef) and function.node.is_async:
        yield at(
            path,
            node.span,
            CANNOT_STAY,
            f"{function.qualname} is a coroutine that stays sync: "
            "on the event loop a sync session cannot share the async one",
            "resolve what keeps it sync, or make it `def`: FastAPI then runs it in a thread",
        )


def _names(module: Module, owner: Module, name: str, used: str) -> bool:
    """Whether `used` in `module` is the variable `name` of `owner`."""
    if module is owner:
        return used == name
    return local_name(module, owner.name, name) == used
