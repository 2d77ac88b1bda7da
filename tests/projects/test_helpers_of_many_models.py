"""A helper without annotations that finds an object of whichever model it is given.

The code is executed before and after.
"""

from __future__ import annotations

from pathlib import Path

from support.migration import printed, write

_MODELS = 40

_HEAD = """\
from sqlalchemy import ForeignKey, create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship
from sqlalchemy.orm import sessionmaker


class Base(DeclarativeBase):
    pass
"""

_MODEL = """

class Part{0}(Base):
    __tablename__ = "parts{0}"

    id: Mapped[int] = mapped_column(primary_key=True)
    whole_id: Mapped[int] = mapped_column(ForeignKey("wholes{0}.id"))


class Whole{0}(Base):
    __tablename__ = "wholes{0}"

    id: Mapped[int] = mapped_column(primary_key=True)
    parts{0}: Mapped[list[Part{0}]] = relationship()
"""

_HELPER = """

engine = create_engine("sqlite://")
SessionLocal = sessionmaker(bind=engine)
Base.metadata.create_all(engine)


def existing(db: Session, model, id):
    return db.get(model, id)
"""

_READ = """

def parts_of_{0}(db: Session):
    whole = existing(db, Whole{0}, 1)
    return [part.id for part in whole.parts{0}] if whole else []


def main_{0}():
    with SessionLocal() as db:
        return parts_of_{0}(db)
"""

_USE = """
import asyncio, inspect
import models

async def last():
    Session, add = models.SessionLocal, lambda db: db.add(Whole(parts{0}=[Part(id=7)]))
    Whole, Part = models.Whole{0}, models.Part{0}
    db = Session()
    add(db)
    await awaited(db.commit())
    print(await awaited(models.parts_of_{0}(db)))
    await awaited(db.close())

async def awaited(value):
    return await value if inspect.isawaitable(value) else value

asyncio.run(last())
"""


def test_all_of_them_are_known(tmp_path: Path) -> None:
    """Before, the thirteenth model was forgotten, and what is read of its objects not awaited."""
    numbers = range(_MODELS)
    models = "".join(map(_MODEL.format, numbers))
    reads = "".join(map(_READ.format, numbers))
    url = f"sqlite:///{tmp_path}/parts.db"
    code = (_HEAD + models + _HELPER + reads).replace("sqlite://", url)
    (tmp_path / "models.py").write_text(code)
    use = _USE.format(_MODELS - 1)
    before = printed(tmp_path, use)
    assert before == "[7]\n"
    (tmp_path / "parts.db").unlink()
    write(tmp_path, "--all")
    text = (tmp_path / "models.py").read_text()
    assert text.count("await whole.awaitable_attrs.parts") == _MODELS
    assert printed(tmp_path, use) == before
