"""What stands beside a session factory: the statement that gives it hops, and a `get_db`."""

from __future__ import annotations

from collections.abc import Iterable

from migrate_async.index.declarative import keyword
from migrate_async.index.project import Project
from migrate_async.index.scopes import Function
from migrate_async.index.sessions import Variable
from migrate_async.model import plan as p
from migrate_async.model import syntax as s
from migrate_async.plan.blocks import statements
from migrate_async.plan.engines import NAME
from migrate_async.plan.module_edits import ModuleEdits, add_import
from migrate_async.plan.own_session_classes import own_class
from migrate_async.plan.session_factories import SYNC_CLASS
from migrate_async.plan.text import source

HOP_SESSION = "HopSession"
_HOP_CLASS = "hop_class"
HOPS = (HOP_SESSION, _HOP_CLASS)
"""The class of sessions that also serve code that stays sync, and what makes one of a class of the
project."""


def hop_edits(project: Project, factory: Variable, statement: s.Stmt | None = None) -> ModuleEdits:
    """Let the sessions of `factory` also serve code that stays sync.

    A statement of its own, so that it can go without a trace: below `statement`, by default what
    assigns the `factory` of a module.
    """
    found = ModuleEdits()
    own = own_class(project, factory) or own_class(project, factory, SYNC_CLASS)
    if own is None:
        session = add_import(found, factory.module, "migrate_async", HOP_SESSION, NAME)
    else:
        hops = add_import(found, factory.module, "migrate_async", _HOP_CLASS, NAME)
        session = f"{hops}({source(own)})"
    code = f"{factory.name}.configure({SYNC_CLASS}={session})"
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
            and keyword(call, SYNC_CLASS) is not None
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
