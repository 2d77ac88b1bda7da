"""What the README shows is what the tool does."""

from __future__ import annotations

import re
from pathlib import Path

from migrate_async.config import Settings
from migrate_async.model.plan import Step
from migrate_async.plan.planner import make_plan
from migrate_async.rewrite.engine import rewrite_text
from support.projects import project

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")

FILES = {
    "app/database.py": """\
from sqlalchemy import Boolean, Column, Integer, create_engine
from sqlalchemy.orm import declarative_base, sessionmaker

engine = create_engine("sqlite:///app.db")
SessionLocal = sessionmaker(bind=engine)
Base = declarative_base()


class Item(Base):
    __tablename__ = "items"
    id = Column(Integer, primary_key=True)
    active = Column(Boolean)


def get_db():
    db = SessionLocal()
    try:
        yield db
    finally:
        db.close()
""",
    "app/container.py": """\
from app.database import SessionLocal


class Container:
    factories = {}

    @classmethod
    def register_factory(cls, key, factory):
        cls.factories[key] = factory

    @classmethod
    def resolve(cls, key):
        return cls.factories[key]()


Container.register_factory("db_session", SessionLocal)
""",
}

IMPORTS = """\
from fastapi import APIRouter

from app.container import Container
from app.database import Item

router = APIRouter()


"""


def block(label: str) -> str:
    found = re.search(rf"```python {label}\n(.*?)```", README, re.DOTALL)
    assert found is not None, f"the README has no block {label!r}"
    return found[1]


def test_the_route_on_the_first_screen_comes_out_as_shown() -> None:
    files = {**FILES, "app/routes.py": IMPORTS + block("before")}
    plan = make_plan(project(files), Step.ALL, Settings())
    routes = next(file for file in plan.files if file.path == "app/routes.py")
    assert rewrite_text(routes, files["app/routes.py"]).endswith(block("after"))


def test_every_document_that_the_readme_names_exists() -> None:
    root = Path(__file__).parents[2]
    for target in re.findall(r"\]\((docs/[^)#]+)", README):
        assert (root / target).is_file(), target
