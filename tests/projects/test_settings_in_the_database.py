"""Settings that ask the database when they are read, by an import in `__getattr__`.

Another part of the application makes a session factory in a function. The code is executed before
and after.
"""

from __future__ import annotations

from pathlib import Path

from support.migration import command, printed_anew, tree, write, written

_SETUP = """\
from sqlalchemy import create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, sessionmaker

from settings import settings


def get_db_url() -> str:
    return settings.DB_URL


def _build_engine():
    url = get_db_url()
    kwargs = {"echo": False}
    return create_engine(url, **kwargs)


engine = _build_engine()


SessionLocal = sessionmaker(autocommit=False, autoflush=False, bind=engine)


class Base(DeclarativeBase):
    pass


class Secret(Base):
    __tablename__ = "secrets"

    key: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str]


def get_db():
    db = SessionLocal()
    try:
        yield db
    finally:
        db.close()
"""

_SERVICE = """\
from sqlalchemy.orm import Session

from database.setup_db import Secret


def resolve_from_db(session: Session, key: str):
    secret = session.query(Secret).filter(Secret.key == key).first()
    return secret.value if secret else None
"""

_SETTINGS = """\
class Settings:
    DB_URL = "sqlite:///app.db"
    NAME = "env"


class _SettingsProxy:
    def __init__(self, delegate):
        object.__setattr__(self, "_delegate", delegate)

    def __getattr__(self, name: str):
        delegate = object.__getattribute__(self, "_delegate")
        if name == "DB_URL":
            return getattr(delegate, name, None)
        try:
            from database.setup_db import SessionLocal  # type: ignore
            from service import resolve_from_db  # type: ignore

            session = SessionLocal()
            try:
                value = resolve_from_db(session, key=name)
                if value is not None:
                    return value
            finally:
                session.close()
        except Exception:
            pass
        return getattr(delegate, name, None)


settings = _SettingsProxy(Settings())
"""

_REPORTS = """\
from sqlalchemy import create_engine, text
from sqlalchemy.orm import sessionmaker


class Reports:
    def __init__(self, url: str):
        self.engine = create_engine(url)
        self.Session = sessionmaker(bind=self.engine)

    def count(self) -> int:
        with self.Session() as session:
            return session.execute(text("SELECT count(*) FROM secrets")).scalar_one()


def length(url: str) -> int:
    engine = create_engine(url)
    Session = sessionmaker(bind=engine)
    with Session() as session:
        return session.execute(text("SELECT length('four')")).scalar_one()
"""

_MAIN = """\
from fastapi import Depends, FastAPI
from sqlalchemy.orm import Session

from database.setup_db import Base, Secret, engine, get_db
from reports import Reports, length
from settings import settings

Base.metadata.create_all(engine)
app = FastAPI()


@app.get("/secrets")
def secrets(db: Session = Depends(get_db)):
    return [settings.NAME, {row.key: row.value for row in db.query(Secret)}]


@app.post("/secrets")
def save(value: str, db: Session = Depends(get_db)):
    db.merge(Secret(key="NAME", value=value))
    db.commit()
    return settings.NAME


@app.get("/reports")
def reports():
    return [Reports(settings.DB_URL).count(), length(settings.DB_URL)]
"""

_USE = """
import warnings
warnings.simplefilter("ignore")
from fastapi.testclient import TestClient
from main import app
with TestClient(app) as client:
    print(client.get("/secrets").text, client.post("/secrets?value=v").text)
    print(client.get("/secrets").text, client.get("/reports").text)
"""


def test_they_ask_by_the_sync_factory(tmp_path: Path) -> None:
    files = {
        "database/__init__.py": "",
        "database/setup_db.py": _SETUP,
        "service.py": _SERVICE,
        "settings.py": _SETTINGS,
        "reports.py": _REPORTS,
        "main.py": _MAIN,
        "pyproject.toml": "",
    }
    written(tmp_path, files)
    before = printed_anew(tmp_path, _USE)
    assert '["v",{"NAME":"v"}] [1,4]' in before
    write(tmp_path, "--all")
    settings = (tmp_path / "settings.py").read_text()
    assert "from database.setup_db import SyncSessionLocal as SessionLocal" in settings
    assert "async def reports()" in (tmp_path / "main.py").read_text()
    assert printed_anew(tmp_path, _USE) == before
    assert command(tmp_path, "verify").stdout == "Nothing found.\n"
    after = tree(tmp_path)
    write(tmp_path, "--all", "--allow-dirty")
    assert tree(tmp_path) == after, "a second run changes nothing"
