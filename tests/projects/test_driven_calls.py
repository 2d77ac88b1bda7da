"""`--keep-async`: helpers convert, and the sync code that calls them, too, runs them."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.fixture_apps import fixture_app
from support.migration import command, copy_of, printed_anew, tree, write, written
from support.route_by_route import at_once, complaints, in_random_order

DATABASE = """\
from sqlalchemy import Column, ForeignKey, Integer, String, create_engine
from sqlalchemy.orm import declarative_base, relationship, sessionmaker

engine = create_engine("sqlite:///app.db")
SessionLocal = sessionmaker(engine)
Base = declarative_base()


class User(Base):
    __tablename__ = "users"

    id = Column(Integer, primary_key=True)
    name = Column(String, unique=True)
    orders = relationship("Order", back_populates="user", order_by="Order.id")


class Order(Base):
    __tablename__ = "orders"

    id = Column(Integer, primary_key=True)
    total = Column(Integer)
    user_id = Column(Integer, ForeignKey("users.id"))
    user = relationship("User", back_populates="orders")


def get_db():
    db = SessionLocal()
    try:
        yield db
    finally:
        db.close()
"""
CRUD = """\
import time
from contextlib import contextmanager

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.database import Order, SessionLocal, User


class Users:
    model = User

    def get(self, db: Session, id: int):
        return db.query(self.model).filter(self.model.id == id).first()

    @staticmethod
    def named(db: Session, name: str):
        return db.query(User).filter(User.name == name).first()


users = Users()


def add_user(db: Session, name: str) -> User:
    user = User(name=name)
    db.add(user)
    try:
        db.commit()
    except IntegrityError:
        db.rollback()
        return users.named(db, name)
    time.sleep(0)
    return user


def order(db: Session, user: User, total: int = 1) -> Order:
    found = Order(user=user, total=total)
    db.add(found)
    db.flush()
    return found


def spent(user: User, *, session: Session) -> int:
    again = users.get(session, user.id)
    return sum(order.total for order in again.orders)


def report(db: Session) -> list[str]:
    found = []
    for user in db.query(User).order_by(User.id):
        found.append(f"{user.name}: {spent(user, session=db)}")
    return found


def count() -> int:
    with SessionLocal() as db:
        return db.query(User).count()


def summary(db: Session) -> str:
    return f"{count()} users, {len(report(db))} lines"


@contextmanager
def unit():
    db = SessionLocal()
    try:
        yield db
        db.commit()
    finally:
        db.close()


def note(name: str, db=None):
    if db is not None:
        return add_user(db, name).name
    with unit() as own:
        own.add(User(name=name))
    return "noted"
"""
SERVICES = """\
from sqlalchemy.orm import Session

from app.database import Order, User


class Orders:
    def __init__(self, session: Session):
        self.session = session

    def add(self, order: Order) -> Order:
        self.session.add(order)
        self.session.commit()
        return order

    def of(self, user: User) -> list:
        return self.session.query(Order).filter(Order.user_id == user.id).order_by(Order.id).all()


class Audited(Orders):
    def add(self, order: Order) -> Order:
        order.total = order.total + 100
        return super().add(order)


class Shop:
    def __init__(self, db: Session):
        self.db = db
        self.orders = Audited(db)

    def sell(self, id: int, total: int) -> list:
        user = self.db.get(User, id)
        self.orders.add(Order(user=user, total=total))
        return [order.total for order in user.orders]


def best(shop: Shop, user: User) -> int:
    return max(order.total for order in shop.orders.of(user))


class Ledger:
    def __init__(self, db: Session):
        self.db = db

    def lines(self) -> int:
        return self.db.query(Order).count()


class Names:
    def __init__(self, db: Session):
        self.db = db

    def all(self) -> list:
        return [user.name for user in self.db.query(User).order_by(User.id)]


class Rates:
    def __init__(self, db: Session):
        self.db = db

    def highest(self) -> int:
        return self.db.query(Order).order_by(Order.total.desc()).first().total


def new_rates(db: Session) -> Rates:
    return Rates(db)


class Report:
    def __init__(self, db: Session, rates: Rates):
        self.db = db
        self.rates = rates

    def lines(self) -> list:
        with self.db.connection().connection.cursor() as cursor:
            return [cursor, self.rates.highest()]


def nobodys_report(db: Session) -> list:
    rates = Rates(db)
    return Report(db, rates).lines()
"""
TASKS = """\
import click
from celery import Celery

from app import crud
from app.database import Order, SessionLocal, User
from app.services import Ledger, Orders, Shop, best, new_rates

celery = Celery("app")


@celery.task
def bill(name: str) -> dict:
    with SessionLocal() as db:
        user = crud.add_user(db, name)
        same = crud.add_user(db, name)
        first = crud.order(db, user)
        crud.order(db, crud.users.get(db, same.id), total=crud.spent(user, session=db) + 1)
        db.commit()
        totals = [crud.spent(each, session=db) for each in (user, same)]
        return {
            "same": user is same,
            "first": first.total,
            "orders": [order.total for order in user.orders],
            "totals": totals,
            "name": crud.users.named(db=db, name=name).name,
        }


@celery.task
def sell(id: int):
    with SessionLocal() as db:
        shop = Shop(db)
        found = shop.sell(id, 5)
        first = shop.orders.add(Order(user_id=id, total=9))
        user = db.get(User, id)
        plain = Orders(session=db).of(user)
        ledger = Ledger(db)
        ledger.db.commit()
        return [found, first.total, len(plain), best(shop, user), ledger.lines()]


@celery.task
def rate() -> int:
    crud.note("Rater")
    with SessionLocal() as db:
        return new_rates(db).highest()


@click.command()
def lines():
    with SessionLocal() as db:
        show(db, report=lambda: crud.report(db))
        click.echo(f"of {crud.spent(crud.users.get(db, 1), session=db)}")
        click.echo(crud.summary(db))


def show(db, report):
    for line in report():
        click.echo(line)
    click.echo(str(len(crud.report(db))))
"""
MAIN = """\
from fastapi import Depends, FastAPI
from sqlalchemy.orm import Session

from app import crud, services
from app.database import Order, User, get_db
from app.services import Ledger, Orders, Shop, best, new_rates

app = FastAPI()


@app.get("/users/{id}")
def user(id: int, db: Session = Depends(get_db)):
    found = crud.users.get(db, id)
    return {"name": found.name, "spent": crud.spent(found, session=db)}


@app.post("/users")
def add(name: str, db: Session = Depends(get_db)):
    user = crud.add_user(db, name)
    crud.order(db, user, 3)
    db.commit()
    return {"id": user.id, "orders": [order.total for order in user.orders]}


def get_shop(db: Session = Depends(get_db)) -> Shop:
    return Shop(db)


@app.post("/users/{id}/orders")
def sell(id: int, shop: Shop = Depends(get_shop), db: Session = Depends(get_db)):
    sold = shop.sell(id, 1)
    orders = Orders(db).of(crud.users.get(db, id))
    counted = [Ledger(db).lines(), new_rates(db).highest()]
    return {"sold": sold, "orders": len(orders), "best": best(shop, orders[0].user), "n": counted}


@app.post("/each")
def each(shop: Shop = Depends(get_shop)):
    first, second = (shop.orders.add(Order(user_id=1, total=n)) for n in (1, 2))
    return [first.total, second.user.name]


@app.post("/notes")
def notes(db: Session = Depends(get_db)):
    return [crud.note("Note", db), crud.note("Own")]


@app.get("/report")
def report(db: Session = Depends(get_db)):
    return [crud.report(db), crud.summary(db), services.Names(db).all()]


class Names:
    def __getitem__(self, db):
        user = crud.add_user(db, "Eve")
        first = crud.order(db, user, 7)
        crud.add_user(db, "Eve")
        return [crud.users.named(db, "Eve").name, first.total, len(user.orders)]


@app.get("/kept")
def kept(db: Session = Depends(get_db)):
    return Names()[db]
"""
SCRIPT = """\
from app import crud
from app.database import SessionLocal
from app.services import Names

if __name__ == "__main__":
    db = SessionLocal()
    print(crud.report(db), Names(db).all())
    db.close()
"""
CELERY = """\
class Celery:
    def __init__(self, name): ...

    def task(self, function):
        return function
"""
FILES = {
    "pyproject.toml": "[project]\nname = 'app'\nversion = '0'\n[tool.ruff]\nline-length = 88\n",
    "app/__init__.py": "",
    "app/database.py": DATABASE,
    "app/crud.py": CRUD,
    "app/services.py": SERVICES,
    "app/tasks.py": TASKS,
    "app/main.py": MAIN,
    "app/script.py": SCRIPT,
    # A stand-in for the library, which needs a broker.
    "celery.py": CELERY,
}
DRIVE = """\
import runpy
from click.testing import CliRunner
from fastapi.testclient import TestClient

from app import database, tasks
from app.main import app

database.Base.metadata.create_all(getattr(database, "sync_engine", database.engine))
with TestClient(app) as client:
    print(tasks.bill("Ada"))
    print(client.get("/users/1").json(), client.post("/users", params={"name": "Bob"}).json())
    print(tasks.sell(1), client.post("/users/1/orders").json(), tasks.rate())
    print(client.post("/notes").json(), client.post("/each").json())
    print(client.get("/report").json(), client.get("/kept").json(), client.get("/kept").json())
print(CliRunner().invoke(tasks.lines, catch_exceptions=False).output)
runpy.run_module("app.script", run_name="__main__")
"""


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> str:
    return printed_anew(written(tmp_path_factory.mktemp("legacy"), FILES), DRIVE)


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All of it migrated at once."""
    app = written(tmp_path_factory.mktemp("once"), FILES)
    write(app, "--all", "--keep-async")
    return app


def test_tasks_commands_and_scripts_run_what_has_converted(once: Path, answers: str) -> None:
    crud, tasks = (once / "app/crud.py").read_text(), (once / "app/tasks.py").read_text()
    for name in ("get(self, ", "named(", "add_user(", "order(", "spent(", "report("):
        assert f"async def {name}" in crud
    assert "user = call_async(crud.add_user, db, name)" in tasks
    assert "            call_async(crud.users.get, db, same.id),\n" in tasks
    assert "report=lambda: call_async(crud.report, db)" in tasks
    assert printed_anew(once, DRIVE) == answers
    assert command(once, "verify").stdout == "Nothing found.\n"


def test_objects_of_tasks_keep_an_async_side(once: Path) -> None:
    """Also those that a helper makes; not where sync code works on their session itself."""
    services, tasks = (once / "app/services.py").read_text(), (once / "app/tasks.py").read_text()
    assert "shop = Shop(async_side(db))\n        found = call_async(shop.sell, id, 5)" in tasks
    assert "call_async(Orders(session=async_side(db)).of, user)" in tasks
    assert services.count("def __init__(self, db: AsyncSession):\n") == 2
    assert services.count("def __init__(self, session: AsyncSession):\n") == 1
    assert "ledger = Ledger(db)\n        ledger.db.commit()" in tasks
    assert "return call_async(new_rates(async_side(db)).highest)" in tasks
    assert "    def lines(self) -> int:" in services


def test_a_route_that_stays_has_its_objects_of_a_dependency(once: Path) -> None:
    """Their session is that of the request, and loads what the route reads in its thread."""
    main, database = (once / "app/main.py").read_text(), (once / "app/database.py").read_text()
    assert "(call_async(shop.orders.add, Order(user_id=1, total=n)) for n in (1, 2))" in main
    assert "HopSession" in database


def test_what_opens_a_session_of_its_own_is_not_called_so(once: Path) -> None:
    """It would be an async one, in a loop of its own."""
    crud = (once / "app/crud.py").read_text()
    assert "\ndef count() -> int:\n    with SyncSessionLocal() as db:" in crud
    assert "\ndef summary(db: Session) -> str:\n" in crud
    assert "    with unit() as own:\n" in crud
    assert "{len(call_async(report, db))} lines" in crud


def test_a_second_run_changes_nothing(once: Path) -> None:
    before = tree(once)
    write(once, "--all", "--keep-async")
    assert tree(once) == before
    write(once, "--all")
    assert tree(once) == before


@pytest.mark.parametrize(
    "first",
    ["GET /users/{id}", "POST /users", "GET /report", "POST /users/{id}/orders", "POST /notes"],
)
def test_each_route_at_a_time(first: str, once: Path, answers: str, tmp_path: Path) -> None:
    app = written(tmp_path, FILES)
    write(app, "--route", first, "--keep-async")
    assert printed_anew(app, DRIVE) == answers
    write(app, "--all", "--keep-async")
    assert tree(app) == tree(once)


def test_what_becomes_a_coroutine_awaits(once: Path, tmp_path: Path) -> None:
    """As soon as nobody calls the task without `await`."""
    app = written(tmp_path, {path: data.decode() for path, data in tree(once).items()})
    tasks = (app / "app/tasks.py").read_text().replace("@celery.task\ndef", "async def")
    (app / "app/tasks.py").write_text(tasks)
    write(app, "--all")
    text = (app / "app/tasks.py").read_text()
    assert "    async with SessionLocal() as db:\n        user = await crud.add_user(" in text
    assert "            await crud.users.get(db, same.id),\n" in text


def test_by_default_helpers_of_sync_code_stay_sync(tmp_path: Path) -> None:
    app = written(tmp_path, FILES)
    write(app, "--all")
    assert "call_async" not in (app / "app/tasks.py").read_text()
    assert "def spent(user: User, *, session: Session)" in (app / "app/crud.py").read_text()


@pytest.mark.parametrize(
    ("name", "seed"),
    [("celery_style_tasks", 2), ("commands", 1), ("services_over_repositories", 1)],
)
def test_every_state_runs_and_any_order_ends_alike(name: str, seed: int, tmp_path: Path) -> None:
    app = fixture_app(f"small/{name}")
    folder = copy_of(app.before, tmp_path / "steps")
    for step in in_random_order(folder, seed, keep="async"):
        assert complaints(app, folder) == "", step
    assert tree(folder) == at_once(app, tmp_path / "once", keep="async")
    assert command(folder, "verify").stdout == "Nothing found.\n"
