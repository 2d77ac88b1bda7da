"""One session for each task, which goes with the task."""

from __future__ import annotations

import asyncio
import gc
import weakref

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from migrate_async import task_scoped_session


async def test_a_task_has_one_session_and_another_its_own() -> None:
    engine = create_async_engine("sqlite+aiosqlite://")
    sessions = task_scoped_session(async_sessionmaker(engine))

    async def two() -> tuple[AsyncSession, AsyncSession]:
        return sessions(), sessions()

    (one, same), (other, _) = await asyncio.gather(two(), two())
    assert one is same
    assert one is not other
    await engine.dispose()


async def test_the_session_of_a_task_that_is_done_is_forgotten() -> None:
    engine = create_async_engine("sqlite+aiosqlite://")
    sessions = task_scoped_session(async_sessionmaker(engine))

    async def work() -> weakref.ref[AsyncSession]:
        session = sessions()
        await session.close()
        return weakref.ref(session)

    known = await asyncio.create_task(work())
    await asyncio.sleep(0)  # the loop lets go of the task
    gc.collect()
    assert known() is None
    await engine.dispose()
