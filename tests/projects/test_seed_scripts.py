"""Scripts that open a session at their top level and hand it to functions that routes use, too.

They are executed before and after the migration.
"""

from __future__ import annotations

from pathlib import Path

from support.migration import printed_anew, tree, write

_MODELS = """\
from sqlalchemy import create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, sessionmaker


class Base(DeclarativeBase):
    pass


class Note(Base):
    __tablename__ = "notes"

    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str]


engine = create_engine("sqlite:///notes.db")
SessionLocal = sessionmaker(bind=engine)
Base.metadata.create_all(engine)
"""

_SEED = """\
from sqlalchemy.orm import Session

from models import Note, SessionLocal


def seed(db: Session, count: int) -> int:
    for number in range(count):
        db.add(Note(text=f"note {number}"))
    db.commit()
    return db.query(Note).count()


def total() -> int:
    with SessionLocal() as db:
        return db.query(Note).count()


class Seeder:
    def __init__(self, db: Session):
        self.db = db

    def run(self) -> int:
        return seed(self.db, 1)


if __name__ == "__main__":
    session = SessionLocal()
    print(seed(session, 3))
    session.close()
    with SessionLocal() as db:
        print(seed(db, 2), Seeder(db).run())
    print(total())
"""

_MAIN = """\
from fastapi import Depends, FastAPI
from sqlalchemy.orm import Session

from models import Note, SessionLocal
from seed import Seeder, seed

app = FastAPI()


def get_db():
    with SessionLocal() as db:
        yield db


@app.post("/seed")
def again(db: Session = Depends(get_db)):
    return [seed(db, 2), Seeder(db).run(), db.query(Note).count()]
"""

_USE = """
import runpy, warnings
warnings.simplefilter("ignore")
from fastapi.testclient import TestClient
from main import app
runpy.run_module("seed", run_name="__main__")
with TestClient(app) as client:
    print(client.post("/seed").text)
"""


def _used(folder: Path) -> str:
    return printed_anew(folder, _USE)


def test_what_a_script_calls_on_its_own_session_stays_sync(tmp_path: Path) -> None:
    for name, text in (("models", _MODELS), ("seed", _SEED), ("main", _MAIN)):
        (tmp_path / f"{name}.py").write_text(text)
    before = _used(tmp_path)
    assert before.split()[:4] == ["3", "5", "6", "6"]

    said = write(tmp_path, "--all")
    assert "the script seed.py calls it on a session that its top level opens" in said
    text = (tmp_path / "seed.py").read_text()
    assert "print(asyncio.run(total()))" in text
    assert "print(seed(session, 3))" in text
    assert _used(tmp_path) == before

    after = tree(tmp_path)
    write(tmp_path, "--all", "--allow-dirty")
    assert tree(tmp_path) == after, "a second run changes nothing"
