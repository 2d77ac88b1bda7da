"""A half-migrated application: async routes beside sync ones, each with a database of its own.

Neither URL leads anywhere: if a test passes, it was the plugin that supplied the connection.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from contextvars import ContextVar

from fastapi import BackgroundTasks, Depends, FastAPI, HTTPException, Request
from sqlalchemy import ForeignKey, String, create_engine, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    Session,
    mapped_column,
    relationship,
    sessionmaker,
)

from migrate_async.runtime.database import Database

NOWHERE = "postgresql{}://nobody@127.0.0.1:9/nothing"


class Base(DeclarativeBase):
    pass


class Thing(Base):
    __tablename__ = "things"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(50), unique=True)
    parts: Mapped[list["Part"]] = relationship()


class Part(Base):
    __tablename__ = "parts"
    id: Mapped[int] = mapped_column(primary_key=True)
    thing_id: Mapped[int] = mapped_column(ForeignKey("things.id"))


database = Database(NOWHERE.format(""))
SessionLocal = sessionmaker(create_engine(NOWHERE.format("+psycopg2")))
user: ContextVar[str] = ContextVar("user", default="nobody")


def get_sync_db() -> Iterator[Session]:
    session = SessionLocal()
    try:
        yield session
    finally:
        session.close()


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, str]]:
    async with database.engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    yield {"motto": "started"}


app = FastAPI(lifespan=lifespan)


@app.get("/motto")
async def motto(request: Request) -> str:
    return request.state.motto


@app.get("/user")
async def who() -> str:
    before = user.get()
    user.set("somebody")
    return before


@app.get("/async")
async def count(db: AsyncSession = Depends(database.get_db)) -> int:
    return await db.scalar(select(func.count(Thing.id)))


@app.post("/async/{name}")
async def make(name: str, db: AsyncSession = Depends(database.get_db)) -> int:
    thing = Thing(name=name)
    db.add(thing)
    try:
        await db.flush()
    except IntegrityError:
        raise HTTPException(409) from None
    return thing.id


@app.post("/background/{name}")
async def later(name: str, tasks: BackgroundTasks) -> None:
    async def make() -> None:
        async with database.transaction() as db:
            db.add(Thing(name=name))

    tasks.add_task(make)


@app.get("/sync")
def legacy_count(db: Session = Depends(get_sync_db)) -> int:
    return db.query(Thing).count()


@app.post("/sync/{name}")
def legacy_make(name: str, db: Session = Depends(get_sync_db)) -> int:
    thing = Thing(name=name, parts=[Part(), Part()])
    db.add(thing)
    db.commit()
    db.expire_all()
    return len(thing.parts)


@app.post("/undone/{name}")
def legacy_undo(name: str, db: Session = Depends(get_sync_db)) -> None:
    db.add(Thing(name=name))
    db.flush()
    db.rollback()
