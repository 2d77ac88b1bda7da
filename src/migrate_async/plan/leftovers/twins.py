"""The sync names that an earlier run left for code that stays sync, and what they stand for.

def get_sync_db(db: AsyncSession = Depends(get_db)) -> Session: ...  # for get_db
def get_uncached_sync_db(db=Depends(get_db, use_cache=False)): ...   # for one more session
def get_blocking_db(db=Depends(get_db)): ...                         # for one on the sync driver
SyncDbDep = Annotated[Session, Depends(get_sync_db)]                 # for DbDep
sync_get_session = get_sync_db                                       # for get_session
sync_engine = create_engine(...)                                     # for engine
SyncSessionLocal = sessionmaker(bind=sync_engine)                    # for SessionLocal
def sync_connect(url): ...                                           # for connect
def sync_begin_session(func): ...                                    # for begin_session
@contextmanager def sync_session_scope(): ...                        # for session_scope

They are recognised by name and by what stands beside them, so that a project may have a
`get_sync_db` of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function, Module, ValueBinding, last_name
from migrate_async.index.sessions import Variable
from migrate_async.index.types import ClassObject, Instance, ModuleObject
from migrate_async.knowledge.shim import (
    BLOCKING_ENGINE,
    BLOCKING_SESSION,
    SYNC_SIDE,
    sync_class_name_of,
    sync_name_of,
)
from migrate_async.knowledge.sqlalchemy import SYNC_SESSION
from migrate_async.model import syntax as s
from migrate_async.plan.aliases import Alias, find_aliases
from migrate_async.plan.decorator_copies import DecoratorCopies
from migrate_async.plan.inner_imports import find_inner_import
from migrate_async.plan.late_binds import is_bind_of
from migrate_async.plan.makers import CONFIGURE, Makers, has_room, is_scope_shaped
from migrate_async.plan.names import absolute, local_name
from migrate_async.plan.object_dependencies import ObjectDependencies

SYNC_DEPENDENCY = "get_sync_db"
_OF_ASYNC_OBJECTS = frozenset({"sync_connection", "sync_engine", SYNC_SESSION})
"""What every async object has: no name for something else."""


def sync_dependency_name(name: str) -> str:
    """Of a second session dependency; the main one's is `SYNC_DEPENDENCY`."""
    return sync_name_of(name)


def uncached_name(sync_name: str) -> str:
    """Of the sync side of a session beside that of the request: `get_uncached_sync_db`."""
    verb, _, rest = sync_name.partition("get_")
    return f"get_uncached_{rest}" if rest and not verb else f"uncached_{sync_name}"


def blocking_name(sync_name: str) -> str:
    """Of a session on the sync driver beside that of the request: `get_blocking_db`."""
    return sync_name.replace("sync_", "blocking_", 1)


def sync_factory_name(name: str) -> str:
    return sync_class_name_of(name)


def sync_maker_name(name: str) -> str:
    """Of a function that makes engines or factories."""
    return sync_name_of(name)


def sync_giver_name(project: Project, giver: Function) -> str:
    """Of a function that gives out sessions; the other name may be the sync side of a request."""
    found = sync_name_of(giver.name)
    is_taken = found in _OF_ASYNC_OBJECTS or giver in project.session_dependencies
    return f"own_{found}" if is_taken else found


def sync_engine_name(name: str) -> str:
    return sync_name_of(name)


@dataclass(frozen=True)
class Twin:
    """`sync_name` of `module` is the sync side of `name` there; `statement` defines it.

    `others` define it, too: `SyncSessionLocal = None`, in another branch; or they bind it.
    """

    module: Module
    name: str
    sync_name: str
    statement: s.Stmt
    others: tuple[s.Stmt, ...] = ()

    @property
    def definitions(self) -> tuple[s.Stmt, ...]:
        """All statements that define it."""
        return (self.statement, *self.others)

    def local_name(self, module: Module) -> str | None:
        """What `module` calls the sync name, if it has it."""
        if module is self.module:
            return self.sync_name
        return local_name(module, self.module.name, self.sync_name)


class Twins:
    """All twins of a project."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self.objects = ObjectDependencies(project)
        self.functions: dict[Function, Twin] = dict(_dependencies(project, self.objects))
        self.uncached = frozenset(f for f in self.functions if "uncached_" in f.name)
        """Those of sessions that are no request's, but beside it."""
        self.blocking = frozenset(f for f in self.functions if "blocking_" in f.name)
        """Those of sessions on the sync driver."""
        self.variables: dict[Variable, Twin] = dict(_variables(project))
        self.aliases: dict[Alias, Twin] = dict(_aliases(project, self.functions))
        self.scopes: dict[Function, Twin] = {**dict(_scopes(project)), **dict(_disposers(project))}
        self.decorators = project.shared(DecoratorCopies).made
        copies = {made: _twin_of(of, made) for made, of in self.decorators.values()}
        self.makers: dict[Function, Twin] = {**dict(_makers(project)), **self.scopes, **copies}

    def __bool__(self) -> bool:
        return bool(self.aliases or self.functions or self.variables or self.makers)

    def __iter__(self) -> Iterator[Twin]:
        yield from self.aliases.values()
        yield from self.functions.values()
        yield from self.variables.values()
        yield from self.makers.values()

    def named(self, module: Module, node: s.Name | s.Attribute) -> Twin | None:
        """The twin that `node`, a name or dotted name in `module`, names."""
        if not self:
            return None
        last = s.dotted_name(node).rpartition(".")[2]
        for twin in self:
            if isinstance(node, s.Name) and twin.local_name(module) == node.id:
                return twin
            if isinstance(node, s.Attribute) and last == twin.sync_name and self._is_of(node, twin):
                return twin
        return None

    def is_one(self, module: Module, node: s.Name | s.Attribute) -> bool:
        """Whether `node` names a twin, be it under another name, by an import in its function."""
        if self.named(module, node) is not None:
            return True
        inner = find_inner_import(self._project, node) if self else None
        if inner is None or not isinstance(node, s.Name):
            return False
        home = absolute(module, inner.statement)
        return any(t.module.name == home and t.sync_name == inner.name for t in self)

    def _is_of(self, node: s.Attribute, twin: Twin) -> bool:
        """`database.sync_engine`, unlike `engine.sync_engine`, which every AsyncEngine has.

        Nor is it an attribute of that name which an object has from elsewhere, or one of something
        unknown: whoever wrote the name of a twin there knew what it is.
        """
        for item in self._project.infer(node.value, self._project.scope_of(node)):
            if isinstance(item, ModuleObject):
                home = self._project.modules.get(item.name)
                if home is not None and twin.local_name(home) == node.attr:
                    return True
            if isinstance(item, Instance | ClassObject):
                return any(cls.module is twin.module for cls in self._project.mro(item.cls))
        return False

    @property
    def copies(self) -> frozenset[Function]:
        """The sync sides that run SQL, and take no part in a colouring."""
        return frozenset([*self.scopes, *self.decorators])

    def has(self, module: Module, sync_name: str) -> bool:
        """Whether `module` defines the twin `sync_name` already."""
        return any(t.module is module and t.sync_name == sync_name for t in self)


def _dependencies(project: Project, objects: ObjectDependencies) -> Iterator[tuple[Function, Twin]]:
    for function in project.functions:
        if not isinstance(function.node, s.FunctionDef):
            continue
        for site in project.calls(function):
            for target in site.targets if site.kind == "dependency" else ():
                names = [SYNC_DEPENDENCY, sync_dependency_name(target.name)]
                names += [made(name) for name in names for made in (uncached_name, blocking_name)]
                name = _name_beside(objects, target, function.module)
                if function.name not in names or not name:
                    continue
                if not _hands_out_sync_side(function.node):
                    continue
                yield function, Twin(function.module, name, function.name, function.node)


def _name_beside(objects: ObjectDependencies, dependency: Function, module: Module) -> str:
    """What `module` calls its own `dependency`, which may be the method of an object there."""
    holder = objects.holder(dependency) if dependency.self_name else None
    if holder is not None:
        return f"{holder.name}.{dependency.name}" if holder.module is module else ""
    return dependency.name if dependency.module is module else ""


def _hands_out_sync_side(node: s.FunctionDef) -> bool:
    """Whether it still does nothing else."""
    last = node.body[-1]
    if isinstance(last, s.With):
        opened = last.items[0].context
        name = s.dotted_name(opened.func) if isinstance(opened, s.Call) else ""
        return name.rpartition(".")[2] == BLOCKING_SESSION
    value = last.value if isinstance(last, s.Return) else None
    if isinstance(value, s.Call):
        return s.dotted_name(value.func).rpartition(".")[2] == SYNC_SIDE
    return isinstance(value, s.Attribute) and value.attr == SYNC_SESSION


def _variables(project: Project) -> Iterator[tuple[Variable, Twin]]:
    known = (*project.session_factories, *project.engines)
    asynchronous = [(v.module, v.name) for v in known if v.kind.startswith("async")]
    engines = {(module, sync_engine_name(name)): name for module, name in asynchronous}
    factories = {(module, sync_factory_name(name)): name for module, name in asynchronous}
    for variable in known:
        if variable.scope.kind != "module" or variable.kind.startswith("async"):
            continue
        twins = engines if variable.kind == "engine" else factories
        name = twins.get((variable.module, variable.name))
        if name is not None:
            statement = project.statement_of(variable.value)
            others = (
                *statements_of_none(project, variable),
                *_binding(project, variable),
            )
            yield variable, Twin(variable.module, name, variable.name, statement, others)
    yield from _made_to_bind(project)


def _made_to_bind(project: Project) -> Iterator[tuple[Variable, Twin]]:
    """`sync_engine` beside `engine` in a function, which makes both to bind factories to them."""
    inside = [engine for engine in project.engines if not engine.scope.function.is_module]
    beside = {
        (engine.scope.function, sync_engine_name(engine.name)): engine.name
        for engine in inside
        if engine.kind.startswith("async")
    }
    for engine in inside:
        name = beside.get((engine.scope.function, engine.name))
        if name is not None and engine.kind == "engine":
            statement = project.statement_of(engine.value)
            yield engine, Twin(engine.module, name, engine.name, statement)


def _binding(project: Project, variable: Variable) -> Iterator[s.Stmt]:
    """`SyncSessionLocal.configure(bind=...)`, which stands where the async one is bound."""
    if CONFIGURE not in variable.module.attributes:
        return
    for function in project.functions_of(variable.module):
        for call in function.calls if variable.kind == "sessionmaker" else ():
            statement = project.statement_of(call.node) if call.name == CONFIGURE else None
            if statement is not None and is_bind_of(variable.name, statement):
                yield statement


def statements_of_none(project: Project, variable: Variable) -> Iterator[s.Stmt]:
    """`SessionLocal = None`, which stands beside what makes the factory, in another branch."""
    for binding in variable.scope.names.get(variable.name, ()):
        if not isinstance(binding, ValueBinding) or not isinstance(binding.value, s.Constant):
            continue
        statement = project.statement_of(binding.value)
        if isinstance(statement, s.Assign) and len(statement.targets) == 1:
            is_plain = isinstance(statement.targets[0], s.Name)
            if is_plain and statement.value is binding.value and binding.value.kind == "None":
                yield statement


def _makers(project: Project) -> Iterator[tuple[Function, Twin]]:
    """`def sync_connect(url)` beside `connect(url)`, which makes or gives out async things."""
    makers = project.shared(Makers)
    plain = {(f.module, f.cls, f.name): f for f in project.functions if has_room(project, f)}
    for (module, cls, name), maker in plain.items():
        made = plain.get((module, cls, sync_maker_name(name)))
        if made is not None and _is_sync(makers.kinds(made)) and _is_async(makers.kinds(maker)):
            yield made, _twin_of(maker, made)
        given = plain.get((module, cls, sync_giver_name(project, maker)))
        if given is None or project.sessions_given(maker) != {"async"}:
            continue
        if project.sessions_given(given) == {"sync"}:
            yield given, _twin_of(maker, given)


def _scopes(project: Project) -> Iterator[tuple[Function, Twin]]:
    """`@contextmanager def sync_session_scope()` beside the async `session_scope`.

    And `def own_sync_get_db()`, a generator, beside `get_db`.
    """
    scopes = [f for f in project.functions if f.is_async and f.is_generator]
    beside = {(f.module, f.cls, sync_giver_name(project, f)): f for f in scopes}
    for function in filter(is_scope_shaped, project.functions):
        scope = beside.get((function.module, function.cls, function.name))
        if scope is None:
            continue
        is_entered = "asynccontextmanager" in scope.decorator_names
        if is_entered != bool(function.decorator_names):
            continue
        if project.sessions_given(scope) != {"async"}:
            continue
        if project.sessions_given(function) == {"sync"}:
            yield function, _twin_of(scope, function)


def _disposers(project: Project) -> Iterator[tuple[Function, Twin]]:
    """`def sync_stop(self)`, which does `blocking_engine(self.engine).dispose()`, beside `stop`."""
    plain = [f for f in project.functions if _disposes_of_blocking(f) and has_room(project, f)]
    if not plain:
        return
    beside = {
        (f.module, f.cls, sync_giver_name(project, f)): f
        for f in project.functions
        if f.is_async and not f.is_generator
    }
    for function in plain:
        original = beside.get((function.module, function.cls, function.name))
        if original is not None:
            yield function, _twin_of(original, function)


def _disposes_of_blocking(function: Function) -> bool:
    """Whether it disposes of an engine on the sync driver that stands beside an async one."""
    return any(
        call.name == "dispose"
        and isinstance(call.node.func, s.Attribute)
        and isinstance(call.node.func.value, s.Call)
        and s.dotted_name(call.node.func.value.func).rpartition(".")[2] == BLOCKING_ENGINE
        for call in function.calls
    )


def _twin_of(maker: Function, function: Function) -> Twin:
    assert isinstance(function.node, s.FunctionDef)  # noqa: S101  it has room
    return Twin(maker.module, maker.name, function.name, function.node)


def _is_sync(kinds: frozenset[str]) -> bool:
    return bool(kinds) and not any(kind.startswith("async") for kind in kinds)


def _is_async(kinds: frozenset[str]) -> bool:
    return bool(kinds) and all(kind.startswith("async") for kind in kinds)


def _aliases(project: Project, functions: dict[Function, Twin]) -> Iterator[tuple[Alias, Twin]]:
    aliases = project.shared(find_aliases)
    sides = {twin.sync_name for twin in functions.values()}
    sides |= {alias.name for alias in aliases if any(_names_beside(alias))}
    for alias in aliases:
        parts = (node for node in s.walk(alias.value) if isinstance(node, s.Name | s.Attribute))
        if not sides.isdisjoint(map(last_name, parts)):
            for name in _names_beside(alias):
                yield alias, Twin(alias.module, name, alias.name, alias.statement)


def _names_beside(alias: Alias) -> Iterator[str]:
    """The names that `alias`, of its name, would be the sync side of."""
    return (name for name in alias.module.scope.names if sync_class_name_of(name) == alias.name)
