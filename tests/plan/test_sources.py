"""Engines, bases and dependencies of shapes that real applications have."""

from __future__ import annotations

from migrate_async.config import Settings
from migrate_async.model import plan as p
from migrate_async.plan.planner import make_plan
from migrate_async.rewrite.engine import rewrite_text
from support.projects import project

_APP = """\
from fastapi import Depends, FastAPI
from sqlalchemy import Column, ForeignKey, Integer, create_engine
from sqlalchemy.orm import Session, declarative_base, relationship, sessionmaker

engine = create_engine("sqlite:///x.db")
SessionLocal = sessionmaker(bind=engine)
app = FastAPI()


class Own:
    def shown(self):
        return str(self.id)


Base = declarative_base(cls=Own)


def get_db():
    with SessionLocal() as db:
        yield db


class User(Base):
    __tablename__ = "users"
    id = Column(Integer, primary_key=True)
    posts = relationship("Post")


class Post(Base):
    __tablename__ = "posts"
    id = Column(Integer, primary_key=True)
    user_id = Column(ForeignKey("users.id"))


@app.get("/")
def read(db: Session = Depends(get_db)):
    return len(db.query(User).first().posts)
"""

_ASYNC = """\
from fastapi import Depends
from fastapi_pagination.ext.async_sqlalchemy import paginate
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from sqlalchemy.orm import Session

from app import Post, User, app, get_db

AsyncLocal = async_sessionmaker(create_async_engine("sqlite+aiosqlite:///x.db"))


async def get_async_db():
    async with AsyncLocal() as db:
        yield db


def narrowed(query):
    return query.filter(User.id > 0)


@app.get("/first")
def first(db: Session = Depends(get_db)):
    return narrowed(query=db.query(User)).first().id


@app.get("/users")
async def users(db: AsyncSession = Depends(get_async_db)):
    query = narrowed(select(User))
    others = select([Post.user_id])
    return await paginate(db, query.where(User.id.in_(others)))
"""

_TEST = """\
import pytest
from sqlalchemy import create_engine

from app import SessionLocal, User


def made(url):
    return create_engine(url)


@pytest.fixture
def other():
    engine = create_engine("sqlite://")
    yield engine.url
    print(engine)


def test_users(other):
    with SessionLocal() as db:
        assert db.query(User).count() == 0
"""


def _plan(**files: str) -> p.Plan:
    named = {f"{name.replace('__', '/')}.py": text for name, text in files.items()}
    return make_plan(project(named), p.Step.ALL, Settings())


def test_a_base_class_that_declarative_base_is_given_gets_the_mixin() -> None:
    [file] = _plan(app=_APP).files
    text = rewrite_text(file, _APP)
    assert "class Own(AsyncAttrs):" in text
    assert "declarative_base(cls=Own)" in text


def test_the_first_of_several_gets_it() -> None:
    several = _APP.replace("cls=Own", "cls=(Own, Marked)").replace(
        "class Own:", "class Marked: ...\n\n\nclass Own:"
    )
    [file] = _plan(app=several).files
    text = rewrite_text(file, several)
    assert "class Own(AsyncAttrs):" in text
    assert "class Marked: ..." in text


def test_a_coroutine_on_an_async_session_of_its_own_is_no_obstacle() -> None:
    plan = _plan(app=_APP, pages=_ASYNC)
    assert "MA202" not in {found.code for found in plan.diagnostics}
    text = next(rewrite_text(file, _ASYNC) for file in plan.files if file.path == "pages.py")
    assert "async def users(db: AsyncSession = Depends(get_async_db)):" in text


def test_a_fixture_that_stays_sync_awaits_nothing() -> None:
    plan = _plan(app=_APP, tests__test_app=_TEST)
    [file] = [file for file in plan.files if file.path == "tests/test_app.py"]
    compile(rewrite_text(file, _TEST), "test_app.py", "exec")


_BESIDE = """\
import functools

from sqlalchemy.ext.asyncio import create_async_engine

from app import Post, SessionLocal

async_engine = create_async_engine("sqlite+aiosqlite:///x.db")


@functools.lru_cache
def posts():
    with SessionLocal() as db:
        return db.query(Post).count(), async_engine.url
"""


def test_an_async_engine_has_no_sync_side_beside_it() -> None:
    plan = _plan(app=_APP, beside=_BESIDE)
    text = next(rewrite_text(file, _BESIDE) for file in plan.files if file.path == "beside.py")
    assert "with SyncSessionLocal() as db:" in text
    assert text.count("async_engine") == _BESIDE.count("async_engine")


def test_a_coroutine_that_runs_already_is_not_run_twice() -> None:
    script = """\
import asyncio

from app import SessionLocal, User


async def main():
    with SessionLocal() as db:
        print(db.query(User).count())


if __name__ == "__main__":
    asyncio.run(main())
"""
    plan = _plan(app=_APP, script=script)
    text = next(rewrite_text(file, script) for file in plan.files if file.path == "script.py")
    assert "async with SessionLocal() as db:" in text
    assert text.count("asyncio.run(") == 1


def test_tests_on_a_factory_that_stays_sync_stay_with_it() -> None:
    own = _APP.replace("sessionmaker(bind=engine)", "sessionmaker(bind=engine, class_=Audited)")
    own = own.replace(
        "SessionLocal =", "class Audited(Session):\n    audit = 1\n\n\nSessionLocal ="
    )
    plan = _plan(app=own, tests__test_app=_TEST)
    assert not [function for function in plan.functions if function.verdict == "convert"]
    text = next(
        (rewrite_text(file, _TEST) for file in plan.files if file.path == "tests/test_app.py"),
        _TEST,
    )
    assert "async def" not in text


_SHADOWS = """\
import functools

from sqlalchemy.orm import sessionmaker

from app import Post, SessionLocal, engine


@functools.lru_cache
def posts():
    SessionLocal = sessionmaker(bind=engine, autoflush=False)
    with SessionLocal() as db:
        return db.query(Post).count()


def other():
    with SessionLocal() as db:
        return db.query(Post).count()
"""


def test_a_factory_of_the_same_name_in_a_function_is_another_one() -> None:
    plan = _plan(app=_APP, shadows=_SHADOWS)
    text = next(rewrite_text(f, _SHADOWS) for f in plan.files if f.path == "shadows.py")
    assert "    SessionLocal = sessionmaker(bind=sync_engine, autoflush=False)" in text
    assert "    with SessionLocal() as db:" in text
    assert "async with SessionLocal() as db:" in text
    assert "SyncSessionLocal" not in text
