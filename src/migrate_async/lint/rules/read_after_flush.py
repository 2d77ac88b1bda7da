"""`user.name = "b"; await db.flush(); return user.updated_at`, a column of the database."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.lint.hazards.flushed import FlushedReads
from migrate_async.lint.rule import Example, Rule, place
from migrate_async.lint.view import View
from migrate_async.model import syntax as s
from migrate_async.model.finding import Finding
from migrate_async.plan.hazards.hits import short

_MODELS = """\
# file: app/models.py
from datetime import datetime

from sqlalchemy import Computed, func
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    pass


class Stamped:
    updated_at: Mapped[datetime] = mapped_column(onupdate=func.now())


class User(Stamped, Base):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    size: Mapped[int] = mapped_column(Computed("length(name)"))


class Order(Stamped, Base):
    __tablename__ = "orders"
    __mapper_args__ = {"eager_defaults": True}
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
"""
_HEAD = """\
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from app.models import Order, User

engine = create_async_engine("sqlite+aiosqlite://")
SessionLocal = async_sessionmaker(engine, expire_on_commit=False)
"""


class ReadAfterFlush(Rule):
    """A coroutine reads a column that the database made when it flushed a change.

    ## Why

    `onupdate=func.now()`, `server_onupdate` and `Computed` columns get their values in the
    database. A flush of a changed object expires them, also the flush of a commit with
    `expire_on_commit=False`, and the next read fetches them: without an `await`, it raises
    `MissingGreenlet`.

    ## Fix

    Say `__mapper_args__ = {"eager_defaults": True}` in the model, or the mixin that has the column:
    the flush fetches the values itself. Or `await session.refresh(user, ["updated_at"])`.

    ## False alarms

    None are known for reads in the function that flushes; a read in a function that gets the object
    has medium confidence. New objects are not reported: their INSERT fetches such values, where the
    database has `RETURNING`.
    """

    CODE = "MA715"
    CONSEQUENCE = "the request fails with MissingGreenlet after its data was written"
    REMEDY = "map the model with `eager_defaults=True`, or refresh the column"
    EXAMPLES = (
        Example(
            "after a flush, and after a commit that expires nothing",
            _HEAD
            + """\


async def rename(db: AsyncSession, key: int):
    user = await db.get(User, key)
    user.name = "b"
    await db.flush()
    return user.updated_at  # error


async def grow(db: AsyncSession, key: int):
    user = await db.get(User, key)
    user.name += "b"
    await db.commit()
    return user.name, user.size  # error
"""
            + _MODELS,
        ),
        Example(
            "a function that gets the object reads it",
            _HEAD
            + """\


def shown(user: User):
    return {"at": user.updated_at}


async def rename(db: AsyncSession, key: int):
    user = await db.get(User, key)
    user.name = "b"
    await db.flush()
    return shown(user)  # error: medium
"""
            + _MODELS,
        ),
        Example(
            "fetched by the flush, refreshed, new, unchanged, or another column",
            _HEAD
            + """\


async def rename(db: AsyncSession, key: int):
    order = await db.get(Order, key)
    order.name = "b"
    await db.flush()
    user = await db.get(User, key)
    await db.flush()
    print(user.updated_at)
    user.name = "b"
    await db.flush()
    print(user.name)
    await db.refresh(user)
    return order.updated_at, user.updated_at


async def create(db: AsyncSession):
    user = User(name="a")
    user.name = "b"
    db.add(user)
    await db.flush()
    return user.size
"""
            + _MODELS,
        ),
    )

    def check(self, view: View) -> Iterator[Finding]:
        for function in view.strict_coroutines:
            for expired in view.analysis(FlushedReads).of(function):
                flush = expired.commit
                verb = "reads" if isinstance(expired.node, s.Call) else "is read"
                assert isinstance(flush, s.ExpressionStatement)  # noqa: S101
                yield self.finding(
                    expired.node,
                    function,
                    f"`{short(expired.node)}` {verb} after a flush left it to the database",
                    confidence=expired.confidence,
                    related=(place(flush.value, function, "the flush is here"),),
                )
