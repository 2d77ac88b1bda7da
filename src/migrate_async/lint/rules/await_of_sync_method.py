"""`await session.add(...)`."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index.operations import operations_of
from migrate_async.index.scopes import Function
from migrate_async.index.sites import CallSite
from migrate_async.index.types import ExternalMethod, FunctionObject, Types
from migrate_async.knowledge.async_api import SESSION_SYNC
from migrate_async.knowledge.sqlalchemy import ASYNC_SESSIONS
from migrate_async.lint.rule import Example, Rule
from migrate_async.lint.view import View
from migrate_async.model import syntax as s
from migrate_async.model.finding import Confidence, Finding
from migrate_async.plan.hazards.hits import short


class AwaitOfSyncMethod(Rule):
    """Something is awaited that gives no awaitable.

    ## Why

    `AsyncSession.add`, `add_all`, `expunge`, `expire` and a few more are plain methods, because
    they touch nothing but memory. `await session.add(user)` raises
    `TypeError: object NoneType can't be used in 'await' expression`, after the object was added.

    ## Fix

    Drop the `await`.

    ## False alarms

    An operation that is awaited on a session annotated as a sync one may be right where the
    annotation is wrong; such findings have medium confidence.
    """

    CODE = "MA714"
    CONSEQUENCE = "the request fails with a TypeError each time the line runs"
    REMEDY = "drop the `await`"
    EXAMPLES = (
        Example(
            "plain methods of an async session",
            """\
from sqlalchemy.ext.asyncio import AsyncSession


async def save(db: AsyncSession, user):
    await db.add(user)  # error
    await db.expire_all()  # error
    await db.commit()
""",
        ),
        Example(
            "a function that returns nothing",
            """\
def log(text: str) -> None:
    print(text)


async def route():
    await log("hello")  # error
""",
        ),
        Example(
            "a sync session",
            """\
from sqlalchemy.orm import Session


async def save(db: Session):
    await db.commit()  # error: medium
""",
        ),
        Example(
            "a plain function that returns an awaitable",
            """\
import asyncio


def later(seconds: float):
    return asyncio.sleep(seconds)


def stub() -> None: ...


class Base:
    def run(self):
        raise NotImplementedError


async def route(base: Base):
    await later(1)
    await base.run()
""",
        ),
        Example(
            "the session is not known to be async",
            """\
async def save(db, user):
    await db.add(user)
    await db.commit()
""",
        ),
    )

    def check(self, view: View) -> Iterator[Finding]:
        for function in view.coroutines:
            for site in view.project.calls(function):
                if site.kind != "call" or not site.awaited:
                    continue
                assert isinstance(site.node, s.Call)  # noqa: S101  sites of this kind are
                types = view.project.infer(site.node.func, site.scope)
                found = _reason(site, types)
                if found is not None:
                    why, confidence = found
                    message = f"`{short(site.node)}` {why}"
                    yield self.finding(site.node, function, message, confidence=confidence)


def _reason(site: CallSite, types: Types) -> tuple[str, Confidence] | None:
    if types and all(_is_plain(item) for item in types):
        return "is no coroutine: it cannot be awaited", Confidence.HIGH
    functions = [item.fn for item in types if isinstance(item, FunctionObject)]
    if functions and len(functions) == len(types) and all(map(_gives_nothing, functions)):
        return "returns None: it cannot be awaited", Confidence.HIGH
    operations = operations_of(types)
    is_known = operations and len(operations) == len(types) and not site.heuristic
    if is_known and not any(operation.is_async for operation in operations):
        return "is an operation of a sync object: it cannot be awaited", Confidence.MEDIUM
    return None


def _is_plain(item: object) -> bool:
    is_async_session = isinstance(item, ExternalMethod) and item.owner in ASYNC_SESSIONS
    return is_async_session and getattr(item, "name", "") in SESSION_SYNC


def _gives_nothing(function: Function) -> bool:
    """A plain function whose body does something, and returns nothing."""
    node = function.node
    if not isinstance(node, s.FunctionDef) or function.is_async or function.is_generator:
        return False
    if function.returns or node.decorators:
        return False
    return any(isinstance(part, s.Call) for item in node.body for part in s.walk(item)) and not any(
        isinstance(item, s.Raise) for item in node.body
    )
