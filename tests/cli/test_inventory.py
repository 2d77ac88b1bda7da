"""What a linked project is counted as."""

from __future__ import annotations

from migrate_async.cli.inventory import take_inventory
from migrate_async.index.extract import extract
from migrate_async.index.project import ModuleInput, Project, build
from migrate_async.model.scan import Definition, FileFacts, RouteFacts

DATABASE = """
from sqlalchemy import Column, Integer, create_engine
from sqlalchemy.orm import declarative_base, sessionmaker

engine = create_engine("sqlite://")
SessionLocal = sessionmaker(bind=engine)
Base = declarative_base()


class User(Base):
    __tablename__ = "users"
    id = Column(Integer, primary_key=True)


def get_db():
    db = SessionLocal()
    try:
        yield db
    finally:
        db.close()
"""
API = """
from fastapi import APIRouter, Depends
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from app.database import User, get_db

router = APIRouter(prefix="/users")


@router.get("/{user_id}")
def read_user(user_id: int, db: Session = Depends(get_db)):
    return db.query(User).filter(User.id == user_id).first()


@router.get("")
async def count(db: AsyncSession):
    await db.commit()


def is_even(number):
    return number % 2 == 0
"""


def project() -> Project:
    return build(
        [
            ModuleInput("app/__init__.py", "app", True, extract("")),
            ModuleInput("app/api.py", "app.api", False, extract(API)),
            ModuleInput("app/database.py", "app.database", False, extract(DATABASE)),
        ]
    )


def test_calls_are_counted_per_file() -> None:
    """A chain is one query and, executed, one operation; `Depends` opens no session."""
    assert take_inventory(project()).files == (
        FileFacts("app/api.py", queries=1, operations=1, async_operations=1, routes=2),
        FileFacts("app/database.py", operations=1, sessions=1, models=1),
    )


def test_routes_have_their_full_path_and_colour() -> None:
    assert take_inventory(project()).routes == (
        RouteFacts("app/api.py", 12, "app.api.read_user", "/users/{user_id}", ("GET",)),
        RouteFacts("app/api.py", 17, "app.api.count", "/users", ("GET",), is_async=True),
    )


def test_definitions() -> None:
    assert take_inventory(project()).definitions == (
        Definition("app/database.py", 5, "engine", "app.database.engine"),
        Definition("app/database.py", 6, "session-factory", "app.database.SessionLocal"),
        Definition("app/database.py", 10, "model", "app.database.User"),
        Definition("app/database.py", 15, "dependency", "app.database.get_db"),
    )


def test_functions() -> None:
    result = take_inventory(project())
    assert (result.functions, result.functions_async) == (4, 1)


def test_a_selection_leaves_the_rest_out() -> None:
    """The rest is still read: the session of `api.py` is known from `database.py`."""
    result = take_inventory(project(), lambda path: path == "app/api.py")
    assert [file.path for file in result.files] == ["app/api.py"]
    assert result.definitions == ()
    assert result.functions == 3
    assert result.queries == 1


def test_a_project_without_a_database_has_no_findings() -> None:
    plain = build([ModuleInput("app.py", "app", False, extract("def f(x):\n    return x\n"))])
    assert not take_inventory(plain).has_findings
