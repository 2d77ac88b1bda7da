"""The fair pool: order, and no connection lost to a cancellation, a timeout or a thread."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.util import greenlet_spawn
from sqlalchemy.util.queue import Empty, Full

from migrate_async.runtime.engine import create_async_engine
from migrate_async.runtime.errors import is_pool_exhausted
from migrate_async.runtime.pools import FairAsyncQueuePool, FairQueue, pool_state


def item(name: str) -> ConnectionPoolEntry:
    """The queue never looks into what it hands on."""
    return cast("ConnectionPoolEntry", name)


def waiting(queue: FairQueue, timeout: float | None = None) -> asyncio.Task[Any]:
    return asyncio.create_task(greenlet_spawn(queue.get, True, timeout))


async def until_waiting(queue: FairQueue, count: int) -> None:
    for _ in range(100):
        if queue.waiting() == count:
            return
        await asyncio.sleep(0)
    raise AssertionError(f"{queue.waiting()} wait, not {count}")


async def test_the_longest_waiter_is_served_first() -> None:
    """In the order they came, and newcomers do not overtake."""
    queue = FairQueue(3)
    waiters = []
    for number in range(3):
        waiters.append(waiting(queue))
        await until_waiting(queue, number + 1)

    for name in ("a", "b", "c"):
        queue.put_nowait(item(name))
    with pytest.raises(Empty):
        queue.get_nowait()

    assert await asyncio.gather(*waiters) == ["a", "b", "c"]


@pytest.mark.parametrize(("use_lifo", "order"), [(False, "ab"), (True, "ba")])
def test_the_shelf_is_a_queue_or_a_stack(use_lifo: bool, order: str) -> None:
    """`pool_use_lifo` as documented by SQLAlchemy."""
    queue = FairQueue(2, use_lifo)
    queue.put(item("a"))
    queue.put(item("b"))

    assert queue.full()
    with pytest.raises(Full):
        queue.put_nowait(item("c"))
    assert "".join(map(str, (queue.get_nowait(), queue.get_nowait()))) == order
    assert queue.empty()


async def test_waiting_ends_with_the_timeout() -> None:
    """And the place in the line is given up: the next connection goes to the next."""
    queue = FairQueue(1)
    impatient, patient = waiting(queue, 0.001), waiting(queue)

    with pytest.raises(Empty):
        await impatient
    queue.put_nowait(item("a"))

    assert str(await patient) == "a"


async def test_a_cancelled_waiter_passes_its_connection_on() -> None:
    """Cancelled after the hand-over and before it could run."""
    queue = FairQueue(1)
    first, second = waiting(queue), waiting(queue)
    await until_waiting(queue, 2)

    queue.put_nowait(item("a"))
    first.cancel()

    with pytest.raises(asyncio.CancelledError):
        await first
    assert str(await second) == "a"


async def test_a_cancelled_last_waiter_puts_it_on_the_shelf() -> None:
    """Nobody else waits."""
    queue = FairQueue(1)
    waiter = waiting(queue)
    await until_waiting(queue, 1)

    queue.put_nowait(item("a"))
    waiter.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiter

    assert queue.qsize() == 1


async def test_a_connection_may_be_returned_from_a_thread() -> None:
    """The waiter is woken up on its own event loop."""
    queue = FairQueue(1)
    waiter = waiting(queue)
    await until_waiting(queue, 1)

    thread = threading.Thread(target=queue.put_nowait, args=(item("a"),))
    thread.start()
    thread.join()

    assert str(await waiter) == "a"


async def test_a_waiter_cancelled_while_a_thread_serves_it_loses_nothing() -> None:
    """The connection is on its way to the loop when the task is cancelled."""
    queue = FairQueue(1)
    waiter = waiting(queue)
    await until_waiting(queue, 1)

    thread = threading.Thread(target=queue.put_nowait, args=(item("a"),))
    thread.start()
    thread.join()
    waiter.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiter
    await asyncio.sleep(0)

    assert queue.qsize() == 1


def test_a_waiter_whose_loop_is_closed_is_passed_over() -> None:
    """A process may run several event loops one after the other."""
    queue = FairQueue(1)

    async def leave_a_waiter() -> asyncio.Task[Any]:
        task = waiting(queue)
        await until_waiting(queue, 1)
        return task

    loop = asyncio.new_event_loop()
    abandoned = loop.run_until_complete(leave_a_waiter())
    loop.close()
    queue.put_nowait(item("a"))

    assert not abandoned.done()
    assert queue.qsize() == 1


def pooled(tmp_path: Path, **options: Any) -> AsyncEngine:
    return create_async_engine(f"sqlite:///{tmp_path / 'pool.db'}", **options)


async def test_many_tasks_share_few_connections(tmp_path: Path) -> None:
    """All are served, nothing stays out."""
    engine = pooled(tmp_path, pool_size=2, max_overflow=0, sqlite_begin="DEFERRED")

    async def task() -> int:
        async with engine.connect() as connection:
            return int((await connection.execute(text("SELECT 1"))).scalar_one())

    assert sum(await asyncio.gather(*(task() for _ in range(40)))) == 40
    state = pool_state(engine.pool)
    assert (state.checked_out, state.idle, state.overflow, state.waiting) == (0, 2, 0, 0)
    await engine.dispose()


async def test_an_exhausted_pool_says_so(tmp_path: Path) -> None:
    """SQLAlchemy's own exception, recognised by its documented code."""
    engine = pooled(tmp_path, pool_size=1, max_overflow=0, pool_timeout=0.01)
    async with engine.connect():
        with pytest.raises(PoolTimeout) as caught:
            await engine.connect()

    assert is_pool_exhausted(caught.value)
    assert not is_pool_exhausted(TimeoutError())
    await engine.dispose()


async def test_waiters_do_not_sit_out_an_outage(tmp_path: Path) -> None:
    """When opening a connection failed, the next in line tries; the stock pool lets it wait."""
    engine = pooled(tmp_path, pool_size=1, max_overflow=0, pool_timeout=3600)
    failures = iter([OperationalError("down", None, Exception()), None])

    @event.listens_for(engine.sync_engine, "do_connect")
    def fail_once(*_: object) -> None:
        error = next(failures, None)
        if error is not None:
            raise error

    async def task() -> str:
        try:
            async with engine.connect():
                return "served"
        except OperationalError:
            return "failed"

    outcomes = await asyncio.wait_for(asyncio.gather(*(task() for _ in range(3))), 10)

    assert sorted(outcomes) == ["failed", "served", "served"]
    assert isinstance(engine.pool, FairAsyncQueuePool)
    assert engine.pool.waiting() == 0
    await engine.dispose()
