"""`call_async`: converted code, called by code that stays sync, on the session of that code."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextvars import ContextVar
from pathlib import Path
from unittest.mock import AsyncMock, Mock

import pytest
from sqlalchemy import ForeignKey, String, create_engine, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import (
    AsyncAttrs,
    AsyncSession,
    async_object_session,
    async_sessionmaker,
    create_async_engine,
)
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    Session,
    mapped_column,
    relationship,
    scoped_session,
    sessionmaker,
)
from sqlmodel import Session as SQLModelSession
from sqlmodel import select as sqlmodel_select
from sqlmodel.ext.asyncio.session import AsyncSession as SQLModelAsyncSession

from migrate_async import HopSession, async_side, call_async, to_sync_url
from migrate_async.runtime.legacy.loop import CalledOnEventLoop
from support.databases import BACKENDS, fresh_database

pytestmark = pytest.mark.filterwarnings("ignore::migrate_async.LegacyShimWarning")


class Base(AsyncAttrs, DeclarativeBase):
    pass


class Owner(Base):
    __tablename__ = "owners"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(50), unique=True)
    cats: Mapped[list[Cat]] = relationship(back_populates="owner", order_by="Cat.id")


class Cat(Base):
    __tablename__ = "cats"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(50))
    owner_id: Mapped[int] = mapped_column(ForeignKey("owners.id"))
    owner: Mapped[Owner] = relationship(back_populates="cats")


async def named(db: AsyncSession, name: str) -> Owner | None:
    return (await db.execute(select(Owner).where(Owner.name == name))).scalar_one_or_none()


async def cats_of(owner: Owner) -> list[str]:
    return [cat.name for cat in await owner.awaitable_attrs.cats]


async def adopt(db: AsyncSession, name: str, *, owner: Owner) -> Cat:
    cat = Cat(name=name, owner=owner)
    db.add(cat)
    await db.commit()
    return cat


def added(session: Session, *names: str) -> Owner:
    owner = Owner(name="Ada", cats=[Cat(name=name) for name in names])
    session.add(owner)
    session.flush()
    return owner


@pytest.fixture(params=BACKENDS)
async def url(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    async with fresh_database(request.param, tmp_path) as url:
        yield url


@pytest.fixture
def session(url: str) -> Iterator[Session]:
    engine = create_engine(to_sync_url(url))
    Base.metadata.create_all(engine)
    with sessionmaker(engine)() as session:
        yield session
    engine.dispose()


def test_it_works_on_the_session_of_the_caller(session: Session) -> None:
    """One transaction: what nobody has committed is there; and one identity map."""
    owner = added(session, "Tom", "Kit")
    assert call_async(named, session, "Ada") is owner
    assert call_async(cats_of, owner) == ["Tom", "Kit"]
    session.rollback()
    assert call_async(named, db=session, name="Ada") is None


def test_a_commit_expires_what_the_caller_has(session: Session) -> None:
    owner = added(session)
    cat = call_async(adopt, session, "Tom", owner=owner)
    session.connection().execute(text("UPDATE cats SET name = 'Kit'"))
    assert cat.name == "Kit"
    assert [each.name for each in owner.cats] == ["Kit"]


def test_what_it_raises_is_raised(session: Session) -> None:
    """And the session can go on after a rollback."""

    async def again(db: AsyncSession) -> None:
        db.add(Owner(name="Ada"))
        await db.flush()

    added(session)
    session.commit()
    with pytest.raises(IntegrityError):
        call_async(again, session)
    session.rollback()
    assert call_async(named, session, "Ada") is not None


def test_all_that_a_session_does(session: Session) -> None:
    async def everything(db: AsyncSession) -> list[object]:
        async with db.begin_nested():
            db.add(Owner(id=7, name="Bob"))
        owner = await db.get(Owner, 7)
        assert owner is not None
        await db.refresh(owner)
        streamed = [found async for found in await db.stream_scalars(select(Owner.name))]
        in_sync = await db.run_sync(lambda sync: sync.scalar(select(Owner.id)))
        connected = await (await db.connection()).scalar(select(Owner.name))
        await db.delete(owner)
        return [owner.name, streamed, in_sync, connected, (await db.scalars(select(Owner))).all()]

    assert call_async(everything, session) == ["Bob", ["Bob"], 7, "Bob", []]


def test_it_stays_in_its_thread_and_may_wait() -> None:
    """What a task queue keeps for the thread is there, and so is what the coroutine has set."""
    here, variable = threading.local(), ContextVar("variable", default=0)
    here.value = "mine"

    async def slow() -> tuple[str, int]:
        await asyncio.sleep(0)
        variable.set(variable.get() + 1)
        return here.value, await asyncio.to_thread(variable.get)

    variable.set(1)
    assert call_async(slow) == ("mine", 2)
    assert variable.get() == 2
    with pytest.raises(RuntimeError, match="no running event loop"):
        asyncio.get_running_loop()


def test_what_it_leaves_running_is_ended() -> None:
    async def leave() -> asyncio.Task[None]:
        task = asyncio.ensure_future(asyncio.Event().wait())
        await asyncio.sleep(0)
        return task  # type: ignore[return-value]

    assert call_async(leave).cancelled()


def test_a_mock_in_the_place_of_the_coroutine_function() -> None:
    assert call_async(Mock(return_value=3)) == 3
    assert call_async(AsyncMock(return_value=3)) == 3


class Owners:
    def __init__(self, db: AsyncSession) -> None:
        self.db = db

    async def add(self, name: str) -> Owner:
        owner = Owner(name=name)
        self.db.add(owner)
        await self.db.commit()
        return owner


class Shelter:
    model = Owner

    def __init__(self, db: AsyncSession) -> None:
        self.kinds = [Owner, Cat.__table__]
        self.owners = Owners(db)

    async def first(self) -> Owner | None:
        return await named(self.owners.db, "Ada")


def test_objects_with_coroutines(session: Session) -> None:
    shelter = Shelter(async_side(session))
    assert async_side(session) is shelter.owners.db
    owner = call_async(shelter.owners.add, "Ada")
    assert owner in session
    assert call_async(shelter.first) is owner
    assert async_object_session(owner) is shelter.owners.db


def test_a_scoped_session(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path}/cats.db")
    Base.metadata.create_all(engine)
    registry = scoped_session(sessionmaker(engine))
    owner = added(registry())
    assert call_async(named, registry, "Ada") is owner
    registry.remove()
    engine.dispose()


def test_a_session_of_sqlmodel(tmp_path: Path) -> None:
    async def names(db: SQLModelAsyncSession) -> list[str]:
        assert isinstance(db, SQLModelAsyncSession)
        return list((await db.exec(sqlmodel_select(Owner.name))).all())

    engine = create_engine(f"sqlite:///{tmp_path}/cats.db")
    Base.metadata.create_all(engine)
    with SQLModelSession(engine) as session:
        added(session)
        assert call_async(names, session) == ["Ada"]
    engine.dispose()


@pytest.fixture
async def db(tmp_path: Path) -> AsyncIterator[AsyncSession]:
    engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path}/cats.db")
    factory = async_sessionmaker(engine, expire_on_commit=False, sync_session_class=HopSession)
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    async with factory() as session:
        yield session
    await engine.dispose()


async def adopted(db: AsyncSession, name: str, *, owner: Owner) -> list[str]:
    """What it has loaded stays loaded when it commits, or reading it would be refused."""
    cats = await owner.awaitable_attrs.cats
    await adopt(db, name, owner=owner)
    return [cat.name for cat in owner.cats if cat in cats]


def kept(session: Session) -> tuple[bool, list[str], list[str]]:
    """Code that stays sync, in a request."""
    owner = added(session)
    is_it = call_async(named, session, "Ada") is owner
    cats = call_async(adopted, session, "Tom", owner=owner)
    session.execute(text("UPDATE cats SET name = 'Kit'"))
    call_async(adopt, session, "Sam", owner=owner)
    return is_it, cats, [cat.name for cat in owner.cats]


@pytest.mark.parametrize("place", ["greenlet", "thread"])
async def test_objects_in_a_request(db: AsyncSession, place: str) -> None:
    """The session tells on which event loop: that of an object, or of what it keeps."""
    shelter = Shelter(db)

    def work() -> list[str]:
        owner = call_async(shelter.owners.add, "Ada")
        assert call_async(shelter.first) is owner
        return call_async(cats_of, owner)

    if place == "greenlet":
        assert await db.run_sync(lambda _: work()) == []
    else:
        assert await asyncio.to_thread(work) == []


@pytest.mark.parametrize("place", ["greenlet", "thread"])
async def test_in_a_request(db: AsyncSession, place: str) -> None:
    """On the event loop of the request, and its commit expires what the caller has."""
    if place == "greenlet":
        found = await db.run_sync(kept)
    else:
        found = await asyncio.to_thread(kept, db.sync_session)
    assert found == (True, ["Tom"], ["Kit", "Sam"])
    owner = await named(db, "Ada")
    assert owner is not None
    await db.commit()
    assert owner.name == "Ada"  # a commit of converted code expires nothing


async def test_on_an_event_loop(tmp_path: Path) -> None:
    """On a sync session nothing waits; for anything else there is `await`."""

    async def wait(db: AsyncSession) -> None:
        await asyncio.sleep(0)

    engine = create_engine(f"sqlite:///{tmp_path}/cats.db")
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        owner = added(session)
        assert call_async(named, session, "Ada") is owner
        with pytest.raises(CalledOnEventLoop):
            call_async(wait, session)
    engine.dispose()
