"""After a commit, a load that meets an object gives what it would after one of a sync session.

Each case runs on an ordinary session, which expires at commit, and on one that expires late.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest
import sqlmodel
from sqlalchemy import Engine, ForeignKey, create_engine, func, select, text, update
from sqlalchemy.ext.asyncio import (
    AsyncAttrs,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    Session,
    joinedload,
    mapped_column,
    relationship,
    selectinload,
)
from sqlmodel.ext.asyncio.session import AsyncSession as SQLModelSession

from migrate_async import HopSession, LateExpirySession, expire_late, sync_side


class Base(AsyncAttrs, DeclarativeBase):
    pass


class Cart(Base):
    __tablename__ = "carts"
    id: Mapped[int] = mapped_column(primary_key=True)
    note: Mapped[str] = mapped_column(default="")
    count: Mapped[int] = mapped_column(default=0)
    lines: Mapped[list[Line]] = relationship(back_populates="cart", order_by="Line.id")


class Line(Base):
    __tablename__ = "lines"
    id: Mapped[int] = mapped_column(primary_key=True)
    cart_id: Mapped[int] = mapped_column(ForeignKey("carts.id"))
    cart: Mapped[Cart] = relationship(back_populates="lines")


COUNT = (
    "CREATE TRIGGER counting AFTER INSERT ON lines BEGIN "
    "UPDATE carts SET count = count + 1 WHERE id = NEW.cart_id; END"
)
Case = Callable[[Session], object]


def _by(statement: object) -> Case:
    def case(db: Session) -> object:
        held = db.get_one(Cart, 1)
        before = len(held.lines)
        db.add(Line(cart_id=1))
        db.commit()
        cart = db.scalars(statement).unique().one()  # type: ignore[call-overload]
        return before, cart is held, cart.count, [line.id for line in cart.lines]

    return case


ONE = select(Cart).where(Cart.id == 1)


def _get(db: Session) -> object:
    held = db.get_one(Cart, 1)
    before = len(held.lines)
    db.add(Line(cart_id=1))
    db.commit()
    cart = db.get_one(Cart, 1)
    return before, cart is held, cart.count, len(cart.lines)


def _get_what_is_gone(db: Session) -> object:
    held = db.get_one(Cart, 1)
    db.commit()
    db.execute(text("DELETE FROM carts"))
    return held is not None, db.get(Cart, 1)


def _lazily(db: Session) -> object:
    held = db.get_one(Cart, 1)
    before = len(held.lines)
    db.add(Line(id=8, cart_id=1))
    db.commit()
    line = db.scalars(select(Line).where(Line.id == 8)).one()
    return before, line.cart is held, line.cart.count, len(line.cart.lines)


def _merge(db: Session) -> object:
    held = db.get_one(Cart, 1)
    db.commit()
    db.execute(text("UPDATE carts SET count = 7"))
    merged = db.merge(Cart(id=1, note="merged"))
    return merged is held, merged.note, merged.count


def _changed_since(db: Session) -> object:
    held = db.get_one(Cart, 1)
    db.commit()
    db.execute(text("UPDATE carts SET note = 'theirs', count = 7"))
    with db.no_autoflush:
        held.note = "mine"
        cart = db.scalars(ONE).one()
        seen = cart.note, cart.count
    db.commit()
    return seen, db.scalar(text("SELECT note FROM carts"))


def _flushed_since(db: Session) -> object:
    """What was flushed in this transaction is kept, as it would be."""
    held = db.get_one(Cart, 1)
    db.commit()
    held.note = "mine"
    db.flush()
    db.execute(text("UPDATE carts SET note = upper(note)"))
    return db.scalars(ONE).one().note


def _within_a_transaction(db: Session) -> object:
    """Nothing is committed: the object stays as it is, on both."""
    held = db.get_one(Cart, 1)
    before = len(held.lines)
    db.execute(text("UPDATE carts SET count = 7"))
    db.add(Line(cart_id=1))
    db.flush()
    cart = db.scalars(ONE).one()
    return before, cart.count, len(cart.lines)


def _once(db: Session) -> object:
    """What was loaded since the commit stays as it is, too."""
    held = db.get_one(Cart, 1)
    db.commit()
    db.scalars(ONE).one()
    db.execute(text("UPDATE carts SET count = 7"))
    return held.count, db.scalars(ONE).one().count


def _refreshed(db: Session) -> object:
    held = db.get_one(Cart, 1)
    db.commit()
    db.refresh(held)
    db.execute(text("UPDATE carts SET count = 7"))
    return db.scalars(ONE).one().count


def _expired(db: Session) -> object:
    held = db.get_one(Cart, 1)
    db.commit()
    db.expire(held)
    first = held.count
    db.execute(text("UPDATE carts SET count = 7"))
    return first, db.scalars(ONE).one().count


def _partly_refreshed(db: Session) -> object:
    held = db.get_one(Cart, 1)
    db.commit()
    db.refresh(held, ["note"])
    db.execute(text("UPDATE carts SET note = 'theirs', count = 7"))
    cart = db.scalars(ONE).one()
    return cart.note, cart.count


def _rolled_back(db: Session) -> object:
    db.get_one(Cart, 1)
    db.commit()
    held = db.get_one(Cart, 1)
    db.rollback()
    first = held.count
    db.execute(text("UPDATE carts SET count = 7"))
    return first, db.scalars(ONE).one().count


def _savepoint(db: Session) -> object:
    """The end of a savepoint expires nothing."""
    held = db.get_one(Cart, 1)
    with db.begin_nested():
        db.execute(text("UPDATE carts SET count = 7"))
    inside = db.scalars(ONE).one().count
    db.commit()
    return held is not None, inside, db.scalars(ONE).one().count


def _with_begin(db: Session) -> object:
    db.rollback()
    with db.begin():
        held = db.get_one(Cart, 1)
    with db.begin():
        db.execute(text("UPDATE carts SET count = 7"))
        return held is not None, db.scalars(ONE).one().count


def _bulk(db: Session) -> object:
    held = db.get_one(Cart, 1)
    db.execute(update(Cart).values(count=7), execution_options={"synchronize_session": False})
    before = db.scalars(ONE).one().count
    db.commit()
    return held is not None, before, db.scalars(ONE).one().count


def _closed(db: Session) -> object:
    held = db.get_one(Cart, 1)
    db.commit()
    db.close()
    cart = db.get_one(Cart, 1)
    db.execute(text("UPDATE carts SET count = 7"))
    return cart is held, db.scalars(ONE).one().count


def _columns(db: Session) -> object:
    held = db.get_one(Cart, 1)
    db.commit()
    db.execute(text("UPDATE carts SET count = 7"))
    return held is not None, db.execute(select(Cart.id, Cart.count)).one() == (1, 7)


CASES = {
    "select": _by(ONE),
    "selectinload": _by(ONE.options(selectinload(Cart.lines))),
    "joinedload": _by(ONE.options(joinedload(Cart.lines))),
    "get": _get,
    "get-what-is-gone": _get_what_is_gone,
    "lazy-load": _lazily,
    "merge": _merge,
    "changed-since": _changed_since,
    "flushed-since": _flushed_since,
    "within-a-transaction": _within_a_transaction,
    "once": _once,
    "refreshed": _refreshed,
    "partly-refreshed": _partly_refreshed,
    "expired": _expired,
    "rolled-back": _rolled_back,
    "savepoint": _savepoint,
    "begin": _with_begin,
    "bulk": _bulk,
    "closed": _closed,
    "columns": _columns,
}


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    made = create_engine(f"sqlite:///{tmp_path}/carts.db")
    yield made
    made.dispose()


def _fresh(engine: Engine) -> None:
    Base.metadata.drop_all(engine)
    Base.metadata.create_all(engine)
    with engine.begin() as connection:
        connection.execute(text(COUNT))
        connection.execute(text("INSERT INTO carts (id, note, count) VALUES (1, 'old', 0)"))
        connection.execute(text("INSERT INTO lines (id, cart_id) VALUES (1, 1)"))


@pytest.mark.parametrize("name", CASES)
def test_a_load_after_a_commit_gives_what_a_sync_session_gives(name: str, engine: Engine) -> None:
    answers = []
    for made in (Session(engine), LateExpirySession(engine, expire_on_commit=False)):
        _fresh(engine)
        with made as db:
            answers.append(CASES[name](db))
    assert answers[1] == answers[0]


def test_the_cases_tell_such_a_session_from_one_that_never_expires(engine: Engine) -> None:
    differing = []
    for name, case in CASES.items():
        answers = []
        for expires in (True, False):
            _fresh(engine)
            with Session(engine, expire_on_commit=expires) as db:
                answers.append(case(db))
        if answers[0] != answers[1]:
            differing.append(name)
    assert {"select", "selectinload", "joinedload", "get", "lazy-load", "merge"} <= {*differing}


# --- on the event loop ----------------------------------------------------------------------------


@pytest.fixture
async def db(engine: Engine, tmp_path: Path) -> AsyncIterator[AsyncSession]:
    _fresh(engine)
    made = create_async_engine(f"sqlite+aiosqlite:///{tmp_path}/carts.db")
    factory = async_sessionmaker(made, expire_on_commit=False, sync_session_class=LateExpirySession)
    async with factory() as session:
        yield session
    await made.dispose()


async def test_attributes_stay_readable_until_a_load_meets_the_object(db: AsyncSession) -> None:
    held = await db.get_one(Cart, 1)
    lines = await held.awaitable_attrs.lines
    db.add(Line(cart_id=1))
    await db.commit()
    assert (held.count, lines, held.lines) == (1, lines, lines)
    cart = (await db.scalars(ONE)).one()
    assert cart is held
    assert held.count == 2
    assert len(await held.awaitable_attrs.lines) == 2


async def test_a_lookup_that_may_not_load_leaves_the_object_readable(db: AsyncSession) -> None:
    """Setting a relationship looks for the old value, without SQL."""
    held = await db.get_one(Cart, 1)
    line = await db.get_one(Line, 1)
    db.add(Cart(id=2))
    await db.commit()
    line.cart = await db.get_one(Cart, 2)
    assert held.note == "old"


async def test_merged_objects_are_readable(db: AsyncSession) -> None:
    await db.get_one(Cart, 1)
    await db.commit()
    await db.execute(update(Cart).values(count=7).execution_options(synchronize_session=False))
    merged = await db.merge(Cart(id=1, note="merged"))
    assert (merged.note, merged.count) == ("merged", 7)


async def test_sessions_that_threads_use_expire_late_as_well(db: AsyncSession) -> None:
    side = sync_side(db)
    assert isinstance(side, HopSession)
    held = await db.get_one(Cart, 1)
    db.add(Line(cart_id=1))
    await db.commit()
    count = await db.run_sync(
        lambda session: session.scalar(select(func.count()).select_from(Line))
    )
    assert (held.count, count) == (1, 2)
    assert (await db.scalars(ONE)).one().count == 2


async def test_a_session_that_is_lent_keeps_its_marks(db: AsyncSession) -> None:
    held = await db.get_one(Cart, 1)
    db.add(Line(cart_id=1))
    await db.commit()
    sync_side(db)
    assert (await db.scalars(ONE)).one() is held
    assert held.count == 2


@pytest.mark.parametrize("lends", [False, True])
async def test_sessions_of_sqlmodel_expire_late(
    tmp_path: Path, engine: Engine, lends: bool
) -> None:
    _fresh(engine)
    one = sqlmodel.select(Cart).where(Cart.id == 1)
    made = create_async_engine(f"sqlite+aiosqlite:///{tmp_path}/carts.db")
    async with expire_late(SQLModelSession(made, expire_on_commit=False)) as session:
        if lends:
            sync_side(session)
        held = (await session.exec(one)).one()
        session.add(Line(cart_id=1))
        await session.commit()
        assert held.count == 1
        assert (await session.exec(one)).one() is held
        assert held.count == 2
    await made.dispose()


class Client(Base):
    __tablename__ = "clients"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


class Project(Base):
    __tablename__ = "projects"
    id: Mapped[int] = mapped_column(primary_key=True)
    seen: Mapped[bool] = mapped_column(default=False)
    client_id: Mapped[int] = mapped_column(ForeignKey("clients.id"))
    client: Mapped[Client] = relationship(lazy="selectin", join_depth=10)
    quotes: Mapped[list[Quote]] = relationship(back_populates="project")


class Quote(Base):
    __tablename__ = "quotes"
    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id"))
    project: Mapped[Project] = relationship(back_populates="quotes", lazy="selectin", join_depth=10)


async def test_a_refresh_keeps_what_the_mapping_loads(tmp_path: Path) -> None:
    """The loads of a refresh meet the object itself, and must not expire it again."""
    engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path}/refreshed.db")
    factory = async_sessionmaker(
        engine, expire_on_commit=False, sync_session_class=LateExpirySession
    )
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    async with factory() as db:
        db.add(Project(client=Client(name="Ada"), quotes=[Quote()]))
        await db.commit()
    async with factory() as db:
        query = select(Project).options(joinedload(Project.client), joinedload(Project.quotes))
        project = (await db.execute(query)).unique().scalar_one()
        project.seen = True
        await db.commit()
        await db.refresh(project)
        assert project.client.name == "Ada"
    await engine.dispose()


# --- what was loaded stays loaded -----------------------------------------------------------------


class Shelf(Base):
    __tablename__ = "shelves"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    boxes: Mapped[list[Box]] = relationship(back_populates="shelf")


class Box(Base):
    __tablename__ = "boxes"
    id: Mapped[int] = mapped_column(primary_key=True)
    shelf_id: Mapped[int] = mapped_column(ForeignKey("shelves.id"))
    shelf: Mapped[Shelf] = relationship(back_populates="boxes", lazy="selectin")
    items: Mapped[list[Item]] = relationship(back_populates="box")


class Item(Base):
    __tablename__ = "items"
    id: Mapped[int] = mapped_column(primary_key=True)
    count: Mapped[int] = mapped_column(default=0)
    box_id: Mapped[int] = mapped_column(ForeignKey("boxes.id"))
    box: Mapped[Box] = relationship(back_populates="items")


async def _refresh(db: AsyncSession, item: Item) -> None:
    await db.refresh(item)


async def _query(db: AsyncSession, _item: Item) -> None:
    (await db.scalars(select(Item))).all()


async def _get_item(db: AsyncSession, _item: Item) -> None:
    await db.get(Item, 1)


async def _get_box(db: AsyncSession, _item: Item) -> None:
    await db.get(Box, 1)


async def _await(db: AsyncSession, item: Item) -> None:
    await item.awaitable_attrs.box


async def _merge_item(db: AsyncSession, _item: Item) -> None:
    await db.merge(Item(id=1, count=5))


async def _from_above(db: AsyncSession, _item: Item) -> None:
    (await db.scalars(select(Shelf).options(selectinload(Shelf.boxes)))).all()


@pytest.mark.parametrize("kind", [LateExpirySession, HopSession])
@pytest.mark.parametrize(
    "meet", [_refresh, _query, _get_item, _get_box, _await, _merge_item, _from_above]
)
async def test_relationships_that_were_loaded_can_be_read_after_a_load_met_the_object(
    kind: type[Session],
    meet: Callable[[AsyncSession, Item], Awaitable[None]],
) -> None:
    """Code on the event loop read them before the commit, and reads them again without an await."""
    engine = create_async_engine("sqlite+aiosqlite://")
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    factory = async_sessionmaker(engine, expire_on_commit=False, sync_session_class=kind)
    async with factory() as db:
        db.add(Shelf(name="top", boxes=[Box(items=[Item()])]))
        await db.commit()
    async with factory() as db:
        statement = select(Item).options(selectinload(Item.box).selectinload(Box.items))
        item = (await db.scalars(statement)).one()
        item.count += 1
        db.add(Item(box_id=1))
        await db.commit()
        await meet(db, item)
        assert item.box.shelf.name == "top"
        assert len(item.box.items) in (1, 2), "as fresh as the load that met the box"
    await engine.dispose()
