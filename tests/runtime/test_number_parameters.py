"""Numbers as parameters over asyncpg, against what psycopg2 makes of them."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Float,
    Integer,
    MetaData,
    Numeric,
    String,
    Table,
    case,
    cast,
    create_engine,
    func,
    insert,
    literal,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.engine import make_url

from migrate_async.runtime.engine import async_engine_from_url
from support.databases import fresh_database

_TABLE = Table(
    "prices",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("scaled", Numeric(10, 2)),
    Column("exact", Numeric),
    Column("as_float", Numeric(10, 2, asdecimal=False)),
    Column("ratio", Float),
    Column("short", Float(24)),
    Column("several", ARRAY(Numeric(10, 2))),
)
_ROW = {
    "id": 1,
    "scaled": Decimal("2.25"),
    "exact": Decimal("1.5"),
    "as_float": 2.5,
    "ratio": 0.1,
    "short": 0.5,
    "several": [Decimal("1.5")],
}
c = _TABLE.c
_EXPRESSIONS: list[Callable[[], Any]] = [
    lambda: c.scaled > Decimal("2.249"),
    lambda: c.scaled == 2.2549,
    lambda: c.scaled.in_([Decimal("2.2501"), 2.2549]),
    lambda: c.scaled.between(2.2501, 2.2599),
    lambda: c.scaled * Decimal("0.075"),
    lambda: c.scaled * 1.125,
    lambda: c.scaled + 1.005,
    lambda: c.scaled - Decimal("0.001"),
    lambda: c.scaled / 3,
    lambda: c.exact + 0.1,
    lambda: c.ratio * 1.1,
    lambda: c.ratio == 0.1,
    lambda: c.short == 0.5,
    lambda: c.id * 1.5,
    lambda: c.several == [Decimal("1.501")],
    lambda: func.round(c.scaled * 1.5, 2),
    lambda: func.round(2.567, 2),
    lambda: func.trunc(2.567, 1),
    lambda: func.mod(5.5, 2),
    lambda: func.abs(-2.5),
    lambda: func.coalesce(c.scaled, 0.5),
    lambda: func.coalesce(c.id, 0.5),
    lambda: func.coalesce(func.sum(c.scaled), 0.0),
    lambda: func.greatest(c.as_float, 2.5),
    lambda: func.power(c.ratio, 0.5),
    lambda: func.sqrt(2.5),
    lambda: func.sum(case((c.id == 1, c.scaled), else_=0.0)),
    lambda: func.sum(case((c.id == 1, 1.5), else_=0)),
    lambda: func.generate_series(0.0, 1.0, 0.5),
    lambda: func.lower(func.numrange(1.5, 2.5)),
    lambda: cast(0.1, Numeric(10, 2)),
    lambda: cast(c.scaled, Numeric) * 1.5,
    lambda: literal(0.1),
    lambda: literal(0.1) + literal(0.2),
    lambda: func.percentile_cont(0.5).within_group(c.ratio),
]


def _answers(connection: Connection) -> list[str]:
    _TABLE.create(connection)
    connection.execute(insert(_TABLE), _ROW)
    found = [repr(connection.scalars(select(make())).all()) for make in _EXPRESSIONS]
    more = update(_TABLE).values(scaled=c.scaled + 0.005, exact=c.exact * 1.1, ratio=c.ratio * 2.5)
    found += map(repr, connection.execute(more.returning(c.scaled, c.exact, c.ratio)).all())
    rows = connection.execute(
        insert(_TABLE).returning(c.scaled, c.several),
        [
            {"id": 2, "scaled": 1.239, "several": [1.239]},
            {"id": 3, "scaled": Decimal("1.235"), "several": None},
        ],
    )
    return [*found, *map(repr, rows.all())]


async def test_all_digits_count(tmp_path: Path) -> None:
    async with fresh_database("postgresql", tmp_path) as url:
        given = make_url(url).set(drivername="postgresql+psycopg2")
        sync = create_engine(given)
        with sync.begin() as connection:
            expected = _answers(connection)
            _TABLE.drop(connection)
        assert expected[0] == "[True]"
        engine = async_engine_from_url(given)
        async with engine.begin() as connection_:
            found = await connection_.run_sync(_answers)
        await engine.dispose()
        sync.dispose()
    assert found == expected


async def test_the_driver_of_the_url_says_what_a_float_is(tmp_path: Path) -> None:
    """Without one that is psycopg (3) since SQLAlchemy 2.1; digits count there, too."""
    question = select(cast(func.pg_typeof(literal(2.5)), String), c.scaled > Decimal("2.249"))
    async with fresh_database("postgresql", tmp_path) as url:
        sync = create_engine(url)
        with sync.begin() as connection:
            _TABLE.create(connection)
            connection.execute(insert(_TABLE), _ROW)
            expected = connection.execute(question).one()
        engine = async_engine_from_url(url)
        assert engine.dialect.driver == "asyncpg"
        async with engine.begin() as connection_:
            assert (await connection_.execute(question)).one() == expected
        await engine.dispose()
        sync.dispose()
    assert expected[1]


def test_other_databases_are_left_alone() -> None:
    engine = async_engine_from_url("sqlite://")
    assert "NUMERIC" not in str(select(c.scaled > 2.249).compile(engine.sync_engine))
