"""`awaitable_cached_property`: a coroutine that runs once for each object."""

from __future__ import annotations

import asyncio

import pytest

from migrate_async import awaitable_cached_property


class Orders:
    def __init__(self) -> None:
        self.runs = 0
        self.fails = False

    @awaitable_cached_property
    async def total(self) -> int:
        """The sum."""
        self.runs += 1
        await asyncio.sleep(0)
        if self.fails:
            raise ValueError("not now")
        return self.runs


def test_it_runs_once_and_each_read_can_be_awaited() -> None:
    async def run() -> list[int]:
        one, other = Orders(), Orders()
        return [await one.total, await one.total, one.runs, await other.total]

    assert asyncio.run(run()) == [1, 1, 1, 1]


def test_the_value_is_where_cached_property_keeps_it_and_can_be_set() -> None:
    async def run() -> list[int]:
        orders = Orders()
        first = await orders.total
        orders.total = 7
        return [first, vars(orders)["total"], await orders.total, orders.runs]

    assert asyncio.run(run()) == [1, 7, 7, 1]


def test_an_exception_is_not_kept() -> None:
    async def run() -> int:
        orders = Orders()
        orders.fails = True
        with pytest.raises(ValueError, match="not now"):
            await orders.total
        orders.fails = False
        return await orders.total

    assert asyncio.run(run()) == 2


def test_two_tasks_get_the_value_that_was_there_first() -> None:
    async def read(orders: Orders) -> int:
        return await orders.total

    async def run() -> list[int]:
        orders = Orders()
        return await asyncio.gather(read(orders), read(orders))

    assert len(set(asyncio.run(run()))) == 1


def test_the_class_has_the_descriptor_itself() -> None:
    assert isinstance(Orders.total, awaitable_cached_property)
    assert Orders.total.__doc__ == "The sum."
