"""Objects whose class only declares a session, `db: Session`, and that are given it from outside.

The code is executed before, after one route, and after all.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from support.migration import command, printed_anew, tree, write, written

_DB = """\
from typing import Annotated

from fastapi import Depends
from sqlalchemy import create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker

engine = create_engine("sqlite:///app.db")
SessionLocal = sessionmaker(bind=engine)


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


Base.metadata.create_all(engine)


def get_db():
    with SessionLocal() as db:
        yield db


SessionDep = Annotated[Session, Depends(get_db)]
"""

_VIEWS = """\
from fastapi import Request
from sqlalchemy.orm import Session

from db import SessionDep, User


class View:
    db: Session

    @classmethod
    def as_view(cls):
        async def handle(request: Request, db: SessionDep):
            view = cls()
            view.db = db
            return await view.dispatch(request)

        return handle

    async def dispatch(self, request: Request):
        handler = getattr(self, request.method.lower(), None)
        return await handler(**request.path_params)


class UserView(View):
    async def get(self, user_id: int):
        user = self.db.get(User, user_id)
        return user.name if user else None


class NamesView(View):
    async def get(self):
        {names}
"""

_MAIN = """\
from fastapi import FastAPI

from db import SessionDep, User
from views import NamesView, UserView

app = FastAPI()
app.add_api_route("/names", NamesView.as_view(), methods=["GET"])
app.add_api_route("/users/{user_id}", UserView.as_view(), methods=["GET"])


@app.post("/users")
def add(name: str, db: SessionDep):
    db.add(User(name=name))
    db.commit()
    return db.query(User).count()
"""

_CONVERTS = "return [user.name for user in self.db.query(User)]"
_STAYS = "return sorted(name for (name,) in self.db.query(User.name).enable_assertions(False))"

_USE = """
import warnings
warnings.simplefilter("ignore")
from fastapi.testclient import TestClient
from main import app
with TestClient(app) as client:
    for name in ("a", "b"):
        print(client.post("/users?name=" + name).text)
    print([client.get(path).text for path in ("/names", "/users/1", "/users/3")])
"""


@pytest.mark.parametrize(
    ("names", "declared"),
    [(_CONVERTS, "    db: AsyncSession\n"), (_STAYS, "    db: Session\n")],
    ids=["its users convert", "one stays sync"],
)
def test_all_who_use_it_have_one_side(tmp_path: Path, names: str, declared: str) -> None:
    files = {"db.py": _DB, "views.py": _VIEWS.replace("{names}", names), "main.py": _MAIN}
    files["pyproject.toml"] = ""
    folder = written(tmp_path / "once", files)
    before = printed_anew(folder, _USE)
    assert """['["a","b"]', '"a"', 'null']""" in before
    write(folder, "--all")
    assert declared in (folder / "views.py").read_text()
    assert printed_anew(folder, _USE) == before
    assert command(folder, "verify").stdout == "Nothing found.\n"
    done = tree(folder)
    write(folder, "--all", "--allow-dirty")
    assert tree(folder) == done, "a second run changes nothing"
    steps = written(tmp_path / "steps", files)
    write(steps, "--route", "POST /users")
    assert printed_anew(steps, _USE) == before
    write(steps, "--all", "--allow-dirty")
    assert printed_anew(steps, _USE) == before
    assert tree(steps) == done
