"""Run a small program under the recorder and read what it recorded."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from migrate_async.cli.loading import load_project
from migrate_async.cli.progress import Progress
from migrate_async.cli.workspace import Workspace
from migrate_async.config import Settings
from migrate_async.model.profile import Profile
from migrate_async.recording.addresses import Addresses
from migrate_async.recording.collect import collect
from migrate_async.recording.run import recorded_environment

MODELS = """\
from sqlalchemy import Column, ForeignKey, Integer, String, create_engine, func, select
from sqlalchemy.orm import (
    Session, column_property, declarative_base, deferred, joinedload, relationship, selectinload,
)

Base = declarative_base()


class Author(Base):
    __tablename__ = "authors"
    id = Column(Integer, primary_key=True)
    name = Column(String, nullable=False)
    biography = deferred(Column(String))
    books = relationship("Book", back_populates="author", cascade="all, delete-orphan")


class Book(Base):
    __tablename__ = "books"
    id = Column(Integer, primary_key=True)
    title = Column(String)
    author_id = Column(ForeignKey("authors.id"))
    author = relationship("Author", back_populates="books")
    pages = relationship("Page")


class Page(Base):
    __tablename__ = "pages"
    id = Column(Integer, primary_key=True)
    book_id = Column(ForeignKey("books.id"))


Author.number = deferred(column_property(
    select(func.count(Book.id)).where(Book.author_id == Author.id).scalar_subquery()
))


def filled(url="sqlite://"):
    engine = create_engine(url)
    Base.metadata.create_all(engine)
    with Session(engine) as db:
        for name in ("Ann", "Bob", "Cid"):
            books = [Book(title=title, pages=[Page()]) for title in ("one", "two")]
            db.add(Author(name=name, biography="long", books=books))
        db.commit()
    return engine
"""
"""Three authors with two books of a page each."""


def run(
    folder: Path,
    files: Mapping[str, str],
    command: Sequence[str],
    environment: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Write `files` into `folder/app` and run `command` there; logs go to `folder/logs`."""
    root, logs = folder / "app", folder / "logs"
    logs.mkdir(exist_ok=True)
    root.mkdir(exist_ok=True)
    for name, text in files.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST_", "COV_"))}
    settings = recorded_environment({**clean, **(environment or {})}, root, logs)
    return subprocess.run(
        command, cwd=root, env=settings, capture_output=True, text=True, check=False, timeout=120
    )


def profile_of(folder: Path) -> Profile:
    """What the last `run` in `folder` recorded."""
    workspace = Workspace(folder / "app", Settings(), cache=False, jobs=1)
    project = load_project(workspace, Progress()).project
    return collect(folder / "logs", Addresses(project))


def record(folder: Path, program: str, *, name: str = "main.py") -> Profile:
    """The profile of a Python `program` beside `models.py` (see `MODELS`); it has to succeed."""
    done = run(folder, {"models.py": MODELS, name: program}, [sys.executable, name])
    assert done.returncode == 0, done.stdout + done.stderr
    return profile_of(folder)


def line_of(text: str, marker: str) -> int:
    """The line of `text` that ends in the comment `# marker`."""
    [found] = [n for n, line in enumerate(text.splitlines(), 1) if line.endswith(f"# {marker}")]
    return found
