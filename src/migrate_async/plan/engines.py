"""The async form of engines, and where a session factory has one."""

from __future__ import annotations

from migrate_async.index.declarative import keyword
from migrate_async.index.project import Project
from migrate_async.index.scopes import Module, ValueBinding
from migrate_async.index.sessions import Variable
from migrate_async.model import plan as p
from migrate_async.model import syntax as s
from migrate_async.model.diagnostic import Diagnostic, at
from migrate_async.plan.engine_urls import (
    BY_RUNTIME,
    FROM_CONFIG,
    MAKE_ENGINES,
    async_form,
    known_at_run_time,
    url_argument,
)
from migrate_async.plan.module_edits import ModuleEdits, add_import

NAME = "async-engine"

_SYNC_POOLS = frozenset({"QueuePool", "SingletonThreadPool"})
_SINGLE_CONNECTION = "StaticPool"


def engine_edits(project: Project, engine: Variable) -> ModuleEdits:
    """`create_engine(url, ...)` as `create_async_engine(async url, ...)`."""
    found = ModuleEdits()
    call = engine.call
    if s.dotted_name(call.func).rpartition(".")[2] == FROM_CONFIG:
        name = f"async_{FROM_CONFIG}"
        rename_callee(found, engine.module, call, name, "migrate_async")
        found.diagnostics.append(known_at_run_time(engine.module, call.span, name))
    else:
        _with_url(project, found, engine.module, call)
    pool = keyword(call, "poolclass")
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
    return bind if s.dotted_name(bind.func).rpartition(".")[2] in MAKE_ENGINES else None


def bound(call: s.Call) -> s.Expr | None:
    """What `call`, of `sessionmaker`, binds sessions to."""
    return call.args[0] if call.args else keyword(call, "bind")


def rename_callee(
    found: ModuleEdits,
    module: Module,
    call: s.Call,
    name: str,
    home: str = "sqlalchemy.ext.asyncio",
) -> None:
    """Have `call` make what `name` of `home` makes."""
    local = add_import(found, module, home, name, NAME)
    func = call.func.value if isinstance(call.func, s.Subscript) else call.func
    found.edits.append(p.ReplaceExpression(span=func.span, codemod=NAME, code=local))
    found.unneeded.append(s.dotted_name(func).partition(".")[0])


def _with_url(project: Project, found: ModuleEdits, module: Module, call: s.Call) -> None:
    """SQLAlchemy's function with the async URL, or the one of the runtime that makes one of it."""
    form = async_form(project, module, call)
    if form.by_runtime:
        rename_callee(found, module, call, BY_RUNTIME, "migrate_async")
    else:
        rename_callee(found, module, call, "create_async_engine")
    if form.literal is not None:
        code = '"' + form.text.replace("\\", "\\\\").replace('"', '\\"') + '"'
        found.edits.append(p.ReplaceExpression(span=form.literal.span, codemod=NAME, code=code))
    found.diagnostics += form.diagnostics
