"""A coroutine whose session is annotated as one of either kind: what it awaits is as it was.

The code is executed before and after, with an async session.
"""

from __future__ import annotations

from pathlib import Path

from support.migration import printed_anew, write, written

_MAIN = """\
from fastapi import Depends, FastAPI
from sqlalchemy import create_engine, text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import Session, sessionmaker

engine = create_engine("sqlite:///app.db")
SessionLocal = sessionmaker(bind=engine)
async_engine = create_async_engine("sqlite+aiosqlite:///app.db")
AsyncSessionLocal = async_sessionmaker(bind=async_engine)
app = FastAPI()


def get_db():
    with SessionLocal() as db:
        yield db


async def get_async_db():
    async with AsyncSessionLocal() as db:
        yield db


@app.get("/sync")
def plain(db: Session = Depends(get_db)):
    return db.execute(text("select 1")).scalar()


@app.get("/either")
async def either(db: AsyncSession | Session = Depends(get_async_db)):
    connection = await db.connection()
    await connection.execution_options(note="x")
    return 2
"""

_USE = """
import warnings
warnings.simplefilter("ignore")
from fastapi.testclient import TestClient
from main import app
with TestClient(app) as client:
    print(client.get("/sync").text, client.get("/either").text)
"""


def test_what_is_awaited_is_not_awaited_again(tmp_path: Path) -> None:
    folder = written(tmp_path / "app", {"main.py": _MAIN, "pyproject.toml": ""})
    assert printed_anew(folder, _USE) == "1 2\n"
    write(folder, "--all")
    assert printed_anew(folder, _USE) == "1 2\n"
