"""A coroutine that nobody awaits."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index.scopes import Function
from migrate_async.lint.hazards.coroutines import Coroutines, Forgotten
from migrate_async.lint.rule import Example, Rule
from migrate_async.lint.view import View
from migrate_async.model.finding import Applicability, Finding, Fix
from migrate_async.model.plan import AwaitCall
from migrate_async.plan.hazards.hits import short
from migrate_async.plan.loads.accesses import can_await


class MissingAwait(Rule):
    """The result of a coroutine is used, or dropped, without an `await`.

    ## Why

    Calling a coroutine function runs nothing. `session.commit()` without `await` commits nothing,
    says nothing but a `RuntimeWarning` on standard error, and the request succeeds.
    `if is_allowed(user):` without `await` is true for everybody.

    ## Fix

    Put `await` before the call.

    ## False alarms

    A coroutine that is passed on, stored, returned or yielded is left alone, because `gather`,
    `create_task` or a caller may await it later: unless annotations say that its result is wanted
    there. What a coroutine without an annotation returns has medium confidence. So has what is
    given by a function that is a parameter, or that has a decorator that this tool does not know:
    it may be a plain one.
    """

    CODE = "MA705"
    CONSEQUENCE = "the call does nothing: writes are lost and checks pass without an error"
    REMEDY = "put `await` before the call"
    EXAMPLES = (
        Example(
            "operations of an async session",
            """\
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession


async def rename(db: AsyncSession, name: str):
    db.execute(text("UPDATE users SET name = :name"), {"name": name})  # error
    names = db.scalars(text("SELECT name FROM users")).all()  # error
    rows = db.execute(text("SELECT 1"))  # error
    for row in rows:
        print(row)
    if db.scalar(text("SELECT 1")):  # error
        db.commit()  # error
    return names
""",
        ),
        Example(
            "coroutines of the project",
            """\
class Users:
    async def is_admin(self, name: str) -> bool:
        return name == "root"

    async def names(self):
        return ["root"]


async def route(users: Users):
    if users.is_admin("guest") and True:  # error
        print(f"{users.names()}")  # error
    if (found := users.names()) is None:  # error
        return len(users.names())  # error
    first, second = users.names()  # error
    names = users.names()  # error
    print(names, names[0], first, second)
    return [name.upper() for name in users.names()]  # error


def start(users: Users):
    users.names()  # error
""",
        ),
        Example(
            "handed on to where its result is wanted",
            """\
from dataclasses import dataclass

from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncSession

app = FastAPI()


class User:
    name: str


@dataclass
class Reply:
    user: User


async def load(key: int) -> User:
    return User()


def show(user: User | None, title: str = "") -> str:
    return title


class Page:
    user: User

    async def fill(self, db: AsyncSession, key: int) -> "User":
        self.user = load(key)  # error
        user: User = load(key)  # error
        db.add(load(key))  # error
        found = load(key)  # error
        show(found)
        show(user, title=show(load(key)))  # error
        if key:
            raise load(key)  # error
        return load(key)  # error


async def loaded(key: int):
    return load(key) if key else None  # error: medium


def reply(key: int) -> Reply:
    return Reply(user=load(key))  # error


@app.get("/")
async def route(key: int):
    return load(key)  # error
""",
        ),
        Example(
            "a name that is given something else later",
            """\
async def load(key: int) -> str:
    return str(key)


async def route(key: int, raw):
    if isinstance(raw, str):
        return raw
    text = load(raw)  # error
    print(text.upper())
    text = await load(key)
    return text


async def both(key: int, group):
    found = load(key)
    group.start(found)
    found = load(key)
    found = await found
    return found.upper()
""",
        ),
        Example(
            "a function that is passed in may be another one",
            """\
async def load() -> int:
    return 1


def run(function):
    print(function().real)  # error: medium


run(load)
""",
        ),
        Example(
            "a decorator may run the coroutine",
            """\
from elsewhere import run_in_loop


@run_in_loop
async def main():
    pass


def start():
    main()  # error: medium
""",
        ),
        Example(
            "the `await` is added",
            """\
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession


async def names(db: AsyncSession):
    rows = db.scalars(text("SELECT name FROM users")).all()  # error
    db.commit()  # error
    return rows
""",
            fixed="""\
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession


async def names(db: AsyncSession):
    rows = (await db.scalars(text("SELECT name FROM users"))).all()
    await db.commit()
    return rows
""",
        ),
        Example(
            "somebody awaits it later",
            """\
import asyncio


async def load(key):
    return key


async def route(keys, group):
    task = asyncio.create_task(load(1))
    later = load(2)
    coroutines = [load(key) for key in keys]
    group.start(load(3))
    maybe = load(5)
    if maybe:
        group.start(maybe)
    return await task, await later, await asyncio.gather(*coroutines, load(4))


async def each(keys):
    future = load(1)
    done, _ = await asyncio.wait([future])
    return [future for future in done if future.exception()]


def start(key):
    asyncio.run(load(1))
    return load(key)
""",
        ),
        Example(
            "annotations leave it open",
            """\
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar("T")
Job = Awaitable[int]


async def load(key: int) -> int:
    return key


def start(job: Awaitable[int], name: str = "") -> None: ...


def run(job: T) -> T:
    return job


@dataclass
class Work:
    job: Any


async def later(key: int) -> Awaitable[int]:
    start(load(key), name="x")
    run(load(key))
    Work(job=load(key))
    return load(key)


async def alias(key: int) -> Job:
    return load(key)


def plain(key: int):
    return load(key)
""",
        ),
        Example(
            "tried with and without `await`",
            """\
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession


async def ping(session: AsyncSession):
    try:
        await session.execute(text("SELECT 1"))
    except TypeError:
        session.execute(text("SELECT 1")).fetchall()
""",
        ),
        Example(
            "async iterators and context managers are not awaited",
            """\
from contextlib import asynccontextmanager
from collections.abc import AsyncIterator

from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession


class Source:
    async def items(self) -> AsyncIterator[int]:
        raise NotImplementedError


async def numbers():
    yield 1


@asynccontextmanager
async def opened():
    yield 1


async def route(engine: AsyncEngine, db: AsyncSession, source: Source):
    async for number in numbers():
        print(number)
    async for number in source.items():
        print(number)
    async with opened(), engine.begin() as connection, db.begin():
        await connection.rollback()
""",
        ),
        Example(
            "plain methods of an async session",
            """\
from sqlalchemy.ext.asyncio import AsyncSession


async def save(db: AsyncSession, user):
    db.add(user)
    db.expire_all()
    await db.commit()
""",
        ),
    )

    def check(self, view: View) -> Iterator[Finding]:
        for function in view.functions:
            for forgotten in view.analysis(Coroutines).forgotten(function):
                if function.is_async or forgotten.site.operation is None:
                    yield self._finding(view, function, forgotten)

    def _finding(self, view: View, function: Function, forgotten: Forgotten) -> Finding:
        call = forgotten.site.node
        fix = None
        if function.is_async and can_await(view.project, call, function):
            edit = AwaitCall(span=call.span, codemod="async-colour")
            fix = Fix("await it", Applicability.UNSAFE.value, (edit,))
        return self.finding(
            call,
            function,
            f"`{short(call)}` {forgotten.what}",
            confidence=forgotten.confidence,
            remedy=""
            if function.is_async
            else "run it from a coroutine, or with `asyncio.run(...)`",
            fix=fix,
        )
