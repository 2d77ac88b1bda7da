"""Coroutines that have to stay sync: which become `def`, and which keep their session sync."""

from __future__ import annotations

import pytest

from migrate_async.config import Settings
from migrate_async.model import plan as p
from migrate_async.plan.planner import make_plan
from support.projects import project

_APP = """\
import asyncio
from contextvars import ContextVar
from functools import wraps

from fastapi import Depends, FastAPI
from sqlalchemy import Column, Integer, create_engine
from sqlalchemy.orm import Session, declarative_base, object_session, sessionmaker

engine = create_engine("sqlite:///x.db")
SessionLocal = sessionmaker(bind=engine)
Base = declarative_base()
app = FastAPI()
current = ContextVar("current")


def get_db():
    with SessionLocal() as db:
        yield db


class User(Base):
    __tablename__ = "users"
    id = Column(Integer, primary_key=True)

    @property
    def rank(self):
        return object_session(self).query(User).filter(User.id < self.id).count()


async def rest():
    pass


def remember(user):
    current.set(user)


%s


@app.get("/")
def read(db: Session = Depends(get_db)):
    return db.query(User).count()
"""

_DECORATOR = """\
def allowed(function):
    @wraps(function)
    async def wrapper(*args, **kwargs):
        return await function(*args, **kwargs)

    return wrapper


"""
_ALLOWED = f'{_DECORATOR}@app.get("/rank")\n@allowed\n'
_OTHER = '@app.get("/other")\n@allowed\nasync def other('
_HEAD = "async def ranked(db: Session = Depends(get_db)):\n    user = db.query(User).first()\n"
_TAIL = "    return user.rank\n"
_ROUTE = '@app.get("/rank")\n'

_BECOME_DEF = {
    "a route": f"{_ROUTE}{_HEAD}{_TAIL}",
    "a dependency": f"{_HEAD}{_TAIL}\n\n{_ROUTE}def rank(rank: int = Depends(ranked)):\n"
    "    return rank\n",
    "registered by a call": f'{_HEAD}{_TAIL}\n\napp.get("/rank")(ranked)\n',
    "added as a route": f'{_HEAD}{_TAIL}\n\napp.add_api_route("/rank", ranked)\n',
    "awaited by one that converts": f"{_ROUTE}{_HEAD}{_TAIL}\n\n"
    '@app.get("/again")\nasync def again(db: Session = Depends(get_db)):\n'
    "    return await ranked(db)\n",
    "somebody awaits it without a session": f"{_ROUTE}{_HEAD}{_TAIL}\n\n"
    "async def later():\n    return await ranked(None)\n\n\n"
    '@app.get("/later")\nasync def again():\n    return await asyncio.gather(later())\n',
}
_STAY = {
    "it awaits": f"{_ROUTE}{_HEAD}    await rest()\n{_TAIL}",
    "it uses the loop": f"{_ROUTE}{_HEAD}    asyncio.create_task(rest())\n{_TAIL}",
    "something that it calls sets a context": f"{_ROUTE}{_HEAD}    remember(user)\n{_TAIL}",
    "its decorator awaits another without a session": f"{_ALLOWED}{_HEAD}{_TAIL}\n\n"
    f"{_OTHER}):\n    return 1\n",
    "somebody keeps it": f"{_ROUTE}{_HEAD}{_TAIL}\n\nhandlers = [ranked]\n",
}


def _plan(code: str) -> p.Plan:
    return make_plan(project({"app.py": _APP % code}), p.Step.ALL, Settings())


def _codes(plan: p.Plan) -> set[str]:
    return {found.code for found in plan.diagnostics}


@pytest.mark.parametrize("case", _BECOME_DEF)
def test_a_coroutine_that_awaits_nothing_becomes_a_def(case: str) -> None:
    plan = _plan(_BECOME_DEF[case])
    [edit] = [e for file in plan.files for e in file.edits if isinstance(e, p.MakeSync)]
    assert edit.span[:2] == _start(_APP % _BECOME_DEF[case])
    assert "MA204" in _codes(plan)
    assert "MA202" not in _codes(plan)


def _start(text: str) -> tuple[int, int]:
    lines = text.splitlines()
    return lines.index("async def ranked(db: Session = Depends(get_db)):") + 1, 0


@pytest.mark.parametrize("case", _STAY)
def test_one_that_needs_to_be_a_coroutine_awaits_implicitly(case: str) -> None:
    """It shares the session of the others, which convert."""
    plan = _plan(_STAY[case])
    assert not [e for file in plan.files for e in file.edits if isinstance(e, p.MakeSync)]
    assert _codes(plan).isdisjoint({"MA202", "MA204", "MA205"})
    [found] = [item for item in plan.diagnostics if item.code == "MA206"]
    assert "app.ranked is a coroutine that stays sync" in found.message
    [edit] = [e for file in plan.files for e in file.edits if isinstance(e, p.AddDecorator)]
    assert edit.code == "implicit_io"
    verdicts = {item.function: item.verdict for item in plan.functions}
    assert verdicts["app.get_db"] == verdicts["app.read"] == "convert"


_BESIDE = f"{_OTHER}db: Session = Depends(get_db)):\n"


@pytest.mark.parametrize(
    ("body", "becomes"), [("", {"MA204"}), ("    await rest()\n", {"MA206"})], ids=["no", "yes"]
)
def test_what_a_decorator_awaits_becomes_a_def_together_or_not_at_all(
    body: str, becomes: set[str]
) -> None:
    """It depends on whether one of them awaits something."""
    plan = _plan(f"{_ALLOWED}{_HEAD}{_TAIL}\n\n{_BESIDE}{body}    return db.get(User, 1).rank\n")
    told = [item.code for item in plan.diagnostics if item.code in ("MA204", "MA206")]
    assert len(told) == 2
    assert set(told) == becomes


def test_a_call_in_a_test_on_a_session_of_its_own_loses_its_await() -> None:
    test = (
        "from app import SessionLocal, ranked\n\n\n"
        "async def test_rank():\n    with SessionLocal() as db:\n"
        "        assert await ranked(db) == 0\n"
    )
    route = f"{_ROUTE}{_HEAD}{_TAIL}"
    files = {"app.py": _APP % route, "tests/test_app.py": test}
    plan = make_plan(project(files), p.Step.ALL, Settings())
    assert "MA202" not in _codes(plan)
    edits = [e for file in plan.files for e in file.edits if file.path == "tests/test_app.py"]
    assert any(isinstance(edit, p.DropAwait | p.DelegateCall) for edit in edits)


def test_a_factory_that_a_method_makes_has_no_sync_twin() -> None:
    """What stays sync and opens its sessions with it could not go on: the factory stays sync."""
    made = _APP.replace(
        "SessionLocal = sessionmaker(bind=engine)\n",
        "\n\nclass Own:\n    @staticmethod\n    def made():\n"
        "        factory = sessionmaker(bind=engine)\n        return factory, engine\n\n\n"
        "SessionLocal, _ = Own.made()\n",
    )
    kept = "class Job:\n    def __init__(self):\n        with SessionLocal() as db:\n"
    kept += "            self.count = db.query(User).count()\n"
    plan = make_plan(project({"app.py": made % kept}), p.Step.ALL, Settings())
    assert "MA202" not in _codes(plan)
    [found] = [item for item in plan.diagnostics if item.code == "MA205"]
    assert "Job.__init__ stays sync" in found.message
    assert "SessionLocal" in found.message
