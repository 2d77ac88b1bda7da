"""Commands that a package installs: executed before and after, as their scripts do."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.migration import printed_anew, tree, write

_DB = """\
from sqlalchemy import create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, sessionmaker

engine = create_engine("sqlite:///users.db")
SessionLocal = sessionmaker(bind=engine)


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)


def get_db():
    with SessionLocal() as db:
        yield db


def count(db):
    return db.query(User).count()
"""
_MAIN = """\
from fastapi import Depends, FastAPI
from sqlalchemy.orm import Session

from shop.db import count, get_db

app = FastAPI()


@app.get("/users")
def users(db: Session = Depends(get_db)):
    return count(db)
"""
_SETUP = """\
from shop.db import Base, SessionLocal, User, count, engine


def main():
    Base.metadata.create_all(engine)
    with SessionLocal() as db:
        db.add(User())
        db.commit()
        print(count(db))


if __name__ == "__main__":
    main()
"""
_USE = """
import sys
import warnings
warnings.simplefilter("ignore")
from shop.setup import main
main()
from fastapi.testclient import TestClient
from shop.main import app
with TestClient(app) as client:
    print(client.get("/users").json())
"""
_TABLES = {
    "project": '[project.scripts]\nsetup = "shop.setup:main"\n',
    "poetry": '[tool.poetry.scripts]\nsetup = "shop.setup:main"\n',
    "setting": '[tool.migrate-async]\ncommands = ["shop.setup:main"]\n',
}


@pytest.mark.parametrize("table", _TABLES)
def test_they_are_called_and_not_awaited(tmp_path: Path, table: str) -> None:
    shop = tmp_path / "shop"
    shop.mkdir()
    (tmp_path / "pyproject.toml").write_text(_TABLES[table])
    for name, code in {"__init__": "", "db": _DB, "main": _MAIN, "setup": _SETUP}.items():
        (shop / f"{name}.py").write_text(code)
    before = printed_anew(tmp_path, _USE)
    assert before == "1\n1\n"
    (tmp_path / "users.db").unlink()
    write(tmp_path, "--all")
    assert "\ndef main():" in (shop / "setup.py").read_text()
    assert "async def users(" in (shop / "main.py").read_text()
    assert printed_anew(tmp_path, _USE) == before
    after = tree(tmp_path)
    write(tmp_path, "--all", "--allow-dirty")
    assert tree(tmp_path) == after, "a second run changes nothing"
