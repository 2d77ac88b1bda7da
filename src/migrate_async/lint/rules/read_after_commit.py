"""`await db.commit(); return user.name` with `expire_on_commit`."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.lint.hazards.expiry import Expiry
from migrate_async.lint.rule import Example, Rule, place
from migrate_async.lint.view import View
from migrate_async.model import syntax as s
from migrate_async.model.finding import Finding
from migrate_async.plan.hazards.hits import short

_MODELS = """\
# file: app/models.py
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
"""


class ReadAfterCommit(Rule):
    """A coroutine reads an object after a commit that expired it.

    ## Why

    A session forgets the values of its objects at commit, and fetches them anew when they are
    read. An async session cannot fetch without an `await`: the read raises `MissingGreenlet`. It
    does so for primary keys too.

    ## Fix

    Make the sessions with `async_sessionmaker(engine, expire_on_commit=False)`, as SQLAlchemy
    recommends for asyncio, or `await session.refresh(user)` after the commit.

    ## False alarms

    Projects whose async sessions are all made with `expire_on_commit=False` have no findings; where
    some are and some are not, the confidence is medium, as it is for a read in a function that gets
    the object. Reads after another query of the session are not reported.
    """

    CODE = "MA707"
    CONSEQUENCE = "the request fails with MissingGreenlet after its data was written"
    REMEDY = "make the sessions with `expire_on_commit=False`, or refresh the object"
    EXAMPLES = (
        Example(
            "an object that was added, and one that was loaded",
            """\
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from app.models import User

SessionLocal = async_sessionmaker(create_async_engine("sqlite+aiosqlite://"))


async def create(db: AsyncSession):
    user = User(name="a")
    db.add(user)
    await db.commit()
    return user.id  # error


async def rename(db: AsyncSession, key: int):
    user = await db.get(User, key)
    try:
        user.name = "b"
        await db.commit()
    except ValueError:
        return user.name
    if key:
        return user.name  # error
    return user.id
"""
            + _MODELS,
        ),
        Example(
            "a function that gets the object reads it",
            """\
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from app.models import User

SessionLocal = async_sessionmaker(create_async_engine("sqlite+aiosqlite://"))


def shown(user: User):
    return {"name": user.name}


def kept(user: User):
    return [user]


async def create(db: AsyncSession):
    user = User(name="a")
    db.add(user)
    await db.commit()
    kept(user)
    return shown(user)  # error: medium
"""
            + _MODELS,
        ),
        Example(
            "some sessions keep their objects",
            """\
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from app.models import User

engine = create_async_engine("sqlite+aiosqlite://")
SessionLocal = async_sessionmaker(engine)
Other = async_sessionmaker(engine, expire_on_commit=False)


async def create(db: AsyncSession):
    user = User()
    db.add(user)
    await db.commit()
    return user.id  # error: medium
"""
            + _MODELS,
        ),
        Example(
            "sessions keep their objects",
            """\
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from app.models import User

engine = create_async_engine("sqlite+aiosqlite://")
SessionLocal = async_sessionmaker(engine, expire_on_commit=False)


async def create(db: AsyncSession):
    user = User()
    db.add(user)
    await db.commit()
    return user.id
"""
            + _MODELS,
        ),
        Example(
            "refreshed, read before the commit, or of another session",
            """\
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from app.models import User

SessionLocal = async_sessionmaker(create_async_engine("sqlite+aiosqlite://"))


async def create(db: AsyncSession, other: AsyncSession):
    user = User()
    db.add(user)
    await db.flush()
    key = user.id
    await other.commit()
    print(user.id)
    await db.commit()
    await db.refresh(user)
    return user.id, key
"""
            + _MODELS,
        ),
    )

    def check(self, view: View) -> Iterator[Finding]:
        for function in view.strict_coroutines:
            for expired in view.analysis(Expiry).of(function):
                commit = expired.commit
                verb = "reads" if isinstance(expired.node, s.Call) else "is read"
                assert isinstance(commit, s.ExpressionStatement)  # noqa: S101
                yield self.finding(
                    expired.node,
                    function,
                    f"`{short(expired.node)}` {verb} after a commit expired the object",
                    confidence=expired.confidence,
                    related=(place(commit.value, function, "the commit is here"),),
                )
