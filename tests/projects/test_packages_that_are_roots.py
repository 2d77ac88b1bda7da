"""A package that is a root of imports as well: `app/db.py` is imported as `db`, and as `app.db`.

Its session travels in a model of Pydantic, which checks what it gets, and a helper fills schemas
that it is given from objects of which it knows nothing. Executed before the migration, after all
of it and after each single route.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from migrate_async.model.selection import EVERYTHING, Selection
from support.http_sequence import replay
from support.migration import command, tree, written
from support.route_by_route import migrate, routes_of

FILES = {
    "app/__init__.py": "",
    "app/db/__init__.py": "from .session import SessionLocal, engine, get_db\n",
    "app/db/session.py": """\
import os

from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker

engine = create_engine(os.environ["DATABASE_URL"], pool_size=1, max_overflow=0)
SessionLocal = sessionmaker(engine)


def get_db():
    db = SessionLocal()
    try:
        yield db
    finally:
        db.close()
""",
    "app/db/models.py": """\
from functools import cached_property

from sqlalchemy import ForeignKey
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class Base(DeclarativeBase):
    pass


class House(Base):
    __tablename__ = "houses"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    flats: Mapped[list["Flat"]] = relationship(back_populates="house", lazy="selectin")

    @cached_property
    def flat_count(self) -> int:
        return len(self.flats)


class Flat(Base):
    __tablename__ = "flats"
    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[int]
    house_id: Mapped[int] = mapped_column(ForeignKey("houses.id"))
    house: Mapped[House] = relationship(back_populates="flats", lazy="joined")
""",
    "app/schemas/__init__.py": "from . import house as HouseSchema, flat as FlatSchema\n",
    "app/schemas/base.py": """\
from typing import Any, Sequence, TypeVar

from pydantic import BaseModel as PydanticBaseModel, ConfigDict
from sqlalchemy.orm import Session


class Schema(PydanticBaseModel):
    model_config = ConfigDict(from_attributes=True)
    id: int | None = None


class Page(Schema):
    rows: Sequence[Any]


class RequestContext(PydanticBaseModel):
    model_config = ConfigDict(arbitrary_types_allowed=True)
    user: str
    db: Session

    def is_admin(self) -> bool:
        return self.user == "admin"


T = TypeVar("T", bound=Schema)
""",
    "app/schemas/house.py": """\
from .base import Schema


class Create(Schema):
    name: str


class Read(Create):
    flat_count: int
""",
    "app/schemas/flat.py": """\
from .base import Schema
from .house import Read as House


class Create(Schema):
    number: int
    house_id: int


class Read(Create):
    house: House
""",
    "app/controllers/__init__.py": (
        "from . import flat as FlatController, house as HouseController\n"
    ),
    "app/controllers/base.py": """\
from sqlalchemy import select

from schemas.base import Page, RequestContext, Schema


def get(context: RequestContext, model, id: int):
    return context.db.scalars(select(model).where(model.id == id)).first()


def get_all(context: RequestContext, model) -> Page:
    session = context.db
    return Page(rows=session.scalars(select(model).order_by(model.id)).all())


def create(context: RequestContext, model, schema: Schema):
    session = context.db
    found = model(**schema.model_dump(exclude_unset=True))
    session.add(found)
    session.commit()
    session.refresh(found)
    return found
""",
    "app/controllers/house.py": """\
from db.models import House
from schemas.base import Page, RequestContext

from . import base


def get_all(context: RequestContext) -> Page:
    return base.get_all(context, House)


def create(context: RequestContext, schema):
    return base.create(context, House, schema)
""",
    "app/controllers/flat.py": """\
from db.models import Flat
from schemas.base import Page, RequestContext

from . import base


def get(context: RequestContext, id: int):
    return base.get(context, Flat, id)


def get_all(context: RequestContext) -> Page:
    return base.get_all(context, Flat)


def create(context: RequestContext, schema):
    return base.create(context, Flat, schema)
""",
    "app/deps.py": """\
from fastapi import Depends
from sqlalchemy.orm import Session

from db.session import get_db
from schemas.base import Page, RequestContext, T


def get_context(user: str = "admin", db: Session = Depends(get_db)) -> RequestContext:
    return RequestContext(user=user, db=db)


def serialised(page: Page, schema: type[T]) -> Page:
    page.rows = [schema.model_validate(item) for item in page.rows]
    return page


def sent(page: Page, schema: type[T]) -> Page:
    return serialised(page, schema)
""",
    "app/main.py": """\
from app.deps import get_context, sent, serialised
from fastapi import Depends, FastAPI, HTTPException

from controllers import FlatController, HouseController
from db import engine
from db.models import Base
from schemas import FlatSchema, HouseSchema
from schemas.base import Page, RequestContext

app = FastAPI()


@app.on_event("startup")
def start():
    Base.metadata.create_all(bind=engine)


@app.post("/houses", response_model=HouseSchema.Read)
def add_house(house: HouseSchema.Create, context: RequestContext = Depends(get_context)):
    if not context.is_admin():
        raise HTTPException(403)
    return HouseController.create(context, house)


@app.post("/flats", response_model=FlatSchema.Read)
def add_flat(flat: FlatSchema.Create, context: RequestContext = Depends(get_context)):
    return FlatController.create(context, flat)


@app.get("/houses", response_model=Page)
def houses(context: RequestContext = Depends(get_context)):
    return serialised(HouseController.get_all(context), HouseSchema.Read)


@app.get("/flats", response_model=Page)
def flats(context: RequestContext = Depends(get_context)):
    return sent(FlatController.get_all(context), FlatSchema.Read)


@app.get("/flats/{id}", response_model=FlatSchema.Read | None)
def flat(id: int, context: RequestContext = Depends(get_context)):
    return FlatController.get(context, id)
""",
}
REQUESTS = [
    *({"method": "POST", "path": "/houses", "json": {"name": name}} for name in "ab"),
    {"method": "POST", "path": "/houses?user=guest", "json": {"name": "c"}},
    *(
        {"method": "POST", "path": "/flats", "json": {"number": number, "house_id": house}}
        for number, house in ((1, 1), (2, 1), (3, 2))
    ),
    *({"method": "GET", "path": path} for path in ("/houses", "/flats", "/flats/2", "/flats/9")),
]


def test_all_at_once(tmp_path: Path) -> None:
    expected = _answers(written(tmp_path / "before", FILES), "sqlite")
    assert [answer["status"] for answer in expected] == [200, 200, 403, *[200] * 7]
    folder = written(tmp_path / "after", FILES)
    migrate(folder, EVERYTHING)
    assert _answers(folder, "sqlite+aiosqlite") == expected
    done = tree(folder)
    assert b"db: AsyncSession" in done["app/schemas/base.py"]
    assert b"async def get_all(" in done["app/controllers/base.py"]
    migrate(folder, EVERYTHING)
    assert tree(folder) == done
    assert command(folder, "verify").returncode == 0


@pytest.mark.parametrize("seed", [1, 2])
def test_each_state_answers_alike(seed: int, tmp_path: Path) -> None:
    expected = _answers(written(tmp_path / "before", FILES), "sqlite")
    folder = written(tmp_path / "after", FILES)
    routes = routes_of(folder)
    random.Random(seed).shuffle(routes)  # noqa: S311  an order, no secret
    for route in routes:
        migrate(folder, Selection(routes=(route,)))
        assert command(folder, "verify").returncode == 0, route
        assert _answers(folder, "sqlite+aiosqlite") == expected, route
    migrate(folder, EVERYTHING)
    at_once = written(tmp_path / "once", FILES)
    migrate(at_once, EVERYTHING)
    assert tree(folder) == tree(at_once)


def _answers(folder: Path, driver: str) -> list[dict[str, Any]]:
    roots = {"PYTHONPATH": f"{folder}:{folder / 'app'}"}
    return replay(folder, REQUESTS, app="app.main:app", driver=driver, env=roots)
