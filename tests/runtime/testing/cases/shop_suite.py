"""The tests of the shop, as a project would write them."""

import asyncio

import pytest
import shop
from shop import Part, Thing
from sqlalchemy import func, select, text

from migrate_async.runtime.legacy.bridge import run_awaiting


@pytest.fixture
def app():
    return shop.app


@pytest.fixture
def thing(legacy_session):
    thing = Thing(name="made by a fixture", parts=[Part()])
    legacy_session.add(thing)
    legacy_session.commit()
    return thing


@pytest.mark.parametrize("run", range(2))
async def test_async_and_sync_routes_share_what_the_test_shares(client, db_session, run):
    assert (await client.get("/async")).json() == 0
    assert (await client.post("/async/a")).status_code == 200
    assert (await client.post("/sync/b")).json() == 2
    assert (await client.post("/undone/c")).status_code == 200
    assert (await client.post("/background/d")).status_code == 200
    db_session.add(Thing(name="e"))
    await db_session.commit()
    assert (await client.get("/sync")).json() == 4
    names = await db_session.scalars(select(Thing.name).order_by(Thing.name))
    assert list(names) == ["a", "b", "d", "e"]


async def test_an_error_of_the_database_leaves_the_rest_alone(client, db_session):
    await client.post("/async/a")
    assert (await client.post("/async/a")).status_code == 409
    await client.post("/async/b")
    assert await db_session.scalar(select(func.count(Thing.id))) == 2


async def test_reading_before_a_request_does_not_undo_it(client, db_session):
    await db_session.scalar(select(func.count(Thing.id)))
    await client.post("/async/a")
    await db_session.rollback()
    assert await db_session.scalar(select(func.count(Thing.id))) == 1


async def test_requests_at_the_same_time(client):
    requests = [client.post(f"/{kind}/{kind}{n}") for kind in ("async", "sync") for n in range(5)]
    answers = await asyncio.gather(*requests)
    assert [answer.status_code for answer in answers] == [200] * 10
    assert (await client.get("/async")).json() == 10


async def test_a_connection_for_plain_sql(client, db_connection):
    await client.post("/sync/a")
    assert (await db_connection.execute(text("SELECT count(*) FROM parts"))).scalar() == 2


async def test_legacy_helpers_in_an_async_test(client, thing, legacy_session):
    assert (await client.get("/async")).json() == 1
    assert await run_awaiting(lambda: len(thing.parts)) == 1


@pytest.mark.parametrize("run", range(2))
def test_sync_tests_with_the_sync_client(legacy_client, legacy_session, thing, run):
    assert len(thing.parts) == 1
    assert legacy_client.post("/async/a").status_code == 200
    assert legacy_client.post("/sync/b").json() == 2
    with legacy_session.begin_nested():
        legacy_session.add(Thing(name="undone"))
    legacy_session.rollback()
    assert legacy_client.get("/sync").json() == 3
    assert legacy_session.query(Thing).count() == 3


def test_a_session_without_a_client(legacy_session):
    assert legacy_session.query(Thing).count() == 0


async def test_the_lifespan_runs_and_its_state_arrives(client):
    assert (await client.get("/motto")).json() == "started"


async def test_context_variables_do_not_leak_between_requests(client):
    assert (await client.get("/user")).json() == "nobody"
    assert (await client.get("/user")).json() == "nobody"
