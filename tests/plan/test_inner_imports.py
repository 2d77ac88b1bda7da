"""Names that functions import for themselves, because an import at the top goes in a circle."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from migrate_async.config import Settings
from migrate_async.model.plan import Step
from migrate_async.model.selection import EVERYTHING, Selection
from migrate_async.plan.planner import make_plan
from migrate_async.rewrite.engine import rewrite_text
from support.http_sequence import replay
from support.projects import project

DATABASE = """
import os

from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker

from app.models import Base

engine = create_engine(os.environ["DATABASE_URL"])
SessionLocal = sessionmaker(bind=engine)
Base.metadata.create_all(engine)


def get_db():
    db = SessionLocal()
    try:
        yield db
    finally:
        db.close()
"""

MODELS = """
from fastapi import Depends
from sqlalchemy import Column, Integer, String
from sqlalchemy.orm import Session, declarative_base

Base = declarative_base()


class User(Base):
    __tablename__ = "users"
    id = Column(Integer, primary_key=True)
    name = Column(String)

    @classmethod
    def counted(cls):
        from app.database import get_db

        db = next(get_db())
        try:
            return db.query(cls).count()
        finally:
            db.close()

    @classmethod
    def names(cls):
        from app.database import SessionLocal

        with SessionLocal() as db:
            return [user.name for user in db.query(cls).order_by(cls.id)]

    def others(self):
        from app.database import SessionLocal as Local, get_db

        with Local() as db:
            found = db.query(User).filter(User.id != self.id).count()
        return [found, next(get_db()).query(User).count()]


def asks():
    from .database import get_db

    def inner(db: Session = Depends(get_db)):
        return db.query(User).count()

    return inner
"""

LENGTH = """
    def __len__(self):
        from app.database import get_db

        db = next(get_db())
        return [*self.others(), db.query(User).count()][-1]


def hooks():
    return [asks()]


def asks():
"""

MAIN = """
from fastapi import Depends, FastAPI
from sqlalchemy.orm import Session

from app.database import get_db
from app.models import User, asks

app = FastAPI()


@app.get("/one")
def one(name: str, db: Session = Depends(get_db), count: int = Depends(asks())):
    user = User(name=name)
    db.add(user)
    db.commit()
    return [User.counted(), User.names(), user.others(), count]


@app.get("/two")
def two(name: str, count: int = Depends(asks())):
    from app.database import get_db as give

    session = next(give())
    try:
        return [User.counted(), User.names(), session.query(User).count(), count]
    finally:
        session.close()
"""

FILES = {
    "app/__init__.py": "",
    "app/database.py": DATABASE,
    "app/models.py": MODELS,
    "app/main.py": MAIN,
}
KEPT = {
    **FILES,
    "app/models.py": MODELS.replace("\n\ndef asks():\n", LENGTH),
    "app/main.py": MAIN.replace("return [User", "return [len(User(id=1)), User"),
}
REQUESTS: list[dict[str, Any]] = [
    {"method": "GET", "path": "/one?name=ada"},
    {"method": "GET", "path": "/two?name=bob"},
    {"method": "GET", "path": "/one?name=eve"},
]


def migrated(files: dict[str, str], selection: Selection) -> dict[str, str]:
    plan = make_plan(project(files), Step.ALL, Settings(), selection)
    changed = {file.path: file for file in plan.files}
    return {
        path: rewrite_text(changed[path], text, 100) if path in changed else text
        for path, text in files.items()
    }


def answers(files: dict[str, str], folder: Path) -> list[dict[str, Any]]:
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, "utf-8")
    found = replay(folder, REQUESTS, app="app.main:app")
    assert [answer["status"] for answer in found] == [200, 200, 200]
    return found


@pytest.mark.parametrize(("first", "second"), [("/one", "/two"), ("/two", "/one")])
@pytest.mark.parametrize("files", [FILES, KEPT], ids=["all convert", "some stay"])
def test_they_are_imported_where_they_were(
    files: dict[str, str], first: str, second: str, tmp_path: Path
) -> None:
    """An application that starts goes on doing so, whichever side its functions are on."""
    legacy = answers(files, tmp_path / "legacy")
    halfway = migrated(files, Selection(routes=(f"GET {first}",)))
    assert answers(halfway, tmp_path / "halfway") == legacy
    assert migrated(halfway, Selection(routes=(f"GET {first}",))) == halfway
    done = migrated(migrated(halfway, Selection(routes=(f"GET {second}",))), EVERYTHING)
    assert answers(done, tmp_path / "done") == legacy
    assert done == migrated(files, EVERYTHING)
    assert migrated(done, EVERYTHING) == done


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (FILES, "from app.database import SessionLocal\n\n        async with SessionLocal()"),
        (FILES, "from app.database import SessionLocal as Local, SessionLocal\n"),
        (KEPT, "from app.database import SyncSessionLocal as SessionLocal\n\n        db = Sess"),
        (KEPT, "from .database import get_sync_db as get_db\n\n    def inner("),
    ],
)
def test_how_they_look(files: dict[str, str], expected: str) -> None:
    assert expected in migrated(files, EVERYTHING)["app/models.py"]
