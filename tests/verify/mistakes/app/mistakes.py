"""Mistakes of a migration, each with what verify has to say on its line."""

import json
from typing import Any

from fastapi import APIRouter, Depends
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from sqlalchemy.orm import Session, sessionmaker
from starlette.concurrency import run_in_threadpool

from app import crud
from app.crud import delete_user  # error: MA271 1
from app.database import SessionLocal, SyncSessionLocal, User, engine, get_db, sync_engine

router = APIRouter()


@router.get("/1")
async def execute_not_awaited(db: AsyncSession = Depends(get_db)) -> list[User]:
    result = db.execute(select(User))  # error: MA274 2
    return list(result.scalars().all())


@router.post("/2")
async def commit_not_awaited(db: AsyncSession = Depends(get_db)) -> None:
    db.add(User(name="a"))
    db.commit()  # error: MA274 3


@router.post("/3")
async def add_awaited(db: AsyncSession = Depends(get_db)) -> None:
    await db.add(User(name="a"))  # error: MA278 4
    await db.commit()


@router.get("/4")
async def helper_not_awaited(db: AsyncSession = Depends(get_db)) -> str:
    user = crud.get_user(db, 1)  # error: MA273 5
    return user.name


@router.post("/5")
async def helper_dropped(db: AsyncSession = Depends(get_db)) -> None:
    crud.create_user(db, "a")  # error: MA273 6


@router.get("/6")
async def coroutine_returned(db: AsyncSession = Depends(get_db)):
    return crud.get_user(db, 1)  # error: MA273 7


@router.get("/7")
async def list_of_coroutines(db: AsyncSession = Depends(get_db)):
    return [crud.get_user(db, number) for number in range(3)]  # error: MA273 8


@router.get("/8")
async def printed(db: AsyncSession = Depends(get_db)) -> None:
    print(crud.get_user(db, 1))  # error: MA273 9


@router.get("/9")
async def always_true(db: AsyncSession = Depends(get_db)) -> bool:
    if crud.exists(db, 1):  # error: MA273 10
        return True
    return False


@router.get("/10")
def sync_route(db: AsyncSession = Depends(get_db)):
    return crud.get_user(db, 1)  # error: MA275 11


class Store:
    async def load(self, db: AsyncSession) -> User | None:
        return await crud.get_user(db, 1)


class CachedStore(Store):
    def load(self, db: AsyncSession) -> User | None:  # error: MA277 12
        return None


async def from_any_store(store: Store, db: AsyncSession) -> User | None:
    return await store.load(db)


async def plain_for(db: AsyncSession) -> list[str]:
    return [user.name for user in crud.stream_users(db)]  # error: MA279 13


async def plain_with(db: AsyncSession) -> None:
    with db.begin():  # error: MA279 14
        db.add(User(name="a"))


@router.get("/15")
async def sync_session() -> int:
    session = SyncSessionLocal()
    return len(session.execute(select(User)).all())  # error: MA276 15


async def query_on_async(db: AsyncSession) -> list[User]:
    return await db.query(User).filter(User.id > 1).all()  # error: MA282 16


async def result_awaited(db: AsyncSession) -> list[User]:
    result = await db.execute(select(User))
    return await result.scalars().all()  # error: MA278 17


class Account:
    def __init__(self, db: AsyncSession) -> None:
        self.db = db

    @property
    def owner(self):
        return crud.get_user(self.db, 1)

    async def owner_name(self) -> str:
        return self.owner.name  # error: MA273 18


async def untyped_session(db, name):
    db.add(User(name=name))
    db.flush()  # error: MA274 19


async def any_session(db: Any) -> None:
    user = crud.get_user(db, 1)  # error: MA273 20
    json.dumps({"name": user.name})


async def undefined() -> list[User]:
    async with SessionLocal() as db:
        return list(await db.scalars(select(User).order_by(desc(User.id))))  # error: MA272 21


async def in_thread(db: AsyncSession) -> User:
    return await run_in_threadpool(crud.get_user, db, 1)  # error: MA275 22


async def sorted_by_coroutine(db: AsyncSession, users: list[int]) -> list[int]:
    return sorted(users, key=lambda number: crud.exists(db, number))  # error: MA275 23


async def names(db: AsyncSession) -> str:
    return ", ".join([crud.name_of(u) async for u in crud.stream_users(db)]) + await crud.name_of(User())  # error: MA278 24


async def generator(db: AsyncSession) -> bool:
    return any(await crud.exists(db, number) for number in range(3))  # error: MA281 25


async def gone(db: AsyncSession) -> None:
    await crud.remove_user(db, 1)  # error: MA271 26


async def engine_in_coroutine() -> None:
    with sync_engine.begin() as connection:  # error: MA276 27
        connection.execute(select(User))  # error: MA276 28


def new_session() -> Session:
    return Session(engine)  # error: MA284 29


Unfit = sessionmaker(autoflush=False, bind=engine)  # error: MA284 30


def own() -> Session:
    return SyncSessionLocal(bind=engine)  # error: MA284 31


async_factory = async_sessionmaker(sync_engine)  # error: MA284 32


def get_own_db():
    with SyncSessionLocal() as db:
        yield db


def get_sync_db(db: AsyncSession = Depends(get_own_db)) -> Session:  # error: MA285 33
    return db.sync_session


async def declared(db: AsyncSession = Depends(get_sync_db)) -> None:  # error: MA285 34
    await db.commit()
