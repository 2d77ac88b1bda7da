"""What the planner relies on: which objects of a session a loader option reaches.

`select` fills in what is missing, whatever else has loaded the object before; `get` does not.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from sqlalchemy import ForeignKey, select
from sqlalchemy.exc import MissingGreenlet, StatementError
from sqlalchemy.ext.asyncio import AsyncAttrs, AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship, selectinload

pytestmark = pytest.mark.asyncio


class Base(AsyncAttrs, DeclarativeBase):
    pass


class Order(Base):
    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)
    items: Mapped[list[Item]] = relationship(back_populates="order")


class Item(Base):
    __tablename__ = "items"
    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"))
    order: Mapped[Order] = relationship(back_populates="items")
    parts: Mapped[list[Part]] = relationship()


class Part(Base):
    __tablename__ = "parts"
    id: Mapped[int] = mapped_column(primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("items.id"))


FULL = (
    select(Order).where(Order.id == 1).options(selectinload(Order.items).selectinload(Item.parts))
)


@pytest_asyncio.fixture
async def db() -> AsyncIterator[AsyncSession]:
    engine = create_async_engine("sqlite+aiosqlite://")
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    async with AsyncSession(engine, expire_on_commit=False) as session:
        session.add(Order(id=1, items=[Item(id=1, parts=[Part(id=1)])]))
        await session.commit()
        session.expunge_all()
        yield session
    await engine.dispose()


def parts(order: Order) -> int:
    return sum(len(item.parts) for item in order.items)


async def test_select_fills_in_an_object_that_the_session_has(db: AsyncSession) -> None:
    held = await db.get(Order, 1)
    order = (await db.scalars(FULL)).one()
    assert order is held
    assert parts(order) == 1


async def test_select_fills_in_what_hangs_on_a_collection_that_is_loaded(db: AsyncSession) -> None:
    held = await db.get(Order, 1, options=[selectinload(Order.items)])
    order = (await db.scalars(FULL)).one()
    assert order is held
    assert parts(order) == 1


async def test_select_fills_in_children_that_the_session_has(db: AsyncSession) -> None:
    held = await db.get(Item, 1, options=[selectinload(Item.order)])
    order = (await db.scalars(FULL)).one()
    assert held in order.items
    assert parts(order) == 1


async def test_select_fills_in_an_object_that_is_new(db: AsyncSession) -> None:
    new = Order(id=2)
    db.add(new)
    statement = select(Order).where(Order.id == 2).options(selectinload(Order.items))
    order = (await db.scalars(statement)).one()
    assert order is new
    assert order.items == []


@pytest.mark.filterwarnings("ignore:coroutine")  # of the load that cannot be awaited
async def test_get_does_not_fill_in_an_object_that_the_session_has(db: AsyncSession) -> None:
    held = await db.get(Order, 1)
    order = await db.get(Order, 1, options=[selectinload(Order.items)])
    assert order is held
    with pytest.raises((MissingGreenlet, StatementError)):
        _ = order.items


async def test_awaiting_loads_whatever_happened_before(db: AsyncSession) -> None:
    order = (await db.scalars(FULL)).one()
    await db.rollback()
    for item in await order.awaitable_attrs.items:
        assert len(await item.awaitable_attrs.parts) == 1
