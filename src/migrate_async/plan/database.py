"""Engines, session factories and the URL: their async form."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import msgspec

from migrate_async.index.project import Project
from migrate_async.index.scopes import AnnotatedBinding, Function, Module, ValueBinding
from migrate_async.index.sessions import Variable
from migrate_async.model import plan as p
from migrate_async.model import syntax as s
from migrate_async.model.diagnostic import Diagnostic, at, note
from migrate_async.plan.annotations import AnnotationEdits, retype
from migrate_async.plan.aware_times import has_aware_defaults
from migrate_async.plan.blocks import statements
from migrate_async.plan.exact_numbers import has_exact_numbers
from migrate_async.plan.loose_texts import has_loose_texts
from migrate_async.plan.names import import_path, local_name
from migrate_async.plan.own_session_classes import own_class
from migrate_async.plan.text import source
from migrate_async.plan.urls import async_url, foreign_argument, unknown_arguments

NAME = "async-engine"

_FROM_CONFIG = "engine_from_config"
_FROM_URL = "async_engine_from_url"
_MAKE_ENGINES = frozenset({"create_engine", _FROM_CONFIG})
_SYNC_POOLS = frozenset({"QueuePool", "SingletonThreadPool"})
_SINGLE_CONNECTION = "StaticPool"
HOP_ARGUMENT = "sync_session_class"
HOP_SESSION = "HopSession"
HOP_CLASS = "hop_class"
"""What a factory is told so that its sessions also serve code that stays sync, and what makes that
of a class of the project."""
HOPS = (HOP_SESSION, HOP_CLASS)
LATE_EXPIRY = "LateExpirySession"
TASK_SCOPED = "task_scoped_session"
_DROPPED = frozenset({"autocommit", "future"})


@dataclass
class ModuleEdits:
    """What one part of the plan does to one module."""

    edits: list[p.AnyEdit] = field(default_factory=list)
    imports: list[p.ImportChange] = field(default_factory=list)
    unneeded: list[str] = field(default_factory=list)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    """Imported names that are not there any more: they go where nothing else changes, too."""
    moves_import: bool = False
    """Whether something that ran at import runs in the application's lifespan now."""

    def take(self, other: ModuleEdits) -> None:
        """Add what another part does to the same module."""
        self.edits += other.edits
        self.imports += other.imports
        self.unneeded += other.unneeded
        self.diagnostics += other.diagnostics
        self.gone += other.gone


def add_import(found: ModuleEdits, module: Module, source: str, name: str, codemod: str) -> str:
    """The local name of `source.name` in `module`, imported if it is not yet."""
    return add_change(found, module, p.ImportChange(codemod, source, name))


def add_change(found: ModuleEdits, module: Module, wanted: p.ImportChange) -> str:
    """As `add_import`, with the absolute module in `wanted`."""
    source, name = wanted.module, wanted.name
    if module.name == source:
        return name
    local = local_name(module, source, name)
    if local is not None:
        return local
    path = import_path(module, source)
    found.imports.append(msgspec.structs.replace(wanted, module=path))
    return name


def engine_edits(project: Project, engine: Variable) -> ModuleEdits:
    """`create_engine(url, ...)` as `create_async_engine(async url, ...)`."""
    found = ModuleEdits()
    call = called(engine)
    url = url_argument(call)
    if s.dotted_name(call.func).rpartition(".")[2] == _FROM_CONFIG:
        _rename(found, engine.module, call, f"async_{_FROM_CONFIG}", "migrate_async")
        found.diagnostics.append(
            _known_at_run_time(engine.module, call.span, f"async_{_FROM_CONFIG}")
        )
    else:
        _async_engine(project, found, engine.module, call, url)
    pool = _keyword(call, "poolclass")
    if pool is not None and s.dotted_name(pool).rpartition(".")[2] in _SYNC_POOLS:
        found.edits.append(p.RemoveArgument(span=call.span, codemod=NAME, name="poolclass"))
        found.unneeded.append(s.dotted_name(pool).partition(".")[0])
    if pool is not None and s.dotted_name(pool).rpartition(".")[2] == _SINGLE_CONNECTION:
        found.diagnostics += _single_connection(engine, call, pool)
    return found


def _single_connection(engine: Variable, call: s.Call, pool: s.Expr) -> list[Diagnostic]:
    """What is said of a pool of one connection, unless the database is SQLite."""
    url = url_argument(call)
    bindings = engine.module.scope.names.get(url.id, []) if isinstance(url, s.Name) else []
    values = [call, *(binding.value for binding in bindings if isinstance(binding, ValueBinding))]
    texts = [
        str(node.value)
        for value in values
        for node in s.walk(value)
        if isinstance(node, s.Constant) and node.kind == "str"
    ]
    if any(text.startswith("sqlite") or text == "check_same_thread" for text in texts):
        return []
    return [
        at(
            engine.module.path,
            pool.span,
            "MA413",
            f"{_SINGLE_CONNECTION} gives one connection to all tasks, and async drivers refuse "
            "what a second task asks of it meanwhile; threads waited for each other",
            "remove poolclass, or use NullPool; for SQLite in memory this is right",
        )
    ]


def moving_url(project: Project, module: Module, call: s.Call) -> s.Constant | None:
    """The text of a variable that `call` takes as its URL, if that becomes the async one."""
    url = url_argument(call)
    if not isinstance(url, s.Name):
        return None
    literal = _literal(project, module, url)
    if literal is None or _is_left(project, call, str(literal.value)):
        return None
    return literal if async_url(str(literal.value)) else None


def inline_engine(call: s.Call) -> s.Call | None:
    """The engine that `sessionmaker(bind=create_engine(url))` makes for itself."""
    return made_engine(bound(call))


def made_engine(bind: s.Expr | None) -> s.Call | None:
    """The call of `create_engine` that `bind` is, apart from options."""
    if isinstance(bind, s.Call) and isinstance(bind.func, s.Attribute):
        is_chain = bind.func.attr == "execution_options"
        bind = bind.func.value if is_chain else bind
    if not isinstance(bind, s.Call):
        return None
    return bind if s.dotted_name(bind.func).rpartition(".")[2] in _MAKE_ENGINES else None


def bound(call: s.Call) -> s.Expr | None:
    """What `call`, of `sessionmaker`, binds sessions to."""
    return call.args[0] if call.args else _keyword(call, "bind")


def url_argument(call: s.Call) -> s.Expr | None:
    """What `call`, of `create_engine`, takes as its URL."""
    return call.args[0] if call.args else _keyword(call, "url")


def variable_annotation(project: Project, variable: Variable) -> ModuleEdits:
    """`SessionLocal: sessionmaker[Session] = ...` of a module; functions see to their own.

    A function may give a value to what the module annotates: `global SessionLocal`.
    """
    statement = project.statement_of(called(variable))
    found = AnnotationEdits()
    home = variable.module.scope
    for binding in home.names.get(variable.name, ()) if variable.scope.kind == "function" else ():
        if isinstance(binding, AnnotatedBinding):
            retype(project, home, binding.annotation, found)
    if isinstance(statement, s.AnnotatedAssign) and variable.scope.kind == "module":
        retype(project, variable.scope, statement.annotation, found)
    return ModuleEdits(found.edits, found.imports, found.unneeded)


def factory_edits(
    project: Project, factory: Variable, expires_late: Callable[[], bool]
) -> ModuleEdits:
    """`sessionmaker(...)` as `async_sessionmaker(..., expire_on_commit=False)`.

    A factory that says `expire_on_commit=True` keeps it: its code may count on fresh collections.
    With `expires_late` the objects expire when a query meets them again.
    """
    found = ModuleEdits()
    call = called(factory)
    _rename(found, factory.module, call, "async_sessionmaker")
    engine = inline_engine(call)
    if engine is not None:
        found.take(engine_edits(project, Variable("", "", "engine", engine, factory.scope)))
    for name in sorted(_DROPPED):
        if _keyword(call, name) is not None:
            found.edits.append(p.RemoveArgument(span=call.span, codemod=NAME, name=name))
    own = own_class(project, factory)
    if own is not None:
        found.edits.append(p.RemoveArgument(span=call.span, codemod=NAME, name="class_"))
        code = f"{HOP_ARGUMENT}={source(own)}"
        found.edits.append(p.AddArgument(span=call.span, codemod=NAME, code=code))
    retyped = _session_class(project, factory)
    found.edits += retyped.edits
    found.imports += retyped.imports
    found.unneeded += retyped.unneeded
    if _keyword(call, "expire_on_commit") is None:
        code = "expire_on_commit=False"
        found.edits.append(p.AddArgument(span=call.span, codemod=NAME, code=code))
        if expires_late():
            _expire_late(found, factory)
    return found


def registry_edits(registry: Variable, *, has_scope: bool, is_kept: bool) -> ModuleEdits:
    """`scoped_session(...)` as `async_scoped_session(...)`, which asks for a scope.

    Without one, a session belonged to a thread: in a function that nobody shares it with, to the
    task that runs the function; with `is_kept`, in an object, to any task.
    """
    found = ModuleEdits()
    call = called(registry)
    if is_kept and not has_scope:
        _rename(found, registry.module, call, TASK_SCOPED, "migrate_async")
        return found
    _rename(found, registry.module, call, "async_scoped_session")
    if not has_scope:
        task = add_import(found, registry.module, "asyncio", "current_task", NAME)
        found.edits.append(p.AddArgument(span=call.span, codemod=NAME, code=f"scopefunc={task}"))
    return found


def _expire_late(found: ModuleEdits, factory: Variable) -> None:
    """`sync_session_class=LateExpirySession`, for a factory without a class of its own."""
    call = called(factory)
    if _keyword(call, "class_") is not None:
        found.diagnostics.append(
            at(
                factory.module.path,
                call.span,
                "MA510",
                "queries after a commit may give objects as they were before it: the factory has "
                "a session class of its own",
                "refresh() what must be fresh, or derive its sync_session_class from "
                "migrate_async.LateExpirySession",
            )
        )
        return
    session = add_import(found, factory.module, "migrate_async", LATE_EXPIRY, NAME)
    code = f"{HOP_ARGUMENT}={session}"
    found.edits.append(p.AddArgument(span=call.span, codemod=NAME, code=code))


def _session_class(project: Project, factory: Variable) -> AnnotationEdits:
    """`class_=Session`: its async counterpart; no edits for a class that has none."""
    found = AnnotationEdits()
    session = _keyword(called(factory), "class_")
    if session is not None:
        retype(project, factory.scope, session, found)
    return AnnotationEdits(
        [msgspec.structs.replace(edit, codemod=NAME) for edit in found.edits],
        [msgspec.structs.replace(change, codemod=NAME) for change in found.imports],
        found.unneeded,
    )


def hop_edits(project: Project, factory: Variable, statement: s.Stmt | None = None) -> ModuleEdits:
    """Let the sessions of `factory` also serve code that stays sync.

    A statement of its own, so that it can go without a trace: below `statement`, by default what
    assigns the `factory` of a module.
    """
    found = ModuleEdits()
    own = own_class(project, factory) or own_class(project, factory, HOP_ARGUMENT)
    if own is None:
        session = add_import(found, factory.module, "migrate_async", HOP_SESSION, NAME)
    else:
        hops = add_import(found, factory.module, "migrate_async", HOP_CLASS, NAME)
        session = f"{hops}({source(own)})"
    code = f"{factory.name}.configure({HOP_ARGUMENT}={session})"
    span = statement.span if statement is not None else _statement_span(factory)
    found.edits.append(p.InsertStatements(span=span, codemod=NAME, code=code, after=True))
    return found


def hop_statement(factory: Variable) -> s.Stmt | None:
    """The statement that `hop_edits` wrote, for a factory of a module."""
    return _configuration(factory.name, statements(factory.module.syntax.body))


def own_hop_statement(name: str, function: Function) -> s.Stmt | None:
    """The same for the factory or registry `name` that `function` makes for itself."""
    node = function.node
    return _configuration(name, statements(node.body)) if isinstance(node, s.FunctionDef) else None


def _configuration(name: str, body: Iterable[s.Stmt]) -> s.Stmt | None:
    for statement in body:
        if not isinstance(statement, s.ExpressionStatement):
            continue
        call = statement.value
        if (
            isinstance(call, s.Call)
            and s.dotted_name(call.func) == f"{name}.configure"
            and _keyword(call, HOP_ARGUMENT) is not None
        ):
            return statement
    return None


def hop_removal(statement: s.Stmt) -> ModuleEdits:
    """Remove what `hop_edits` wrote."""
    found = ModuleEdits([p.ReplaceStatement(span=statement.span, codemod=NAME)])
    found.unneeded += HOPS
    return found


def dependency_edits(factory: Variable, name: str, below: s.Stmt | None = None) -> ModuleEdits:
    """A `get_db` beside the factory, or `below` a statement, for a project that has none."""
    found = ModuleEdits()
    module = factory.module
    session = add_import(found, module, "sqlalchemy.ext.asyncio", "AsyncSession", NAME)
    iterator = add_import(found, module, "collections.abc", "AsyncIterator", NAME)
    code = (
        f"async def {name}() -> {iterator}[{session}]:\n"
        f'    """One session per request."""\n'
        f"    async with {factory.name}() as db:\n"
        f"        yield db"
    )
    span = _statement_span(factory) if below is None else below.span
    found.edits.append(p.InsertStatements(span=span, codemod=NAME, code=code, after=True))
    return found


def _statement_span(variable: Variable) -> s.Span:
    for statement in statements(variable.module.syntax.body):
        if isinstance(statement, (s.Assign, s.AnnotatedAssign)) and (
            statement.value is variable.value
        ):
            return statement.span
    return variable.value.span


def factory_obstacle(project: Project, factory: Variable) -> Diagnostic | None:
    """Why the factory cannot become async, if so."""
    path = factory.module.path
    if _keyword(called(factory), "query_cls") is not None:
        return at(
            path,
            called(factory).span,
            "MA402",
            "sessionmaker(query_cls=...) has no async counterpart",
            "turn the custom Query methods into functions that take a select()",
        )
    if (
        _keyword(called(factory), "class_")
        and not _session_class(project, factory).edits
        and own_class(project, factory) is None
    ):
        return at(
            path,
            called(factory).span,
            "MA402",
            "sessionmaker(class_=...) names a class of the project that does more than override "
            "what AsyncSession calls",
            "derive an async class from AsyncSession, with this one as its sync_session_class",
        )
    if factory.kind == "scoped_session":
        return at(
            path,
            called(factory).span,
            "MA403",
            "scoped_session keeps one session per thread, which an event loop does not have",
            "pass the session as a parameter, from Depends(get_db)",
        )
    return None


def called(variable: Variable) -> s.Call:
    """The call that makes the variable's value."""
    assert isinstance(variable.value, s.Call)  # noqa: S101  the index records calls only
    return variable.value


def _rename(
    found: ModuleEdits,
    module: Module,
    call: s.Call,
    name: str,
    home: str = "sqlalchemy.ext.asyncio",
) -> None:
    local = add_import(found, module, home, name, NAME)
    func = call.func.value if isinstance(call.func, s.Subscript) else call.func
    found.edits.append(p.ReplaceExpression(span=func.span, codemod=NAME, code=local))
    found.unneeded.append(s.dotted_name(func).partition(".")[0])


def _async_engine(
    project: Project, found: ModuleEdits, module: Module, call: s.Call, url: s.Expr | None
) -> None:
    """SQLAlchemy's function with the async URL, or the one of the runtime that makes one of it."""
    literal = _literal(project, module, url) if url is not None else None
    text = str(literal.value) if literal is not None else ""
    converted = async_url(text) if text else None
    if url is None or (literal is not None and converted and not _is_left(project, call, text)):
        _rename(found, module, call, "create_async_engine")
        if literal is not None and converted:
            code = '"' + converted.replace("\\", "\\\\").replace('"', '\\"') + '"'
            found.edits.append(p.ReplaceExpression(span=literal.span, codemod=NAME, code=code))
        return
    _rename(found, module, call, _FROM_URL, "migrate_async")
    if not text:
        found.diagnostics.append(_known_at_run_time(module, url.span, _FROM_URL))
    elif _is_for_asyncpg(text):
        found.diagnostics += _values_of_asyncpg(project, module, call)
    found.diagnostics += [
        _unknown_argument(module, url.span, name) for name in unknown_arguments(text)
    ]


def _is_left(project: Project, call: s.Call, url: str) -> bool:
    """Whether the runtime makes an engine of the URL as it is: SQLAlchemy alone could not."""
    if foreign_argument(call, url):
        return True
    if not _is_for_asyncpg(url):
        return False
    return has_aware_defaults(project) or has_exact_numbers(project) or has_loose_texts(project)


def _is_for_asyncpg(url: str) -> bool:
    return (async_url(url) or "").startswith("postgresql+asyncpg")


def _values_of_asyncpg(project: Project, module: Module, call: s.Call) -> Iterator[Diagnostic]:
    """What is said of values that asyncpg refuses, or stores as others."""
    if has_aware_defaults(project):
        yield note(
            module.path,
            call.span,
            "MA415",
            "columns without a time zone have times with one as their default, which asyncpg "
            f"refuses: the engines of {_FROM_URL}() take them",
            "add migrate-async to the application's dependencies, or give the columns "
            "DateTime(timezone=True) in a migration",
        )
    if has_exact_numbers(project):
        yield note(
            module.path,
            call.span,
            "MA417",
            "columns of exact numbers may get floats, of which asyncpg stores all binary digits: "
            f"the engines of {_FROM_URL}() store 83.48 as psycopg2 did",
            "add migrate-async to the application's dependencies, or give such columns Decimals",
        )
    if has_loose_texts(project):
        yield note(
            module.path,
            call.span,
            "MA418",
            "columns of text meet numbers or UUIDs, which asyncpg refuses: the engines of "
            f"{_FROM_URL}() take them by their texts, as psycopg2 did",
            "add migrate-async to the application's dependencies, or give such columns str()",
        )


def _unknown_argument(module: Module, span: s.Span, name: str) -> Diagnostic:
    return at(
        module.path,
        span,
        "MA407",
        f"the URL has an argument `{name}`, which the async driver does not know",
        "remove it, or find what the driver calls it: the engine refuses it when it is made",
    )


def _known_at_run_time(module: Module, span: s.Span, converter: str) -> Diagnostic:
    return at(
        module.path,
        span,
        "MA401",
        f"the database URL is known only at run time: {converter}() converts it there",
        "add migrate-async to the application's dependencies, or give it an async URL",
    )


def _literal(project: Project, module: Module, url: s.Expr) -> s.Constant | None:
    """The string that `url` is, also through a variable that only this module reads."""
    if isinstance(url, s.Constant):
        return url if url.kind == "str" else None
    if not isinstance(url, s.Name):
        return None
    bindings = module.scope.names.get(url.id, [])
    if len(bindings) != 1 or not isinstance(bindings[0], ValueBinding):
        return None
    value = bindings[0].value
    if not isinstance(value, s.Constant) or value.kind != "str":
        return None
    return value if _read_once(project, module, url.id) else None


def _read_once(project: Project, module: Module, name: str) -> bool:
    own = [
        node
        for statement in module.syntax.body
        for node in s.walk(statement)
        if isinstance(node, s.Name) and node.id == name
    ]
    imported = any(
        local_name(other, module.name, name)
        for other in project.modules.values()
        if other is not module
    )
    return len(own) == 2 and not imported  # one binds it, one reads it


def _keyword(call: s.Call, name: str) -> s.Expr | None:
    return next((keyword.value for keyword in call.keywords if keyword.arg == name), None)
