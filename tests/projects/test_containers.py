"""Objects that containers, constructors and protocols put together: who calls what is followed.

The code is executed before, after some routes and after all.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from support.migration import printed_anew, tree, write

_DB = """\
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Callable, Generator, Protocol

from sqlalchemy import create_engine, orm
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


class Database:
    def __init__(self, db_url: str) -> None:
        self._engine = create_engine(db_url)
        self._session_factory = orm.sessionmaker(bind=self._engine)

    def create_database(self) -> None:
        Base.metadata.create_all(self._engine)

    @contextmanager
    def session(self) -> {returns}:
        session: Session = self._session_factory()
        try:
            yield session
        except Exception:
            session.rollback()
            raise
        finally:
            session.close()


class Users(Protocol):
    def names(self) -> Any: ...

    def add(self, name: str) -> Any: ...


class BaseRepository:
    def __init__(self, session_factory: Callable[..., AbstractContextManager[Session]], model):
        self.session_factory = session_factory
        self.model = model

    def names(self) -> list[str]:
        with self.session_factory() as session:
            return [row.name for row in session.query(self.model).order_by(self.model.id).all()]


class UserRepository(BaseRepository):
    def __init__(self, session_factory: Callable[..., AbstractContextManager[Session]]):
        super().__init__(session_factory, User)

    def add(self, name: str) -> User:
        with self.session_factory() as session:
            user = User(name=name)
            session.add(user)
            session.commit()
            session.refresh(user)
            return user


class UserService:
    def __init__(self, users: Users) -> None:
        self.users = users

    def names(self):
        return self.users.names()

    def add(self, name: str) -> int:
        return self.users.add(name).id
"""

_CONTAINER = """\
from dependency_injector import containers, providers
from dependency_injector.wiring import Provide
from fastapi import Depends, FastAPI

from db import Database, UserRepository, UserService


class Container(containers.DeclarativeContainer):
    db = providers.Singleton(Database, db_url="sqlite:///users.db")
    users = providers.Factory(UserRepository, session_factory=db.provided.session)
    service = providers.Factory(UserService, users=users)


container = Container()
app = FastAPI()


@app.on_event("startup")
def create():
    container.db().create_database()


def get_service() -> UserService:
    return Container.service()
"""

_BY_HAND = """\
from fastapi import Depends, FastAPI

from db import Database, UserRepository, UserService

database = Database("sqlite:///users.db")
app = FastAPI()


@app.on_event("startup")
def create():
    database.create_database()


def get_service() -> UserService:
    return UserService(UserRepository(session_factory=database.session))
"""

_ROUTES = """

@app.get("/users")
def names(service: UserService = Depends(get_service)):
    return service.names()


@app.post("/users")
def add(name: str, service: UserService = Depends(get_service)):
    return service.add(name)
"""

_INJECTOR = {
    "__init__.py": "",
    "containers.py": "class DeclarativeContainer:\n    pass\n",
    "wiring.py": """\
class Provide:
    def __class_getitem__(cls, provider):
        return provider
""",
    "providers.py": """\
class Provided:
    def __init__(self, provider, name=None):
        self.provider, self.name = provider, name

    def __getattr__(self, name):
        return Provided(self.provider, name)

    def given(self):
        return getattr(self.provider(), self.name)


class Factory:
    def __init__(self, made, *args, **kwargs):
        self.made, self.args, self.kwargs = made, args, kwargs
        self.provided = Provided(self)

    def __call__(self):
        return self.made(
            *map(given, self.args), **{key: given(value) for key, value in self.kwargs.items()}
        )


class Singleton(Factory):
    def __call__(self):
        if not hasattr(self, "one"):
            self.one = super().__call__()
        return self.one


def given(value):
    if isinstance(value, Provided):
        return value.given()
    return value() if isinstance(value, Factory) else value
""",
}

_USE = """
import sys, warnings
sys.path.append("../library")
warnings.simplefilter("ignore")
from fastapi.testclient import TestClient
from main import app
with TestClient(app) as client:
    for name in ("one", "two"):
        print(client.post("/users", params={"name": name}).text)
    print(client.get("/users").text)
"""


def _written(folder: Path, start: str, returns: str) -> Path:
    library = folder / "library" / "dependency_injector"
    library.mkdir(parents=True)
    for name, code in _INJECTOR.items():
        (library / name).write_text(code)
    app = folder / "app"
    app.mkdir()
    (app / "db.py").write_text(_DB.replace("{returns}", returns))
    (app / "main.py").write_text(start + _ROUTES)
    return app


def _used(folder: Path) -> str:
    return printed_anew(folder, _USE)


@pytest.mark.parametrize("start", [_CONTAINER, _BY_HAND], ids=["container", "by hand"])
@pytest.mark.parametrize(
    "returns",
    [
        "Callable[..., AbstractContextManager[Session]]",
        "Generator[Any, Any, AbstractContextManager[Session]]",
        "Generator[Session, None, None]",
    ],
)
def test_methods_that_open_sessions_are_followed(tmp_path: Path, start: str, returns: str) -> None:
    app = _written(tmp_path, start, returns)
    before = _used(app)
    assert before.splitlines() == ["1", "2", '["one","two"]']
    write(app, "--route", "GET /users")
    assert _used(app) == before
    write(app, "--all", "--allow-dirty")
    code = (app / "db.py").read_text()
    assert code.count("async with self.session_factory() as session:") == 2
    assert "Callable[..., AbstractAsyncContextManager[AsyncSession]]" in code
    assert "return await self.users.names()" in code
    assert code.count("async def add(") == 3, "the protocol's, too"
    assert "threadpool" not in (app / "main.py").read_text()
    assert _used(app) == before
    after = tree(app)
    write(app, "--all", "--allow-dirty")
    assert tree(app) == after, "a second run changes nothing"


_SCOPED = "orm.scoped_session(orm.sessionmaker(bind=self._engine))"

_NESTED = """

class Pairs(UserRepository):
    def add(self, name: str) -> User:
        with self.session_factory() as session:
            session.add(User(name=f"{name} first"))
            session.flush()
            return super().add(name)
"""


def test_a_registry_of_an_object_has_a_session_for_each_task(tmp_path: Path) -> None:
    """What is nested works on one session: the second write would wait for the first for ever."""
    app = _written(tmp_path, _CONTAINER, "Generator[Session, None, None]")
    code = (app / "db.py").read_text()
    made = "orm.sessionmaker(bind=self._engine)"
    assert made in code
    (app / "db.py").write_text(code.replace(made, _SCOPED) + _NESTED)
    main = (app / "main.py").read_text()
    (app / "main.py").write_text(main.replace("UserRepository", "Pairs"))
    before = _used(app)
    assert before.splitlines()[-1] == '["one first","one","two first","two"]'
    write(app, "--all")
    code = (app / "db.py").read_text()
    assert "self._session_factory = task_scoped_session(" in code
    assert _used(app) == before
    after = tree(app)
    write(app, "--all", "--allow-dirty")
    assert tree(app) == after, "a second run changes nothing"


@pytest.mark.parametrize(
    "use",
    [
        "def registry(self):\n        return self._session_factory",
        "def forget(self):\n        self._session_factory.remove()",
    ],
    ids=["handed out", "removed"],
)
def test_a_registry_that_is_more_than_called_keeps_its_object_sync(
    tmp_path: Path, use: str
) -> None:
    app = _written(tmp_path, _BY_HAND, "Generator[Session, None, None]")
    code = (app / "db.py").read_text().replace("orm.sessionmaker(bind=self._engine)", _SCOPED)
    code = code.replace("    @contextmanager", f"    {use}\n\n    @contextmanager")
    (app / "db.py").write_text(code)
    before = _used(app)
    said = write(app, "--all")
    assert "_session_factory is a scoped_session" in said
    code = (app / "db.py").read_text()
    assert "self._engine = create_engine(db_url)" in code, "its engine stays with it"
    assert _SCOPED in code
    assert _used(app) == before


_KEPT = """

_LATER = []


def later(function):
    _LATER.append(function)
"""


def test_a_function_that_is_handed_on_further_stays_sync(tmp_path: Path) -> None:
    app = _written(tmp_path, _CONTAINER, "Generator[Session, None, None]")
    code = (app / "db.py").read_text()
    kept = "        self.session_factory = session_factory\n        self.model = model\n"
    assert kept in code
    code = code.replace(kept, f"{kept}        later(self.session_factory)\n")
    (app / "db.py").write_text(code + _KEPT)
    before = _used(app)
    write(app, "--all")
    assert "    def session(self)" in (app / "db.py").read_text()
    assert _used(app) == before
