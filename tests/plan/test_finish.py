"""What is left for sync code goes when nothing uses it, and not before."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping

import pytest

from migrate_async.model.change import FileChange
from migrate_async.model.plan import Plan
from migrate_async.plan.leftovers.finish import BLOCKED, plan_finish
from migrate_async.rewrite.engine import rewrite_text
from migrate_async.verify.rewritten import verify
from migrate_async.verify.tree import verify_tree
from support.projects import project

DATABASE = """\
from collections.abc import AsyncIterator

from fastapi import Depends
from migrate_async import HopSession
from sqlalchemy import create_engine
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import Session, sessionmaker

engine = create_async_engine("sqlite+aiosqlite:///app.db")
sync_engine = create_engine("sqlite:///app.db")
SessionLocal = async_sessionmaker(engine, expire_on_commit=False, sync_session_class=HopSession)
SyncSessionLocal = sessionmaker(sync_engine)


async def get_db() -> AsyncIterator[AsyncSession]:
    async with SessionLocal() as db:
        yield db


def get_sync_db(db: AsyncSession = Depends(get_db)) -> Session:
    \"\"\"The request's session, for what has not migrated yet.\"\"\"
    return db.sync_session
"""

FINISHED = """\
from collections.abc import AsyncIterator

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

engine = create_async_engine("sqlite+aiosqlite:///app.db")
SessionLocal = async_sessionmaker(engine, expire_on_commit=False)


async def get_db() -> AsyncIterator[AsyncSession]:
    async with SessionLocal() as db:
        yield db
"""

DEPENDENCIES = """\
from typing import Annotated

from fastapi import Depends
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from app.database import get_db, get_sync_db

DbDep = Annotated[AsyncSession, Depends(get_db)]
SyncDbDep = Annotated[Session, Depends(get_sync_db)]
"""

FILES = {
    "app/__init__.py": "from app.database import get_db, get_sync_db, SyncSessionLocal\n",
    "app/database.py": DATABASE,
    "app/dependencies.py": DEPENDENCIES,
}


def finish(files: Mapping[str, str]) -> tuple[Plan, dict[str, str]]:
    """The plan, and the files as they are after it, verified."""
    plan = plan_finish(project(files), {})
    after = dict(files)
    for file in plan.files:
        before = files[file.path]
        change = FileChange(file.path, before, rewrite_text(file, before))
        (checked,) = verify(Plan("finish", (file,)), [change])
        assert checked.diagnostics == ()
        after[file.path] = checked.after
    return plan, after


def test_all_goes_at_once() -> None:
    """Definitions, the sync engine, aliases, imports of them; the rest stays byte for byte."""
    _, after = finish(FILES)
    assert after["app/database.py"] == FINISHED
    assert after["app/__init__.py"] == "from app.database import get_db\n"
    assert "Sync" not in after["app/dependencies.py"].replace("AsyncSession", "")
    assert "DbDep = Annotated[AsyncSession, Depends(get_db)]" in after["app/dependencies.py"]
    assert verify_tree(project(after), after, exists=lambda _path: False) == []


def test_the_statement_that_configures_a_factory_goes() -> None:
    """The way `migrate` writes it."""
    one = "SessionLocal = async_sessionmaker(engine, expire_on_commit=False, "
    written = DATABASE.replace(
        f"{one}sync_session_class=HopSession)",
        "SessionLocal = async_sessionmaker(engine, expire_on_commit=False)\n"
        "SessionLocal.configure(sync_session_class=HopSession)",
    )
    _, after = finish({**FILES, "app/database.py": written})
    assert after["app/database.py"] == FINISHED


def test_a_second_run_changes_nothing() -> None:
    _, after = finish(FILES)
    plan, again = finish(after)
    assert plan.files == ()
    assert plan.diagnostics == ()
    assert again == after


@pytest.mark.parametrize(
    ("title", "path", "text", "name"),
    [
        (
            "a route",
            "app/routes.py",
            (
                "from fastapi import Depends\nfrom app.database import get_sync_db\n\n\n"
                "def read(db=Depends(get_sync_db)):\n    return db.execute('x')\n"
            ),
            "get_sync_db",
        ),
        (
            "a route by the alias, imported under another name",
            "app/routes.py",
            "from app.dependencies import SyncDbDep as Db\n\n\ndef read(db: Db):\n    pass\n",
            "SyncDbDep",
        ),
        (
            "a script with sessions of its own",
            "scripts/job.py",
            "from app import database\n\nwith database.SyncSessionLocal() as db:\n    pass\n",
            "SyncSessionLocal",
        ),
        (
            "through a re-export",
            "app/late.py",
            "from app import SyncSessionLocal\n\ndb = SyncSessionLocal()\n",
            "SyncSessionLocal",
        ),
        (
            "a test that overrides it",
            "tests/conftest.py",
            "from app.database import get_sync_db\n\napp.dependency_overrides[get_sync_db] = 1\n",
            "get_sync_db",
        ),
        (
            "a name in a string",
            "tests/test_a.py",
            "def test(mocker):\n    mocker.patch('app.database.sync_engine')\n",
            "sync_engine",
        ),
        (
            "the sync side of a session",
            "app/late.py",
            (
                "from sqlalchemy.ext.asyncio import AsyncSession\n\n\n"
                "def side(db: AsyncSession):\n    return db.sync_session\n"
            ),
            "sync_session",
        ),
        (
            "a coroutine that awaits implicitly",
            "app/late.py",
            (
                "from migrate_async import implicit_io\n\n\n"
                "@implicit_io\nasync def late(db):\n    db.flush()\n"
            ),
            "implicit_io",
        ),
    ],
)
def test_a_use_is_in_the_way(title: str, path: str, text: str, name: str) -> None:
    """Nothing is removed, and the place is named."""
    plan, after = finish({**FILES, path: text})
    assert after == {**FILES, path: text}, title
    assert [(item.code, item.path) for item in plan.diagnostics] == [(BLOCKED, path)], title
    assert f"still uses {name}," in plan.diagnostics[0].message


def test_what_only_looks_like_it_stays() -> None:
    """A `get_sync_db` that does more, a sync engine without an async one beside it."""
    text = textwrap.dedent(
        """\
        from sqlalchemy import create_engine

        sync_engine = create_engine("sqlite://")


        def get_sync_db(db):
            db.begin()
            return db.other
        """
    )
    plan, after = finish({"app/database.py": text})
    assert plan.files == ()
    assert after["app/database.py"] == text


def test_the_sync_side_of_sessions_without_a_factory_goes() -> None:
    """`sync_side` makes those usable in threads."""
    finished = textwrap.dedent(
        """\
        from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

        engine = create_async_engine("sqlite+aiosqlite:///app.db")


        async def get_db():
            async with AsyncSession(engine) as db:
                yield db
        """
    )
    imports = (
        "from fastapi import Depends\nfrom migrate_async import sync_side\n"
        "from sqlalchemy.orm import Session\n"
    )
    twin = textwrap.dedent(
        """\


        async def get_sync_db(db: AsyncSession = Depends(get_db)) -> Session:
            return sync_side(db)
        """
    )
    files = {"app/database.py": f"{imports}{finished}{twin}"}
    plan = plan_finish(project(files), {})
    (file,) = plan.files
    assert rewrite_text(file, files["app/database.py"]) == finished

    route = "from app.database import get_sync_db\n\nchosen = get_sync_db\n"
    blocked = plan_finish(project({**files, "app/route.py": route}), {})
    assert [found.code for found in blocked.diagnostics] == [BLOCKED]
