"""What a plan says does not depend on where in memory things lie, which orders sets of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec
import pytest

from migrate_async.config import Settings
from migrate_async.index.scopes import Class, Function
from migrate_async.index.sites import CallSite
from migrate_async.index.types import describe
from migrate_async.model.plan import Step
from migrate_async.model.syntax import Node
from migrate_async.plan.planner import make_plan
from support.fixture_apps import FixtureApp, fixture_apps
from support.projects import find_call, project

SALTS = (3, 5)
APPS = fixture_apps()

LOADS = """
from sqlalchemy import Column, ForeignKey, Integer, create_engine
from sqlalchemy.orm import Session, declarative_base, sessionmaker

engine = create_engine("sqlite:///x.db")
SessionLocal = sessionmaker(bind=engine)
Base = declarative_base()
{models}

def load(db: Session):
    return {loads}


def renumber(db: Session):
    kept = load(db)
    db.commit()
    load(db)
    return kept
"""
MODEL = """
class Model{0}(Base):
    __tablename__ = "t{0}"
    id = Column(Integer, primary_key=True)
"""


@pytest.fixture
def salted(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Hashes as if all objects lay elsewhere."""

    def salt_all(salt: int) -> None:
        def salted_hash(self: object) -> int:
            return hash((id(self), salt)) * salt

        for kind in (Class, Function, CallSite, *_kinds(Node)):
            monkeypatch.setattr(kind, "__hash__", salted_hash)

    return salt_all


def _kinds(kind: type[Node]) -> Iterator[type[Node]]:
    for below in kind.__subclasses__():
        yield below
        yield from _kinds(below)


@pytest.mark.parametrize("app", APPS, ids=[app.name for app in APPS])
def test_applications(app: FixtureApp, salted: Callable[[int], None]) -> None:
    files = {
        path.relative_to(app.before).as_posix(): path.read_text("utf-8")
        for path in sorted(app.before.rglob("*.py"))
    }
    _check(files, salted)


def test_one_of_many_classes(salted: Callable[[int], None]) -> None:
    models = "\n".join(MODEL.format(number) for number in range(9))
    loads = ", ".join(f"db.query(Model{number}).all()" for number in range(9))
    _check({"app.py": LOADS.format(models=models, loads=loads)}, salted)


def test_what_an_expression_can_be(salted: Callable[[int], None]) -> None:
    classes = "".join(f"class C{number}: ...\n" for number in range(9))
    made = " or ".join(f"C{number}()" for number in range(9))
    files = {"app.py": f"{classes}def make():\n    return {made}\n\ndef use():\n    make().run()\n"}
    orders = []
    for salt in SALTS:
        salted(salt)
        found = project(files)
        call = find_call(found, "app.use", "make")
        function = found.function("app.use")
        assert function is not None
        orders.append([describe(item) for item in found.infer(call, function.scope)])
    assert len(orders[0]) == 9
    assert orders[0] == orders[1]


def _check(files: dict[str, str], salted: Callable[[int], None]) -> None:
    plans = []
    for salt in SALTS:
        salted(salt)
        plans.append(_plan(files))
    assert plans[0] == plans[1]


def _plan(files: dict[str, str]) -> bytes:
    settings = Settings()
    plan = make_plan(project(files, settings), Step.ALL, settings)
    return msgspec.json.format(msgspec.json.encode(plan))


def test_the_order_of_sets_changes(salted: Callable[[int], None]) -> None:
    """Otherwise the tests above show nothing."""
    classes = project({"app.py": "".join(f"class C{n}: ...\n" for n in range(20))}).classes
    before = list(frozenset(classes))
    salted(SALTS[0])
    assert list(frozenset(classes)) != before
