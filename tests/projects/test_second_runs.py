"""Second runs over functions that stay coloured, as they await a coroutine that stays sync.

What the first run wrote for objects that a commit, a rollback or a flush expires is not written
once more. The code is executed before and after.
"""

from __future__ import annotations

from pathlib import Path

from support.migration import printed_anew, tree, write, written

_DB = """\
from sqlalchemy import ForeignKey, create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship, sessionmaker

engine = create_engine("sqlite:///app.db")
SessionLocal = sessionmaker(bind=engine)


class Base(DeclarativeBase):
    pass


class Order(Base):
    __tablename__ = "orders"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    items: Mapped[list["Item"]] = relationship()


class Item(Base):
    __tablename__ = "items"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"))


Base.metadata.create_all(engine)


def get_db():
    with SessionLocal() as db:
        yield db
"""

_WORK = """\
import asyncio

from sqlalchemy.orm import Session

from db import Order


async def describe(order: Order) -> list[str]:
    await asyncio.sleep(0)
    return [item.name for item in order.items]


async def attempt(db: Session, order: Order) -> list[str]:
    try:
        return await describe(order)
    finally:
        db.rollback()
"""

_SEED = """\
import asyncio

from db import Item, Order, SessionLocal
from work import describe

with SessionLocal() as session:
    session.add(Order(name="one", items=[Item(name="a"), Item(name="b")]))
    session.commit()
    order = session.query(Order).first()
    print(asyncio.run(describe(order)))
"""

_MAIN = """\
from fastapi import Depends, FastAPI
from sqlalchemy import update
from sqlalchemy.orm import Session

from db import Item, Order, get_db
from work import attempt, describe

app = FastAPI()


def rename(db: Session, order: Order, name: str) -> None:
    order.name = name
    db.commit()


@app.post("/rolled-back")
async def rolled_back(db: Session = Depends(get_db)):
    order = db.query(Order).order_by(Order.id).first()
    items = await attempt(db, order)
    return [order.name, items]


@app.post("/lists")
async def lists(db: Session = Depends(get_db)):
    orders = db.query(Order).order_by(Order.id).all()
    other = db.query(Item).first()
    items = await describe(orders[0])
    db.rollback()
    return [[order.name for order in orders], other.name, items]


@app.post("/committed")
async def committed(name: str, db: Session = Depends(get_db)):
    order = db.query(Order).order_by(Order.id).first()
    items = await describe(order)
    order.name = name
    db.commit()
    found = [order.name]
    rename(db, order, name + "!")
    found.append(order.name)
    db.expire_all()
    found.append(order.name)
    order.name = Order.name + "?"
    db.flush()
    found.append(order.name)
    db.execute(update(Order).values(name=Order.name + "*"))
    found.append(order.name)
    db.expire(order, ["name"])
    found.append(order.name)
    db.add(Item(name="c", order_id=order.id))
    db.commit()
    return [found, items, await describe(order)]


@app.post("/tried")
async def tried(name: str, db: Session = Depends(get_db)):
    order = db.query(Order).order_by(Order.id).first()
    try:
        rename(db, order, name)
        items = await describe(order)
        db.add(Order(id=order.id, name="twice"))
        db.commit()
    except Exception:
        db.rollback()
        return [order.name]
    return items


@app.post("/looped")
async def looped(db: Session = Depends(get_db)):
    found = []
    for order in db.query(Order).all():
        found += await describe(order)
        db.rollback()
        found.append(order.name)
        for item in order.items:
            item.name += "."
        db.commit()
        found += [item.name for item in order.items]
    return found
"""

_USE = """
import warnings
warnings.simplefilter("ignore")
import seed
from fastapi.testclient import TestClient
from main import app
with TestClient(app) as client:
    for path in ("rolled-back", "lists", "committed?name=x", "tried?name=y", "looped"):
        print(client.post("/" + path).text)
"""


def test_they_change_nothing(tmp_path: Path) -> None:
    files = {"db.py": _DB, "work.py": _WORK, "seed.py": _SEED, "main.py": _MAIN}
    written(tmp_path, {**files, "pyproject.toml": ""})
    before = printed_anew(tmp_path, _USE)
    assert '[["x","x!","x!","x!?","x!?*","x!?*"],["a","b"],["a","b","c"]]' in before
    write(tmp_path, "--all")
    assert "@implicit_io\nasync def describe(" in (tmp_path / "work.py").read_text()
    main = (tmp_path / "main.py").read_text()
    assert "await order.awaitable_attrs.id" in main
    assert 'await db.refresh(order, ["name"])' in main
    assert printed_anew(tmp_path, _USE) == before
    after = tree(tmp_path)
    write(tmp_path, "--all", "--allow-dirty")
    assert tree(tmp_path) == after
