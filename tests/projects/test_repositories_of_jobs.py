"""One class makes all repositories; routes use them, and jobs and an event bus that stay sync.

With `keep = "async"` the repositories convert. Executed before and after.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from support.migration import command, printed_anew, tree, write, written
from support.route_by_route import in_random_order

DB = """\
from contextlib import contextmanager

from sqlalchemy import ForeignKey, create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship
from sqlalchemy.orm import sessionmaker

engine = create_engine("sqlite:///shop.db", connect_args={"check_same_thread": False})
SessionLocal = sessionmaker(bind=engine)


class Base(DeclarativeBase):
    pass


class Group(Base):
    __tablename__ = "groups"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    events: Mapped[int] = mapped_column(default=0)

    def __init__(self, session: Session | None = None, **values):
        super().__init__(**values)


class User(Base):
    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    group_id: Mapped[int] = mapped_column(ForeignKey("groups.id"))
    group: Mapped[Group] = relationship()

    def __init__(self, session: Session, group: str, **values):
        self.group = session.scalars(select(Group).where(Group.name == group)).one()
        super().__init__(**values)


def get_db():
    db = SessionLocal()
    try:
        yield db
    finally:
        db.close()


@contextmanager
def session_scope():
    db = SessionLocal()
    try:
        yield db
    finally:
        db.close()
"""
REPOSITORIES = """\
from functools import cached_property
from typing import Generic, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from db import Base, Group, User

Model = TypeVar("Model", bound=Base)


class Repository(Generic[Model]):
    def __init__(self, session: Session, model: type[Model]):
        self.session = session
        self.model = model

    def create(self, **data) -> Model:
        made = self.model(session=self.session, **data)
        self.session.add(made)
        self.session.commit()
        return made

    def all(self) -> list[Model]:
        return list(self.session.scalars(select(self.model).order_by(self.model.id)))


class Users(Repository[User]):
    def named(self, name: str) -> User | None:
        return self.session.scalars(select(User).where(User.name == name)).first()


class Repositories:
    def __init__(self, session: Session):
        self.session = session

    @cached_property
    def users(self) -> Users:
        return Users(self.session, User)

    @cached_property
    def groups(self) -> Repository[Group]:
        return Repository(self.session, Group)


def get_repositories(session: Session):
    return Repositories(session)
"""
EVENTS = """\
from fastapi import BackgroundTasks, Depends
from sqlalchemy.orm import Session

from db import get_db, session_scope
from repositories import get_repositories

sent = []


class EventBus:
    def __init__(self, tasks: BackgroundTasks | None = None, session: Session | None = None):
        self.tasks = tasks
        self.session = session

    def dispatch(self, text: str, name: str | None = None):
        if name is None:
            if not self.session:
                raise ValueError(text)
            repositories = get_repositories(self.session)
            names = [group.name for group in repositories.groups.all()]
        else:
            names = [name]
        for each in names:
            if self.tasks:
                self.tasks.add_task(self._publish, text, each)
            else:
                self._publish(text, each)

    def _publish(self, text: str, name: str):
        with session_scope() as session:
            for user in get_repositories(session).users.all():
                if user.group.name == name:
                    sent.append(f"{text} to {user.name}")

    @classmethod
    def as_dependency(cls, tasks: BackgroundTasks, session: Session = Depends(get_db)):
        return cls(tasks, session)
"""
JOBS = """\
from db import session_scope
from events import EventBus
from repositories import get_repositories

daily = []


def register(*jobs):
    daily.extend(jobs)


def greet():
    with session_scope() as session:
        repositories = get_repositories(session)
        repositories.groups.create(name="night")
        user = repositories.users.create(name="Owl", group="night")
        names = [each.name for each in repositories.users.all()]
    EventBus().dispatch(f"hello from {len(names)}", "night")
    return [user.name, *names]


def remind():
    with session_scope() as session:
        EventBus(session=session).dispatch("remember")


register(greet, remind)
"""
MAIN = """\
from fastapi import Depends, FastAPI, HTTPException
from sqlalchemy.orm import Session

from db import get_db
from events import EventBus
from repositories import Repositories, get_repositories

app = FastAPI()


def repositories(db: Session = Depends(get_db)) -> Repositories:
    return get_repositories(db)


@app.post("/users")
def add(
    name: str,
    repos: Repositories = Depends(repositories),
    bus: EventBus = Depends(EventBus.as_dependency),
):
    if repos.users.named(name):
        raise HTTPException(409)
    if not repos.groups.all():
        repos.groups.create(name="day")
    user = repos.users.create(name=name, group="day")
    bus.dispatch("welcome")
    return {"id": user.id, "group": user.group.name}


@app.get("/users")
def users(repos: Repositories = Depends(repositories)):
    return [user.name for user in repos.users.all()]
"""
FILES = {
    "pyproject.toml": "[project]\nname = 'app'\nversion = '0'\n[tool.ruff]\nline-length = 100\n",
    "db.py": DB,
    "repositories.py": REPOSITORIES,
    "events.py": EVENTS,
    "jobs.py": JOBS,
    "main.py": MAIN,
}
DRIVE = """\
import warnings
warnings.simplefilter("ignore")
warnings.simplefilter("error", RuntimeWarning)
import db
import events
import jobs
from fastapi.testclient import TestClient
from main import app
from sqlalchemy import create_engine

db.Base.metadata.create_all(create_engine("sqlite:///shop.db"))
with TestClient(app) as client:
    for name in ("Ada", "Bob", "Ada"):
        print(client.post("/users", params={"name": name}).json())
    print([job() for job in jobs.daily], client.get("/users").json(), events.sent)
"""


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> str:
    return printed_anew(written(tmp_path_factory.mktemp("legacy"), FILES), DRIVE)


def test_repositories_convert_and_jobs_call_them(tmp_path: Path, answers: str) -> None:
    app = written(tmp_path, FILES)
    write(app, "--all", "--keep-async")
    made, jobs = (app / "repositories.py").read_text(), (app / "jobs.py").read_text()
    events = (app / "events.py").read_text()
    assert "async def create(self, **data)" in made
    assert (
        "await self.session.run_sync(lambda session: self.model(session=session, **data))" in made
    )
    assert "@cached_property\n    def users(self) -> Users:" in made
    assert "repositories = get_repositories(async_side(session))" in jobs
    assert 'user = call_async(repositories.users.create, name="Owl", group="night")' in jobs
    assert "EventBus(session=session).dispatch(" in jobs
    assert "repositories = get_repositories(async_side(self.session))" in events
    assert "    def dispatch(self, text" in events
    assert printed_anew(app, DRIVE) == answers
    assert command(app, "verify").stdout == "Nothing found.\n"
    done = tree(app)
    write(app, "--all", "--keep-async", "--allow-dirty")
    assert tree(app) == done, "a second run changes nothing"


def test_by_default_they_stay_and_their_models_get_their_session(
    tmp_path: Path, answers: str
) -> None:
    app = written(tmp_path, FILES)
    write(app, "--all")
    assert printed_anew(app, DRIVE) == answers
    done = tree(app)
    write(app, "--all", "--allow-dirty")
    assert tree(app) == done, "a second run changes nothing"


def test_a_generic_repository_makes_models_on_the_sync_side(tmp_path: Path) -> None:
    """Where nothing stays sync: `self.model` may be any model, whose `__init__` may query."""
    files = {**FILES, "main.py": MAIN.replace('    bus.dispatch("welcome")\n', "")}
    files["main.py"] = (
        files["main.py"]
        .replace("    bus: EventBus = Depends(EventBus.as_dependency),\n", "")
        .replace("from events import EventBus\n", "")
    )
    del files["events.py"], files["jobs.py"]
    drive = (
        DRIVE.replace("import events\nimport jobs\n", "")
        .replace("[job() for job in jobs.daily], ", "")
        .replace(", events.sent", "")
    )
    before = printed_anew(written(tmp_path / "before", files), drive)
    app = written(tmp_path / "after", files)
    write(app, "--all")
    made = (app / "repositories.py").read_text()
    assert (
        "await self.session.run_sync(lambda session: self.model(session=session, **data))" in made
    )
    assert printed_anew(app, drive) == before


def test_route_by_route_they_end_where_one_run_does(tmp_path: Path, answers: str) -> None:
    once = written(tmp_path / "once", FILES)
    write(once, "--all", "--keep-async")
    app = written(tmp_path / "steps", FILES)
    for step in in_random_order(app, 1, keep="async"):
        assert printed_anew(app, DRIVE) == answers, step
    assert tree(app) == tree(once)
