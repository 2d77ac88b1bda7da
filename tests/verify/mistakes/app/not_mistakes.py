"""What looks like a mistake and is none."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable

from fastapi import APIRouter, BackgroundTasks, Depends
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session, sessionmaker

from app import crud
from app.database import SessionLocal, User, engine, get_db
from migrate_async import run_async

try:
    from app.gone import missing
except ImportError:
    missing = None

router = APIRouter()


async def gathered(db: AsyncSession) -> list[User | None]:
    tasks = [crud.get_user(db, number) for number in range(3)]
    return await asyncio.gather(*tasks)


async def collected(db: AsyncSession) -> None:
    tasks = []
    for number in range(3):
        tasks.append(crud.get_user(db, number))
    for task in tasks:
        await task


async def kept(db: AsyncSession) -> User | None:
    later = crud.get_user(db, 1)
    await asyncio.sleep(0)
    return await later


def handed_up(db: AsyncSession, number: int) -> Awaitable[User | None]:
    return crud.get_user(db, number)


async def takes_what_was_handed_up(db: AsyncSession) -> User | None:
    return await (handed_up(db, 1) if db.is_active else crud.get_user(db, 2))


def script() -> None:
    asyncio.run(main())
    run_async(main())


async def main() -> None:
    async with SessionLocal() as db, db.begin():
        await crud.create_user(db, "a")
    async with engine.begin() as connection:
        await connection.run_sync(User.metadata.create_all)
    async with asyncio.timeout(1):
        task = asyncio.create_task(collected(db))
    await task


def count_names(session: Session) -> int:
    return len(session.scalars(select(User.name)).all())


async def bridged(db: AsyncSession) -> int:
    return await db.run_sync(count_names) + await db.run_sync(lambda session: count_names(session))


@contextlib.asynccontextmanager
async def opened() -> AsyncIterator[AsyncSession]:
    async with SessionLocal() as db:
        yield db


async def uses_opened() -> None:
    async with opened() as db:
        async for user in crud.stream_users(db):
            print(crud.name_of(user))
        result = await db.stream(select(User))
        async for row in result.partitions(10):
            print(row)


@router.post("/")
async def background(tasks: BackgroundTasks, db: AsyncSession = Depends(get_db)) -> None:
    tasks.add_task(crud.create_user, db, "a")


def not_migrated(session: Session) -> list[User]:
    with session.begin():
        return session.query(User).all()


class Reader:
    def read(self, db: Session) -> int:
        return count_names(db)


class AsyncReader(Reader):
    async def read(self, db: AsyncSession) -> int:
        return await db.run_sync(count_names)


async def reads_async(db: AsyncSession) -> int:
    return await AsyncReader().read(db)


old_way = sessionmaker(engine, class_=AsyncSession, expire_on_commit=False)


def on_the_sync_side() -> Session:
    return Session(engine.sync_engine)


def on_any(engine) -> Session:
    return Session(engine)
