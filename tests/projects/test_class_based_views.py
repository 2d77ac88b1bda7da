"""Class-based views, whose session FastAPI injects into an attribute: executed before and after."""

from __future__ import annotations

from pathlib import Path

from support.migration import printed_anew, tree, write

_DB = """\
from sqlalchemy import create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, sessionmaker

engine = create_engine("sqlite:///notes.db")
SessionLocal = sessionmaker(bind=engine)


class Base(DeclarativeBase):
    pass


class Note(Base):
    __tablename__ = "notes"

    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str]


Base.metadata.create_all(engine)


def get_db():
    with SessionLocal() as db:
        yield db
"""

_VIEWS = """\
import inspect

from fastapi import Depends


def view(router):
    def decorate(cls):
        injected = {
            name: value for base in reversed(cls.__mro__) for name, value in vars(base).items()
            if type(value) is type(Depends())
        }

        def __init__(self, **given):
            vars(self).update(given)

        __init__.__signature__ = inspect.Signature([
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=value)
            for name, value in injected.items()
        ])
        cls.__init__ = __init__
        cls.__signature__ = __init__.__signature__
        for route in router.routes:
            function = route.endpoint
            if inspect.signature(function).parameters.get("self") is not None:
                first, *rest = inspect.signature(function).parameters.values()
                function.__signature__ = inspect.Signature([
                    first.replace(default=Depends(cls), kind=inspect.Parameter.KEYWORD_ONLY),
                    *(item.replace(kind=inspect.Parameter.KEYWORD_ONLY) for item in rest),
                ])
        return cls
    return decorate
"""

_MAIN = """\
from fastapi import APIRouter, Depends, FastAPI
from sqlalchemy.orm import Session

from db import Note, get_db
from views import view

router = APIRouter()


class Controller:
    db: Session = Depends(get_db)

    @property
    def texts(self):
        return [note.text for note in self.db.query(Note).all()]


@view(router)
class Notes(Controller):
    @router.post("/notes")
    def create(self, text: str):
        self.db.add(Note(text=text))
        self.db.commit()
        return getattr(self, "texts")

    @router.get("/texts")
    async def shown(self):
        return self.texts

    @router.get("/notes")
    def read(self):
        return self.db.query(Note).count()


app = FastAPI()


@app.get("/plain")
def plain(db: Session = Depends(get_db)):
    return db.query(Note).count()
"""

_USE = """
import warnings
warnings.simplefilter("ignore")
from fastapi.testclient import TestClient
from main import app, router
app.include_router(router)
with TestClient(app) as client:
    for text in ("one", "two"):
        print(client.post("/notes", params={"text": text}).text)
    print(client.get("/texts").text, client.get("/notes").text, client.get("/plain").text)
"""


def _used(folder: Path) -> str:
    return printed_anew(folder, _USE)


def test_a_view_that_stays_sync_takes_the_sync_side(tmp_path: Path) -> None:
    (tmp_path / "db.py").write_text(_DB)
    (tmp_path / "views.py").write_text(_VIEWS)
    (tmp_path / "main.py").write_text(_MAIN)
    before = _used(tmp_path)
    write(tmp_path, "--all")
    text = (tmp_path / "main.py").read_text()
    assert "db: Session = Depends(get_sync_db)" in text
    assert "async def plain" in text
    assert "async def shown" not in text, "it would wait on the event loop"
    assert _used(tmp_path) == before
    done = tree(tmp_path)
    write(tmp_path, "--all", "--allow-dirty")
    assert tree(tmp_path) == done, "a second run changes nothing"
