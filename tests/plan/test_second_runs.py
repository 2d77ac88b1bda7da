"""What a plan must not do again, or otherwise, after an earlier run."""

from __future__ import annotations

from migrate_async.config import Settings
from migrate_async.model.plan import InsertStatements, Plan, Step
from migrate_async.plan.planner import make_plan
from support.projects import project

DATABASE = """\
from migrate_async import HopSession, async_engine_from_url
from sqlalchemy import create_engine
from sqlalchemy.ext.asyncio import AsyncAttrs, async_sessionmaker
from sqlalchemy.orm import declarative_base, sessionmaker

URL = "sqlite:///app.db"
engine = async_engine_from_url(URL)
sync_engine = create_engine(URL)
SessionLocal = async_sessionmaker(bind=engine, expire_on_commit=False)
SyncSessionLocal = sessionmaker(bind=sync_engine)
SessionLocal.configure(sync_session_class=HopSession)
Base = declarative_base(cls=AsyncAttrs)


async def get_db():
    async with SessionLocal() as db:
        yield db
"""
MODELS = """\
from sqlalchemy import Column, ForeignKey, Integer, String
from sqlalchemy.orm import relationship

from app.database import Base


class User(Base):
    __tablename__ = "users"

    id = Column(Integer, primary_key=True)
    name = Column(String)
    posts = relationship("Post", back_populates="user")


class Post(Base):
    __tablename__ = "posts"

    id = Column(Integer, primary_key=True)
    user_id = Column(ForeignKey("users.id"))
    user = relationship("User", back_populates="posts")
"""
REFRESHED = """\
from asyncio import sleep

from migrate_async import implicit_io
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from app.models import Post, User


async def add(db: AsyncSession, user_id: int):
    post = Post(user_id=user_id)
    db.add(post)
    await db.commit()


@implicit_io
async def tell(db: Session, user: User):
    await sleep(0)
    return db.scalar(select(Post.id).where(Post.user_id == user.id))


async def report(db: AsyncSession, user: User):
    await add(db, user.id)
    if user in db:
        await db.refresh(user)
    await tell(db.sync_session, user)
    return len(await user.awaitable_attrs.posts)
"""


def planned(*, keep_sync: str = "", **modules: str) -> Plan:
    files = {"app/database.py": DATABASE, "app/models.py": MODELS}
    files |= {f"app/{name}.py": text for name, text in modules.items()}
    return make_plan(project(files), Step.ALL, Settings(keep_sync=(keep_sync,)))


def edits(plan: Plan, path: str) -> list[object]:
    return [edit for file in plan.files if file.path == path for edit in file.edits]


def test_the_sync_side_of_a_session_is_nothing_to_refresh_on() -> None:
    plan = planned(reports=REFRESHED, keep_sync="app.reports.tell")
    assert edits(plan, "app/reports.py") == []


def test_a_query_needs_no_session_that_it_began_with() -> None:
    """Its import may have waited for that, when all else that needed it had gone before."""
    code = """\
from sqlalchemy.orm import Session

from app.database import engine
from app.models import User


def users():
    return Session(engine).query(User)
"""
    (file,) = [file for file in planned(queries=code).files if file.path == "app/queries.py"]
    assert "Session" in file.unneeded


ROUTES = """\
from fastapi import Depends, FastAPI
from sqlalchemy.orm import Session

from app.database import SyncSessionLocal, get_db
from app.models import User

app = FastAPI()


@app.get("/")
def route(db: Session = Depends(get_db)):
    return db.get_one(User, 1).name


@app.get("/kept")
def kept(db: Session = Depends(get_db)):
    with SyncSessionLocal() as other:
        return db.get_one(User, 1).name == other.get_one(User, 1).name
"""


def test_sessions_begin_to_hop_below_the_twin_of_their_factory() -> None:
    """As in a run that writes both."""
    database = DATABASE.replace("SessionLocal.configure(sync_session_class=HopSession)\n", "")
    plan = planned(main=ROUTES, database=database, keep_sync="app.main.kept")
    (hop,) = [
        edit
        for edit in edits(plan, "app/database.py")
        if isinstance(edit, InsertStatements) and "HopSession" in edit.code
    ]
    twin = database.splitlines().index("SyncSessionLocal = sessionmaker(bind=sync_engine)") + 1
    assert hop.span[0] == twin


FACTORIES = """\
from app.database import engine, sync_engine
from sqlalchemy.ext.asyncio import async_sessionmaker
from sqlalchemy.orm import sessionmaker

session = async_sessionmaker(bind=engine, expire_on_commit=False)
sync_session = sessionmaker(bind=sync_engine)
"""
NAMESAKE = """\
from dataclasses import dataclass


@dataclass
class Play:
    number: int
    sync_session: str = ""
"""
WAITING = """\
from sqlalchemy.orm import Session

from app.factories import sync_session
from app.models import User
from app.plays import Play


def last(db: Session):
    return Play(1, db.get_one(User, 9).name)


def kept():
    with sync_session() as db:
        return db.get_one(User, 9)
"""


def test_an_attribute_of_a_twin_s_name_is_no_twin() -> None:
    plan = planned(
        factories=FACTORIES, plays=NAMESAKE, waiting=WAITING, keep_sync="app.waiting.kept"
    )
    assert edits(plan, "app/waiting.py")
    assert edits(plan, "app/plays.py") == []


def test_a_twin_that_each_branch_makes_is_needed_as_a_whole() -> None:
    branches = """\
if URL:
    engine = async_engine_from_url(URL)
    sync_engine = create_engine(URL)
else:
    engine = async_engine_from_url("sqlite:///demo.db")
    sync_engine = create_engine("sqlite:///demo.db")
"""
    at_once = "engine = async_engine_from_url(URL)\nsync_engine = create_engine(URL)\n"
    hops = "SessionLocal.configure(sync_session_class=HopSession)\n"
    assert at_once in DATABASE
    files = {
        "app/__init__.py": "",
        "app/database.py": DATABASE.replace(at_once, branches).replace(hops, ""),
        "app/models.py": MODELS,
        "app/seed.py": "from app.database import SyncSessionLocal\nfrom app.models import User\n\n"
        "db = SyncSessionLocal()\n\n\ndef seed():\n    db.add(User())\n    db.commit()\n",
    }
    plan = make_plan(project(files), Step.ALL, Settings())
    assert not [edit for file in plan.files for edit in file.edits]
