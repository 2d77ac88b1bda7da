"""Code written for psycopg2 over asyncpg and psycopg, with the setting that is made for it."""

import asyncio
import datetime as dt
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, func, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from migrate_async.runtime.database import Database
from migrate_async.runtime.engine import create_async_engine
from migrate_async.runtime.errors import UnsupportedURL
from migrate_async.runtime.legacy.bridge import run_awaiting
from migrate_async.runtime.legacy.engine import BridgedEngine, bridged_engine
from migrate_async.runtime.legacy.habits.sql_text import ParameterRefused
from migrate_async.runtime.tracking import request_scope
from support.idioms import IDIOMS, Idiom, Part, fill

DRIVERS = ("asyncpg", "psycopg")
ZONE = "America/New_York"
"""Of the database session; not that of any machine these tests run on."""
REFUSED_BY_SERVER = "an_int_for_a_text"


@pytest.fixture(scope="session")
def psycopg2_engine(postgresql_url: str) -> Iterator[Engine]:
    """The legacy application's own engine."""
    url = make_url(postgresql_url).set(drivername="postgresql+psycopg2")
    engine = create_engine(url, connect_args={"options": f"-c timezone={ZONE}"})
    fill(engine)
    yield engine
    engine.dispose()


@pytest.fixture(params=DRIVERS)
async def bridged(
    request: pytest.FixtureRequest, postgresql_url: str, psycopg2_engine: Engine
) -> AsyncIterator[BridgedEngine]:
    async with opened(postgresql_url, request.param, compatible_with="psycopg2") as engine:
        yield engine


@asynccontextmanager
async def opened(url: str, driver: str, **options: Any) -> AsyncIterator[BridgedEngine]:
    given = make_url(url).set(drivername=f"postgresql+{driver}")
    given = given.update_query_dict({"options": f"-c timezone={ZONE}"})
    database = Database(given, engine_options={"pool_size": 3, **options})
    yield bridged_engine(database.engine)
    await database.close()


async def in_a_request(function: Callable[..., Any], *args: Any) -> Any:
    async with request_scope():
        return await asyncio.to_thread(function, *args)


def performed(engine: Engine) -> dict[str, str]:
    """Every idiom, and how it went."""
    return {name: _perform(idiom, engine) for name, idiom in IDIOMS.items()}


def _perform(idiom: Idiom, engine: Engine) -> str:
    bind = engine.for_sessions if isinstance(engine, BridgedEngine) else engine
    with Session(bind) as session:
        try:
            idiom(session, engine)
        except Exception as error:  # noqa: BLE001  it is shown by the test that fails
            return f"{type(error).__name__}: {error}".partition("\n")[0]
        return "works"


def test_they_are_idioms(psycopg2_engine: Engine) -> None:
    """With psycopg2 they work, but one; otherwise the tests below would show nothing."""
    found = performed(psycopg2_engine)
    refused = found.pop(REFUSED_BY_SERVER)
    assert "operator does not exist" in refused
    assert set(found.values()) == {"works"}
    assert len(found) == 28


async def test_idioms_work_in_worker_threads(bridged: BridgedEngine) -> None:
    """The mode `hop`."""
    found = await in_a_request(performed, bridged)
    assert "operator does not exist" in found.pop(REFUSED_BY_SERVER)
    assert found == dict.fromkeys(found, "works")


async def test_idioms_work_in_greenlets(bridged: BridgedEngine) -> None:
    """The mode `loop`."""
    found = await run_awaiting(performed, bridged)
    assert "operator does not exist" in found.pop(REFUSED_BY_SERVER)
    assert found == dict.fromkeys(found, "works")


@pytest.mark.parametrize("driver", DRIVERS)
async def test_without_the_setting_the_driver_s_ways_show(
    driver: str, postgresql_url: str, psycopg2_engine: Engine
) -> None:
    """The setting is worth having, and is off by default."""
    async with opened(postgresql_url, driver) as engine:
        found = await in_a_request(performed, engine)
    failing = {name for name, result in found.items() if result != "works"}
    assert failing >= {"a_tuple_for_in", "several_statements", "copying_to_a_file"}
    assert "a_lazy_collection" not in failing


NAIVE = dt.datetime(2024, 5, 1, 9, 30)
AWARE = dt.datetime(2024, 5, 1, 9, 30, tzinfo=dt.timezone.utc)
PART = "SELECT count(*) FROM idiom_part WHERE "
TEXTS: dict[str, tuple[str, dict[str, Any]]] = {
    "a str for an int": (PART + "amount = :a", {"a": " 7 "}),
    "a str for a number": (PART + "price = :a", {"a": "0.1"}),
    "a str for a bool": (PART + "checked = :a", {"a": "no"}),
    "a str for an uuid": (PART + "token = :a", {"a": "{0f7c4c5e00004000-8000000000000001}"}),
    "a str for a date": (PART + "bought = :a", {"a": "May 1, 2024"}),
    "a str with a zone for a time": (PART + "seen = :a", {"a": "2024-05-01 14:00+02"}),
    "a str without a zone for a time": (PART + "seen = :a", {"a": "2024-05-01 08:00"}),
    "a zone which is ignored": (PART + "noted = :a", {"a": "2024-05-01 12:00+05"}),
    "a str for an interval": ("SELECT CAST('2024-01-01' AS timestamp) + :a", {"a": "1 month"}),
    "a time without a zone": (
        "SELECT CAST(:a AS timestamptz) = seen FROM idiom_part",
        {"a": NAIVE},
    ),
    "a naive time beside one with a zone": (PART + "seen > :a", {"a": NAIVE}),
    "an aware time beside one without": (PART + "noted > :a", {"a": AWARE}),
    "a time for a date": (PART + "bought >= :a", {"a": NAIVE}),
    "a date for a time": (PART + "seen >= :a", {"a": dt.date(2024, 5, 1)}),
    "a date for a text": ("SELECT :a || ''", {"a": dt.date(2024, 5, 1)}),
    "a float for a number": (PART + "price = :a", {"a": 0.1}),
    "a float for an int": (PART + "amount = :a", {"a": 7.5}),
    "a float divides an int": ("SELECT 7 / :a", {"a": 2.0}),
    "a decimal divides an int": ("SELECT 7 / :a", {"a": Decimal(2)}),
    "not a number": ("SELECT CAST(:a AS text)", {"a": float("nan")}),
    "an int by itself": ("SELECT :a", {"a": 5}),
    "a large int": (PART + "amount = :a", {"a": 3_000_000_000}),
    "a huge int": ("SELECT CAST(:a AS text)", {"a": 2**70}),
    "an int in a concatenation": ("SELECT :a || 'x'", {"a": 5}),
    "a bool in a text": ("SELECT CAST(:a AS text)", {"a": True}),
    "a function of a time": ("SELECT date_trunc('hour', :a)", {"a": AWARE}),
    "an object of texts": ("SELECT CAST(jsonb_build_object('a', :a) AS text)", {"a": "b"}),
    "texts put together": ("SELECT concat(:a, 1, :b)", {"a": "b", "b": 2}),
    "days added to a date": ("SELECT bought + :a FROM idiom_part LIMIT 1", {"a": 3}),
    "the number of a column": ("SELECT id, -id FROM idiom_part ORDER BY :a LIMIT 1", {"a": 2}),
    "a number of rows": (
        "SELECT id FROM idiom_part ORDER BY id LIMIT :a OFFSET :b",
        {"a": 2, "b": 1},
    ),
    "pairs": (PART + "(id, amount) IN :a", {"a": ((1, 1), (2, 2), (3, 4))}),
    "texts for ints behind IN": (PART + "id IN :a", {"a": ("1", "2")}),
    "the same twice": (PART + "id = :a OR amount = :a", {"a": "7"}),
    "a cast of one's own": ("SELECT :a::date", {"a": NAIVE}),
    "text in quotes": ("SELECT ':a; $1 %s', :a, E'\\'$1', $x$ $1; $x$ -- $1", {"a": "b"}),
    "a comment in a comment": ("SELECT /* a /* ; $1 */ $1 ; */ :a", {"a": 1}),
    "several with values": ("SELECT :a; SELECT :b || :c", {"a": 1, "b": "x", "c": "y"}),
    "the last one writes": ("SELECT 1; UPDATE idiom_part SET amount = amount", {}),
    "floats in a list": (PART + "price = ANY(:a)", {"a": [0.1]}),
    "None": (PART + "name = :a", {"a": None}),
    # What psycopg2 refuses is refused.
    "an int for a text": (PART + "name = :a", {"a": 7}),
    "an int for a bool": (PART + "checked = :a", {"a": 1}),
    "no ids": (PART + "id IN :a", {"a": ()}),
    "not an int": (PART + "id = :a", {"a": "seven"}),
}


def outcomes(engine: Engine) -> dict[str, Any]:
    """The rows of each text, or that it failed."""
    return {case: _outcome(engine, *text_) for case, text_ in TEXTS.items()}


def _outcome(engine: Engine, sql: str, values: dict[str, Any]) -> Any:
    bind = engine.for_sessions if isinstance(engine, BridgedEngine) else engine
    with Session(bind) as session:
        try:
            result = session.execute(text(sql), values)
            return [tuple(row) for row in result] if result.returns_rows else "no rows"
        except (DBAPIError, ParameterRefused):
            return "refused"


async def test_a_text_means_the_same(bridged: BridgedEngine, psycopg2_engine: Engine) -> None:
    """The rows are those of psycopg2, and so are the refusals."""
    assert await in_a_request(outcomes, bridged) == outcomes(psycopg2_engine)


WRITES: dict[str, dict[str, Any]] = {
    "texts": {
        "id": "900",
        "amount": "3",
        "price": "0.30",
        "shelf_id": "1",
        "bought": "2024-02-29",
        "seen": "2024-07-01 10:00",
        "noted": "2024-07-01 10:00",
        "token": uuid.uuid4(),
    },
    "an int for a text": {"id": 900, "name": 12345},
    "times of the other kind": {"id": 900, "seen": NAIVE, "noted": AWARE, "bought": NAIVE},
    "a date for times": {"id": 900, "seen": NAIVE.date(), "noted": NAIVE.date()},
    "floats": {"id": 900, "price": 0.1, "amount": 2.6},
    "a text with quotes": {"id": 900, "name": "O'Brien \\ $1 {} %s"},
}


def stored(engine: Engine) -> dict[tuple[str, int], Any]:
    """The parts as they come back; one, and several in one statement."""
    return {(case, n): _stored(engine, WRITES[case], n) for case in WRITES for n in (1, 3)}


def _stored(engine: Engine, values: dict[str, Any], several: int) -> Any:
    bind = engine.for_sessions if isinstance(engine, BridgedEngine) else engine
    with Session(bind) as session:
        for number in range(several):
            own = {**values, "id": type(values["id"])(int(values["id"]) + number)}
            session.add(Part(**{"name": "new", "shelf_id": 1, **own}))
        session.flush()
        columns = [column for column in Part.__table__.columns if column.name != "token"]
        rows = session.execute(select(*columns).where(Part.id >= 900).order_by(Part.id))
        return [tuple(row) for row in rows]


async def test_objects_are_stored_the_same(bridged: BridgedEngine, psycopg2_engine: Engine) -> None:
    assert await in_a_request(stored, bridged) == stored(psycopg2_engine)


async def test_async_code_on_the_engine_keeps_the_driver_s_ways(
    postgresql_url: str, psycopg2_engine: Engine
) -> None:
    """The setting concerns the sync code only."""
    engine = create_async_engine(
        make_url(postgresql_url).set(drivername="postgresql+asyncpg"), compatible_with="psycopg2"
    )
    bridged_engine(engine)
    async with AsyncSession(engine) as session:
        with pytest.raises(DBAPIError, match="expected str"):
            await session.execute(text("SELECT :a"), {"a": 5})
    await engine.dispose()


@pytest.mark.parametrize("url", ["sqlite:///x.db", "mysql://host/base"])
def test_other_databases_have_no_such_setting(url: str) -> None:
    """Their async drivers take what the sync ones take."""
    with pytest.raises(UnsupportedURL, match="compatible_with='psycopg2'"):
        create_async_engine(url, compatible_with="psycopg2")


def use(engine: Engine, function: Callable[[Session], Any]) -> Any:
    assert isinstance(engine, BridgedEngine)
    with Session(engine.for_sessions) as session:
        return function(session)


async def test_a_list_of_texts_is_typed_by_the_column(bridged: BridgedEngine) -> None:
    """Behind IN, where each has a placeholder of its own."""
    times = ["2024-05-01 12:00", "2024-05-01 13:00"]
    statement = select(func.count(Part.id)).where(Part.noted.in_(times))
    assert await in_a_request(use, bridged, lambda session: session.scalar(statement)) == 40


async def test_rows_of_texts_are_updated_in_bulk(bridged: BridgedEngine) -> None:
    """`executemany`, whose rows may differ in their types."""

    def work(session: Session) -> Any:
        rows = [{"n": "1", "a": 71}, {"n": 2, "a": "72"}]
        session.execute(text("UPDATE idiom_part SET amount = :a WHERE id = :n"), rows)
        return list(session.scalars(text("SELECT amount FROM idiom_part WHERE id < 3 ORDER BY id")))

    assert await in_a_request(use, bridged, work) == [71, 72]


async def test_sql_for_the_driver_has_its_old_placeholders(bridged: BridgedEngine) -> None:
    def work(session: Session) -> Any:
        return session.connection().exec_driver_sql("SELECT %s || '%%'", ("a",)).scalar()

    assert await in_a_request(use, bridged, work) == "a%"


async def test_a_raw_cursor_takes_names(bridged: BridgedEngine) -> None:
    def work(session: Session) -> Any:
        cursor = session.connection().connection.cursor()
        cursor.execute("SELECT %(a)s::int + %(b)s, %(a)s", {"a": "1", "b": 2})
        return tuple(cursor.fetchone() or ())

    assert await in_a_request(use, bridged, work) == (3, "1")


async def test_an_error_in_a_statement_leaves_what_psycopg2_leaves(bridged: BridgedEngine) -> None:
    """A refused value is an error of the server: the transaction is over until the rollback."""

    def work(session: Session) -> Any:
        with pytest.raises(DBAPIError):
            session.execute(text("SELECT id FROM idiom_part WHERE id = :a"), {"a": "x"})
        with pytest.raises(DBAPIError, match="aborted"):
            session.execute(text("SELECT 1 WHERE 'a' = :a"), {"a": "x"})
        session.rollback()
        return session.execute(text("SELECT :a"), {"a": "x"}).scalar()

    assert await in_a_request(use, bridged, work) == "x"


@pytest.fixture
async def over_asyncpg(
    postgresql_url: str, psycopg2_engine: Engine
) -> AsyncIterator[BridgedEngine]:
    async with opened(postgresql_url, "asyncpg", compatible_with="psycopg2") as engine:
        yield engine


REFUSED: dict[str, tuple[str, Any]] = {
    "inside": ("SELECT '%s days'", (5,)),
    "2 values for 1": ("SELECT %s", (5, 6)),
    "no value for the placeholder %\\(b\\)s": ("SELECT %(b)s", {"a": 5}),
}


@pytest.mark.parametrize("message", REFUSED)
async def test_what_cannot_be_kept_is_refused_by_name(
    message: str, over_asyncpg: BridgedEngine
) -> None:
    """psycopg2 pastes values into the text; a driver with real parameters cannot."""

    def work(session: Session) -> Any:
        session.connection().connection.cursor().execute(*REFUSED[message])

    with pytest.raises(ParameterRefused, match=message):
        await in_a_request(use, over_asyncpg, work)


async def test_several_statements_in_autocommit_are_refused(over_asyncpg: BridgedEngine) -> None:
    """psycopg2's would be one transaction."""

    def work(session: Session) -> Any:
        connection = session.connection(execution_options={"isolation_level": "AUTOCOMMIT"})
        connection.execute(text("SELECT 1; SELECT 2"))

    with pytest.raises(ParameterRefused, match="AUTOCOMMIT"):
        await in_a_request(use, over_asyncpg, work)


async def test_times_in_a_list_are_refused_if_they_would_be_converted(
    over_asyncpg: BridgedEngine,
) -> None:
    """asyncpg would take them for times of this machine, psycopg2 for those of the session."""

    def work(session: Session) -> Any:
        session.execute(text(PART + "seen = ANY(:a)"), {"a": [NAIVE]})

    with pytest.raises(ParameterRefused, match="array of timestamptz"):
        await in_a_request(use, over_asyncpg, work)
