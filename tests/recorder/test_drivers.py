"""The sync and the async driver of a database are recorded alike."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from migrate_async.model.profile import Profile
from support.databases import fresh_database
from support.recorded import record

DRIVERS = {
    "sqlite": ("sqlite+pysqlite", "sqlite+aiosqlite"),
    "postgresql": ("postgresql+psycopg2", "postgresql+asyncpg"),
    "mariadb": ("mysql+pymysql", "mysql+aiomysql"),
}
WORK = """\
def work(db):
    db.add_all([Event(name=name, at=AT, price=Decimal("1.50")) for name in ("a%s", "b:c")])
    db.commit()
    query = select(Event).where(Event.at == AT, Event.name.in_(["a%s", "b:c"]))
    first = db.scalars(query.order_by(Event.name).limit(1)).one()
    first.name = "it's"
    db.commit()
    db.execute(delete(Event).where(Event.price > 1, Event.id == first.id))
    with db.begin_nested():
        db.execute(insert(Event), [{"name": name} for name in ("x", "y")])
    db.rollback()
"""
START = f"""\
import asyncio
import datetime
from decimal import Decimal
from sqlalchemy import *
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import Session, declarative_base

AT = datetime.datetime(2020, 2, 29, 10)
Base = declarative_base()


class Event(Base):
    __tablename__ = "events"
    id = Column(Integer, primary_key=True)
    name = Column(String(20))
    at = Column(DateTime)
    price = Column(Numeric(10, 2))


{WORK}

"""
SYNC = """\
engine = create_engine({url!r})
Base.metadata.drop_all(engine)
Base.metadata.create_all(engine)
with Session(engine) as db:
    work(db)
engine.dispose()
"""
ASYNC = """\
async def main():
    engine = create_async_engine({url!r})
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.drop_all)
        await connection.run_sync(Base.metadata.create_all)
    async with AsyncSession(engine) as db:
        await db.run_sync(work)
    await engine.dispose()


asyncio.run(main())
"""


def worked(profile: Profile) -> list[tuple[str, object, str]]:
    """What `work` executed: text, parameters and line."""
    assert profile.problems == ()
    start = START[: START.index("def work")].count("\n") + 1
    lines = {f"main.py:{start + number}" for number in range(WORK.count("\n"))}
    (test,) = profile.tests
    return [
        (profile.statements[run.statement], run.parameters, run.at)
        for run in test.executions
        if run.at in lines
    ]


@pytest.mark.parametrize("backend", DRIVERS)
async def test_both_drivers_are_recorded_alike(backend: str, tmp_path: Path) -> None:
    sync_driver, async_driver = DRIVERS[backend]
    async with fresh_database(backend, tmp_path) as database:
        url = make_url(database)
        texts = [
            (start, url.set(drivername=driver).render_as_string(hide_password=False))
            for start, driver in ((SYNC, sync_driver), (ASYNC, async_driver))
        ]
        found = []
        for number, (program, address) in enumerate(texts):
            folder = tmp_path / str(number)
            folder.mkdir()
            found.append(record(folder, START + program.format(url=address)))
    one, other = map(worked, found)
    assert one == other
    assert {text.split()[0] for text, _, _ in one} >= {"INSERT", "SELECT", "UPDATE", "DELETE"}
    assert one[-1][0] == "ROLLBACK"
