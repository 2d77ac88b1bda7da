"""`with AsyncSession(...)`, `async with Session(...)`."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index.scopes import Function, Scope, WithBinding
from migrate_async.index.types import ContextOf, ExternalInstance, FunctionObject, Type, Types
from migrate_async.knowledge.sqlalchemy import OWNERS, SESSIONMAKER
from migrate_async.lint.hazards.narrowing import is_narrowed
from migrate_async.lint.rule import Example, Rule
from migrate_async.lint.view import View
from migrate_async.model import syntax as s
from migrate_async.model.finding import Confidence, Finding
from migrate_async.plan.blocks import statements
from migrate_async.plan.hazards.hits import short

_BOTH = frozenset({"result", "query"})


class ContextManagerMismatch(Rule):
    """`with` on an async session, engine or connection, or `async with` on a sync one.

    ## Why

    `AsyncSession` has no `__enter__` and `Session` no `__aenter__`: the line fails with an
    `AttributeError` or `TypeError` when it runs. After half a migration it often stands in the
    branch that tests do not reach.

    ## Fix

    `async with` for async objects, `with` for sync ones.

    ## False alarms

    Where the object can be of both kinds, or the function asks with `isinstance`, nothing is
    reported. A test may annotate a fixture wrongly: there the confidence is medium.
    """

    CODE = "MA712"
    CONSEQUENCE = "the request fails with an AttributeError or TypeError each time the line runs"
    REMEDY = "enter async objects with `async with`, sync ones with `with`"
    EXAMPLES = (
        Example(
            "sessions",
            """\
from sqlalchemy import create_engine
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import Session, sessionmaker

engine = create_engine("sqlite://")
async_engine = create_async_engine("sqlite+aiosqlite://")
Local = sessionmaker(engine)
AsyncLocal = async_sessionmaker(async_engine)


async def wrong():
    with AsyncSession(async_engine) as db:  # error
        print(db)
    with AsyncLocal() as db:  # error
        print(db)
    async with Session(engine) as db:  # error
        print(db)
    async with Local.begin() as db:  # error
        print(db)
""",
        ),
        Example(
            "engines, connections and context managers of the project",
            """\
from contextlib import asynccontextmanager, contextmanager

from sqlalchemy import create_engine
from sqlalchemy.ext.asyncio import create_async_engine

engine = create_engine("sqlite://")
async_engine = create_async_engine("sqlite+aiosqlite://")


@asynccontextmanager
async def opened():
    async with async_engine.connect() as connection:
        yield connection


@contextmanager
def closed():
    with engine.begin() as connection:
        yield connection


async def wrong():
    with async_engine.begin() as connection:  # error
        print(connection)
    async with engine.connect() as connection:  # error
        print(connection)
    with opened() as connection:  # error
        print(connection)
    async with closed() as connection:  # error
        print(connection)
""",
        ),
        Example(
            "each with its own",
            """\
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm import Session


async def right(engine: AsyncEngine, db: AsyncSession):
    async with db, engine.begin() as connection, db.begin():
        print(connection)


def also_right(db: Session):
    with db, db.begin():
        print(db)
""",
        ),
        Example(
            "a factory that is only declared, by the name of the sync one",
            """\
from dataclasses import dataclass

from sqlalchemy.orm import sessionmaker


@dataclass
class Users:
    maker: sessionmaker

    async def clear(self):
        async with self.maker() as db, db.begin():
            await db.execute("DELETE FROM users")
""",
        ),
        Example(
            "it can be both",
            """\
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session


def either(db: Session | AsyncSession):
    with db:
        pass


async def asked(db: AsyncSession):
    if not isinstance(db, AsyncSession):
        with db:
            pass
""",
        ),
    )

    def check(self, view: View) -> Iterator[Finding]:
        for function in view.functions:
            for statement in _with_statements(function):
                for item in statement.items:
                    scope = view.project.scope_of(item.context)
                    yield from self._item(view, function, statement, item.context, scope)

    def _item(
        self, view: View, function: Function, statement: s.With, context: s.Expr, scope: Scope
    ) -> Iterator[Finding]:
        if isinstance(context, s.Await):
            return
        is_async = _kind(view, context, scope)
        if is_async is None or is_async is statement.is_async:
            return
        if is_narrowed(view.project, context, function):
            return
        kind, right = ("async", "`async with`") if is_async else ("sync", "`with`")
        message = f"`{short(context)}` is {kind}: enter it with {right}"
        in_test = function.module.is_test  # fixtures are often annotated wrongly
        confidence = Confidence.MEDIUM if in_test else Confidence.HIGH
        yield self.finding(context, function, message, remedy=f"use {right}", confidence=confidence)


def _with_statements(function: Function) -> Iterator[s.With]:
    node = function.node
    body = node.body if isinstance(node, s.FunctionDef) else ()
    body = function.module.syntax.body if function.is_module else body
    for statement in statements(body) if not isinstance(node, s.Lambda) else ():
        if type(statement) is s.With:
            yield statement


def _kind(view: View, context: s.Expr, scope: Scope) -> bool | None:
    """Whether the manager is async; None when it is unknown or can be both."""
    decorated = _decorated(view, context, scope)
    if decorated is not None:
        return decorated
    if _is_of_either(view, context, scope):
        return None
    types = view.project.infer(context, scope)
    kinds = {_kind_of(view, item) for item in types}
    return kinds.pop() if len(kinds) == 1 else None


def _decorated(view: View, context: s.Expr, scope: Scope) -> bool | None:
    """Calls of functions under `@contextmanager` and `@asynccontextmanager`."""
    if not isinstance(context, s.Call):
        return None
    types = view.project.infer(context.func, scope)
    functions = [item.fn for item in types if isinstance(item, FunctionObject)]
    if len(functions) != 1 or len(types) != 1:
        return None
    names = [name.rpartition(".")[2] for name in functions[0].decorators]
    return {"contextmanager": False, "asynccontextmanager": True}.get(names[0] if names else "")


def _is_of_either(view: View, context: s.Expr, scope: Scope) -> bool:
    """Whether it comes from what is only declared a `sessionmaker`.

    Before SQLAlchemy 2.0 `sessionmaker(class_=AsyncSession)` made async sessions.
    """
    if not isinstance(context, s.Call):
        return False
    types = view.project.infer(context.func, scope)
    if any(isinstance(item, ExternalInstance) and item.dotted == SESSIONMAKER for item in types):
        return True
    owner = context.func.value if isinstance(context.func, s.Attribute) else None
    bindings = scope.names.get(owner.id, ()) if isinstance(owner, s.Name) else ()
    return any(
        isinstance(binding, WithBinding) and _is_of_either(view, binding.value, binding.scope)
        for binding in bindings
    )


def _kind_of(view: View, item: Type) -> bool | None:
    if isinstance(item, ContextOf):
        return _common(view, item.value)
    if isinstance(item, ExternalInstance) and item.heuristic:
        return None
    if isinstance(item, ExternalInstance) and item.dotted in OWNERS:
        owner, is_async = OWNERS[item.dotted]
        return None if owner in _BOTH else is_async
    kind = view.project.session_kind_of(frozenset({item}))
    return None if kind is None else kind == "async"


def _common(view: View, types: Types) -> bool | None:
    kinds = {_kind_of(view, item) for item in types}
    return kinds.pop() if len(kinds) == 1 else None
