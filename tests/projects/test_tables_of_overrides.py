"""A dict of overrides that a fixture gives, and a helper puts among those of the application.

The tests are run before and after.
"""

from __future__ import annotations

from pathlib import Path

from support.migration import own_tests, tree, write

_APP = """\
from fastapi import Depends, FastAPI
from sqlalchemy import create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker

engine = create_engine("sqlite:///users.db")
SessionLocal = sessionmaker(bind=engine)


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


def get_db():
    db = SessionLocal()
    try:
        yield db
    finally:
        db.close()


app = FastAPI()


@app.post("/users")
def add(name: str, db: Session = Depends(get_db)):
    db.add(User(name=name))
    db.commit()
    return db.query(User).count()
"""

_TESTS = """\
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import StaticPool, create_engine
from sqlalchemy.orm import sessionmaker

from app import Base, User, app, get_db


class Overrider:
    def __init__(self, overrides):
        self.overrides = overrides

    def __enter__(self):
        for old, new in self.overrides.items():
            app.dependency_overrides[old] = new

    def __exit__(self, *args):
        for old in self.overrides:
            del app.dependency_overrides[old]


@pytest.fixture
def session():
    engine = create_engine(
        "sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False}
    )
    Base.metadata.create_all(engine)
    with sessionmaker(bind=engine)() as session:
        yield session


@pytest.fixture
def overrides(session):
    def override_get_db():
        yield session

    table = {get_db: override_get_db}
    yield table


def test_add(session, overrides):
    with Overrider(overrides):
        client = TestClient(app)
        assert client.post("/users?name=one").json() == 1
        assert client.post("/users?name=two").json() == 2
    assert [user.name for user in session.query(User).order_by(User.id)] == ["one", "two"]
"""


def test_what_they_override_converts(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(_APP)
    (tmp_path / "test_app.py").write_text(_TESTS)
    assert "1 passed" in own_tests(tmp_path).stdout
    write(tmp_path, "--all")
    assert "async def get_db():" in (tmp_path / "app.py").read_text()
    assert "async def add(" in (tmp_path / "app.py").read_text()
    assert "1 passed" in own_tests(tmp_path).stdout
    after = tree(tmp_path)
    write(tmp_path, "--all", "--allow-dirty")
    assert tree(tmp_path) == after, "a second run changes nothing"
