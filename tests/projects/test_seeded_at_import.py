"""Tables that an application fills as it is imported: executed before and after, on a new file."""

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
    name: Mapped[str]


def get_db():
    with SessionLocal() as db:
        yield db
"""
_IN_MEMORY = _DB.replace(
    '"sqlite:///users.db"',
    '"sqlite://", connect_args={"check_same_thread": False}, poolclass=StaticPool',
).replace("sessionmaker\n", "sessionmaker\nfrom sqlalchemy.pool import StaticPool\n", 1)
_SEED = """\
def seed():
    with SessionLocal() as db:
        if not db.query(User).first():
            db.add(User(name="admin"))
            db.commit()


"""
_MAIN = """\
from fastapi import Depends, FastAPI
from sqlalchemy.orm import Session

from db import Base, SessionLocal, User, engine, get_db

Base.metadata.create_all(bind=engine)
app = FastAPI()


SEED


@app.get("/users")
def users(db: Session = Depends(get_db)):
    return [user.name for user in db.query(User).all()]
"""
_USE = """
import warnings
warnings.simplefilter("ignore")
from fastapi.testclient import TestClient
from main import app
with TestClient(app) as client:
    print(client.get("/users").json())
"""
_AT_THE_TOP = """\
with SessionLocal() as session:
    session.add(User(name="admin"))
    session.commit()
"""


@pytest.mark.parametrize(
    "files",
    [
        {"main.py": _MAIN.replace("SEED\n", f"{_SEED}seed()\n")},
        {"main.py": _MAIN.replace("SEED\n", _AT_THE_TOP)},
        {
            "main.py": _MAIN.replace("SEED\n", "import seeds\n"),
            "seeds.py": f"from db import SessionLocal, User\n\n\n{_SEED}seed()\n",
        },
    ],
    ids=["by a function", "at the top", "in another module"],
)
def test_they_are_there_when_it_is_imported(tmp_path: Path, files: dict[str, str]) -> None:
    for name, code in {"db.py": _DB, **files}.items():
        (tmp_path / name).write_text(code)
    before = _used(tmp_path)
    assert before == "['admin']\n"
    write(tmp_path, "--all")
    assert "async def users(" in (tmp_path / "main.py").read_text()
    assert _used(tmp_path) == before
    after = tree(tmp_path)
    write(tmp_path, "--all", "--allow-dirty")
    assert tree(tmp_path) == after, "a second run changes nothing"


@pytest.mark.parametrize("seed", [f"{_SEED}seed()\n", _AT_THE_TOP], ids=["function", "top"])
def test_a_database_in_memory_stays_sync(tmp_path: Path, seed: str) -> None:
    """An engine beside it would have a database of its own."""
    (tmp_path / "db.py").write_text(_IN_MEMORY)
    (tmp_path / "main.py").write_text(_MAIN.replace("SEED\n", seed))
    assert _used(tmp_path) == "['admin']\n"
    said = write(tmp_path, "--all")
    assert "SessionLocal stays sync (its database is in memory, and filled at import)" in said
    assert _used(tmp_path) == "['admin']\n"


def test_a_database_in_memory_that_start_up_fills(tmp_path: Path) -> None:
    (tmp_path / "db.py").write_text(_IN_MEMORY)
    start_up = f'@app.on_event("startup")\n{_SEED}'
    (tmp_path / "main.py").write_text(_MAIN.replace("SEED\n", start_up))
    write(tmp_path, "--all")
    assert "async def users(" in (tmp_path / "main.py").read_text()
    assert _used(tmp_path) == "['admin']\n"


def test_a_script_that_nobody_imports_does_not_count(tmp_path: Path) -> None:
    (tmp_path / "db.py").write_text(_DB)
    (tmp_path / "main.py").write_text(_MAIN.replace("SEED\n\n\n", ""))
    (tmp_path / "seeds.py").write_text(f"from db import SessionLocal, User\n\n\n{_SEED}seed()\n")
    write(tmp_path, "--all")
    assert (
        "await connection.run_sync(Base.metadata.create_all)" in (tmp_path / "main.py").read_text()
    )


def _used(folder: Path) -> str:
    (folder / "users.db").unlink(missing_ok=True)
    return printed_anew(folder, _USE)
