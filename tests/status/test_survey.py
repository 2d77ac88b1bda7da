"""From a linked project to numbers."""

from __future__ import annotations

from migrate_async.model.status import State, Status, percentage, snapshot
from migrate_async.status.survey import survey
from support.projects import project

FILES = {
    "app/database.py": """\
        from collections.abc import AsyncIterator
        from fastapi import Depends
        from migrate_async import HopSession
        from sqlalchemy import create_engine
        from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
        from sqlalchemy.orm import Session
        engine = create_async_engine("sqlite+aiosqlite://")
        SessionLocal = async_sessionmaker(engine, sync_session_class=HopSession)
        async def get_db() -> AsyncIterator[AsyncSession]:
            async with SessionLocal() as db:
                yield db
        def get_sync_db(db: AsyncSession = Depends(get_db)) -> Session:
            return db.sync_session
        """,
    "app/crud.py": """\
        from sqlalchemy import select
        from sqlalchemy.ext.asyncio import AsyncSession
        from sqlalchemy.orm import Session
        from app.models import User
        async def get(db: AsyncSession):
            return (await db.scalars(select(User))).all()
        def count(db: Session):
            return db.query(User).count()
        def name(user):
            return user.name
        """,
    "app/models.py": """\
        from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
        class Base(DeclarativeBase):
            pass
        class User(Base):
            __tablename__ = "users"
            id: Mapped[int] = mapped_column(primary_key=True)
            name: Mapped[str]
        """,
    "app/routes.py": """\
        from fastapi import APIRouter, Depends
        from sqlalchemy.ext.asyncio import AsyncSession
        from sqlalchemy.orm import Session
        from app import crud
        from app.database import get_db, get_sync_db
        router = APIRouter(prefix="/users")
        def current_user(db: Session = Depends(get_sync_db)):
            return crud.count(db)
        @router.get("/async")
        async def migrated(db: AsyncSession = Depends(get_db)):
            return await crud.get(db)
        @router.get("/bridged")
        async def bridged(db: AsyncSession = Depends(get_db)):
            return await db.run_sync(crud.count)
        @router.get("/sync")
        def left(db: Session = Depends(get_sync_db)):
            return crud.count(db)
        @router.get("/mixed")
        async def mixed(user=Depends(current_user), db: AsyncSession = Depends(get_db)):
            return await crud.get(db)
        @router.get("/blocking")
        async def blocking(db: Session = Depends(get_sync_db)):
            return crud.count(db)
        @router.get("/plain")
        def plain():
            return 1
        """,
    "app/jobs.py": """\
        from app import crud
        from app.database import sync_session
        @celery.task
        def nightly(db):
            crud.count(db)
        """,
    "tests/test_app.py": """\
        from app import crud
        def test_count(db):
            crud.count(db)
            db.commit()
        """,
}


def status() -> Status:
    return survey(project(FILES), "app")


def test_routes_stand_where_the_least_of_what_they_need_stands() -> None:
    """A route with a dependency that is still sync has not migrated."""
    states = {route.url.removeprefix("/users/"): route.state for route in status().routes}
    assert states == {
        "async": "async",
        "bridged": "bridged",
        "sync": "sync",
        "mixed": "mixed",
        "blocking": "mixed",
        "plain": "plain",
    }


def test_modules_have_their_database_functions() -> None:
    """Tests and functions without a database do not count."""
    found = {module.path: module for module in status().modules}
    assert set(found) == {"app/crud.py", "app/database.py", "app/jobs.py", "app/routes.py"}
    crud = found["app/crud.py"]
    assert (crud.migrated, crud.bridged, crud.left, crud.chains) == (1, 0, 1, 1)
    routes = found["app/routes.py"]
    assert (routes.migrated, routes.bridged, routes.left) == (2, 1, 3)
    assert routes.done == 50


def test_what_is_there_only_for_the_migration() -> None:
    """Bridges with what they reach, and every use of the shim."""
    found = status()
    assert [(use.kind, use.line, use.text) for use in found.bridges] == [
        ("run_sync", 14, "app.crud.count")
    ]
    assert [(use.path, use.kind) for use in found.shims] == [
        ("app/database.py", "HopSession"),
        *[("app/routes.py", "get_sync_db")] * 3,
    ]


def test_what_is_in_the_way() -> None:
    """A task keeps what it calls sync."""
    assert [(found.function, found.reason) for found in status().blockers] == [
        ("app.jobs.nightly", "a task: its worker does not await it")
    ]


def test_a_project_without_a_database_is_done() -> None:
    """There is nothing to migrate."""
    found = survey(project({"app/a.py": "def f():\n    return 1\n"}))
    assert (found.done, found.functions, found.routes) == (100, 0, ())


def test_only_the_files_selected_count() -> None:
    found = survey(project(FILES), "app", ("app/crud.py",))
    assert [module.path for module in found.modules] == ["app/crud.py"]
    assert found.routes == ()
    assert found.done == 50


def test_all_but_one_is_not_a_hundred_per_cent() -> None:
    """A gate at 100 must not pass before the end."""
    assert percentage(9_999, 10_000) == 99.9
    assert percentage(10_000, 10_000) == 100
    assert percentage(0, 0) == 100


def test_a_snapshot_has_the_numbers() -> None:
    """Lint counts come from outside, by code."""
    found = survey(project(FILES), "app", (), {"MA701": 3, "MA702": 1})
    line = snapshot(found, "2026-11-28", "abc")
    assert (line.routes, line.routes_left) == (5, found.routes_in(State.SYNC, State.MIXED))
    assert (line.functions, line.functions_left) == (found.functions, found.functions_left)
    assert (line.bridges, line.shims, line.blockers, line.lint) == (1, 4, 1, 4)
