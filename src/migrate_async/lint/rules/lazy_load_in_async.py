"""`order.items` where the query did not load `items`."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index.project import Project
from migrate_async.index.scopes import Class, Function
from migrate_async.lint.hazards.unloaded import UnloadedReads
from migrate_async.lint.rule import Example, Rule, place
from migrate_async.lint.view import View
from migrate_async.model.finding import Applicability, Finding, Fix
from migrate_async.model.plan import AwaitAttribute
from migrate_async.plan.hazards.hits import short
from migrate_async.plan.loads.accesses import can_await

_HEAD = """\
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from app.models import Item, Order


"""
_MODELS = """\
# file: app/models.py
from sqlalchemy import ForeignKey
from sqlalchemy.ext.asyncio import AsyncAttrs
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class Base(AsyncAttrs, DeclarativeBase):
    pass


class Order(Base):
    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)
    notes: Mapped[str] = mapped_column(deferred=True)
    items: Mapped[list["Item"]] = relationship(back_populates="order")
    eager: Mapped[list["Item"]] = relationship(lazy="selectin", viewonly=True)


class Item(Base):
    __tablename__ = "items"
    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"))
    order: Mapped[Order] = relationship(back_populates="items")
"""


class LazyLoadInAsync(Rule):
    """A coroutine reads a relationship or deferred column that the query did not load.

    ## Why

    Reading an attribute that is not loaded runs a query. An async session cannot run one without
    an `await`: the read raises `MissingGreenlet`.

    ## Fix

    Load the relationship with its object: `select(Order).options(selectinload(Order.items))`. Or
    read it with `await order.awaitable_attrs.items` (models that inherit `AsyncAttrs`), or name it
    in `await session.refresh(order, ["items"])`.

    ## False alarms

    The query has to be visible, in the coroutine or (with medium confidence) in a function that it
    calls; objects from elsewhere are not reported. What a function reads that gets the object has
    medium confidence. A single object that another query of the
    coroutine may have loaded is found in memory: medium confidence.
    """

    CODE = "MA706"
    CONSEQUENCE = "the request fails with MissingGreenlet each time the line runs"
    REMEDY = "load it with `selectinload` in the query, or await it through `awaitable_attrs`"
    EXAMPLES = (
        Example(
            "a collection, a single object and a deferred column",
            _HEAD
            + """\
async def route(db: AsyncSession, key: int):
    order = await db.get(Order, key)
    for item in order.items:  # error
        print(item.id)
    print(order.notes)  # error
    result = await db.execute(select(Item).where(Item.id == key))
    item = result.scalar_one()
    return item.id


async def other(db: AsyncSession, key: int):
    item = (await db.scalars(select(Item).where(Item.id == key))).one()
    return item.order.id  # error
"""
            + _MODELS,
        ),
        Example(
            "a relationship of what was loaded, and one query for many",
            _HEAD
            + """\
async def route(db: AsyncSession):
    statement = select(Order).options(selectinload(Order.items))
    statement = statement.where(Order.id > 1)
    orders = (await db.scalars(statement)).all()
    for order in orders:
        for item in order.items:
            print(item.order.id)  # error: medium


async def sums(db: AsyncSession):
    orders = (await db.scalars(select(Order))).all()
    return [len(order.items) for order in orders]  # error
"""
            + _MODELS,
        ),
        Example(
            "the query is in a function that is called",
            _HEAD
            + """\
async def load(db: AsyncSession, key: int):
    return await db.scalar(select(Order).where(Order.id == key))


async def route(db: AsyncSession, key: int):
    order = await load(db, key)
    return len(order.items)  # error: medium
"""
            + _MODELS,
        ),
        Example(
            "a function that gets the object reads it",
            """\
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from app.models import Item, Order


def shown(order: Order, title: str = "") -> str:
    return title + str(len(order.items))


async def total(orders: list[Order]) -> int:
    return sum(len(order.items) for order in orders)


async def route(db: AsyncSession, key: int):
    order = await db.get(Order, key)
    loaded = await db.get(Order, key, options=[selectinload(Order.items)])
    print(shown(loaded))
    print(shown(order))  # error: medium
    return await total((await db.scalars(select(Order))).all())  # error: medium
"""
            + _MODELS,
        ),
        Example(
            "awaited, where the models have `AsyncAttrs`",
            """\
from sqlalchemy import ForeignKey
from sqlalchemy.ext.asyncio import AsyncAttrs, AsyncSession
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class Base(AsyncAttrs, DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    posts: Mapped[list["Post"]] = relationship()


class Post(Base):
    __tablename__ = "posts"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))


async def route(db: AsyncSession, key: int):
    user = await db.get(User, key)
    return len(user.posts)  # error
""",
            fixed="""\
from sqlalchemy import ForeignKey
from sqlalchemy.ext.asyncio import AsyncAttrs, AsyncSession
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class Base(AsyncAttrs, DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    posts: Mapped[list["Post"]] = relationship()


class Post(Base):
    __tablename__ = "posts"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))


async def route(db: AsyncSession, key: int):
    user = await db.get(User, key)
    return len(await user.awaitable_attrs.posts)
""",
        ),
        Example(
            "loaded by an option, by the mapping, or awaited",
            _HEAD
            + """\
async def route(db: AsyncSession, key: int):
    order = await db.get(Order, key, options=[selectinload(Order.items)])
    return len(order.items) + len(order.eager)


async def awaited(db: AsyncSession, key: int):
    order = await db.get(Order, key)
    return await order.awaitable_attrs.items


async def refreshed(db: AsyncSession, key: int):
    order = await db.get(Order, key)
    await db.refresh(order, ["items"])
    return order.items
"""
            + _MODELS,
        ),
        Example(
            "nobody knows what the query loads",
            _HEAD
            + """\
async def route(db: AsyncSession, order: Order, options: list):
    other = await db.get(Order, 1, options=options)
    third = (await db.scalars(select(Order).options(*options))).one()
    return order.items, other.items, third.items
"""
            + _MODELS,
        ),
        Example(
            "the route lets what it reads load",
            "from fastapi import APIRouter\nfrom migrate_async import lazy_response\n"
            + _HEAD
            + """\
router = APIRouter()


@router.get("/orders/{key}")
@lazy_response
async def route(db: AsyncSession, key: int):
    order = await db.get(Order, key)
    return [item.name for item in order.items]
"""
            + _MODELS,
        ),
        Example(
            "a sync function may be run by run_sync",
            _HEAD
            + """\
def count(order: Order):
    return len(order.items)


async def route(db: AsyncSession, key: int):
    order = await db.get(Order, key)
    order.items = []
    return await db.run_sync(lambda _: count(order))
"""
            + _MODELS,
        ),
    )

    def check(self, view: View) -> Iterator[Finding]:
        for function in view.strict_coroutines:
            yield from self._past(view, function)
            for read in view.analysis(UnloadedReads).of(function):
                fix = None
                awaits = can_await(view.project, read.node, function)
                if awaits and _has_async_attrs(view.project, read.model):
                    edit = AwaitAttribute(span=read.node.span, codemod="async-colour")
                    fix = Fix("await the attribute", Applicability.SAFE.value, (edit,))
                yield self.finding(
                    read.node,
                    function,
                    f"`{short(read.node)}`: `{read.model.name}.{read.name}` was not loaded",
                    confidence=read.confidence,
                    related=(place(read.origin.call, read.origin.function, "loaded here"),),
                    fix=fix,
                )

    def _past(self, view: View, function: Function) -> Iterator[Finding]:
        """Reads in functions that get the object."""
        for read in view.analysis(UnloadedReads).past(function):
            call = read.passed.call
            yield self.finding(
                call,
                function,
                f"`{short(call)}` reads `{read.model.name}.{read.name}`, which was not loaded",
                confidence=read.confidence,
                related=(
                    place(read.node, read.passed.helper, "read here"),
                    place(read.origin.call, read.origin.function, "loaded here"),
                ),
            )


def _has_async_attrs(project: Project, model: Class) -> bool:
    """Whether objects of `model` have `awaitable_attrs`."""
    return "sqlalchemy.ext.asyncio.AsyncAttrs" in project.bases(model)
