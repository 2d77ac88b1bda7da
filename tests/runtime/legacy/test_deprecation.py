"""The shim warns once for each line which uses it, and counts every use."""

import asyncio
import warnings
from collections.abc import Callable

import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.orm import Session

from migrate_async.runtime.database import Database, close_db, init_db
from migrate_async.runtime.frames import Location
from migrate_async.runtime.hop import HopSession
from migrate_async.runtime.legacy.adapter import SyncSessionAdapter
from migrate_async.runtime.legacy.container import Container, adopt_registry
from migrate_async.runtime.legacy.deprecation import (
    LegacyShimWarning,
    counted_elsewhere,
    legacy_uses,
    sync_twin,
    warn_legacy,
)
from migrate_async.runtime.legacy.install import SessionScopeMiddleware, install
from migrate_async.runtime.legacy.scripts import run_async, run_legacy
from migrate_async.runtime.legacy.sessions import (
    get_sync_db,
    legacy_engine,
    legacy_scoped_session,
)


def use_the_shim() -> None:
    warn_legacy("old()", "new()")


def test_it_warns_once_per_line_and_counts_each_use() -> None:
    def use_it_on_two_lines() -> None:
        for _ in range(3):
            use_the_shim()
        warn_legacy("old()", "new()")

    with pytest.warns(LegacyShimWarning, match=r"old\(\) .* use new\(\) instead") as caught:
        use_it_on_two_lines()
    assert [warning.filename for warning in caught] == [__file__, __file__]
    assert sorted(use.count for use in legacy_uses()) == [1, 3]


def test_the_warning_is_a_deprecation_warning() -> None:
    with pytest.warns(DeprecationWarning, match="deprecated"):
        use_the_shim()


def test_a_sync_original_warns_of_its_callers_and_counts_them() -> None:
    @sync_twin("double_async", "0123abcd")
    def double(number: int) -> int:
        return 2 * number

    with pytest.warns(LegacyShimWarning, match=r"double .* use double_async instead"):
        assert [double(number) for number in range(3)] == [0, 2, 4]
    assert [(use.replacement, use.count) for use in legacy_uses()] == [("double_async", 3)]


def test_a_coroutine_function_is_nobodys_sync_original() -> None:
    async def get() -> None: ...

    with pytest.raises(TypeError, match="is a coroutine function"):
        sync_twin("get_async")(get)


def test_a_call_site_may_be_given() -> None:
    where = Location("shop/routes.py", 7, "list_orders")
    with pytest.warns(LegacyShimWarning) as caught:
        warn_legacy("old()", "new()", where)
    assert (caught[0].filename, caught[0].lineno) == ("shop/routes.py", 7)
    assert legacy_uses()[0].location == where


def test_nothing_is_counted_twice() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with counted_elsewhere():
            use_the_shim()
    assert legacy_uses() == []


def use_container() -> None:
    Container().register_factory("mailer", object)


def use_registry() -> None:
    class Registry:
        def resolve(self, name: str) -> object:
            return name

    adopt_registry(Registry)()


def use_adapter() -> None:
    SyncSessionAdapter(Session()).release()


def use_scope() -> None:
    SessionScopeMiddleware(FastAPI())


def use_sync_db() -> None:
    init_db("sqlite://")
    next(get_sync_db()).close()
    asyncio.run(close_db())


def await_sync_code() -> None:
    asyncio.run(run_legacy(str))


@pytest.mark.parametrize(
    ("use", "name", "replacement"),
    [
        (use_container, "register_factory()", "Depends"),
        (use_registry, "adopt_registry()", "Depends"),
        (use_adapter, "SyncSessionAdapter", "an AsyncSession in tests"),
        (use_scope, "SessionScopeMiddleware", "native routes"),
        (use_sync_db, "SessionLocal()", "Depends(get_db)"),
        (lambda: install(FastAPI()), "install()", "native routes"),
        (lambda: legacy_engine(Database("sqlite://")), "legacy_engine()", "run_sync"),
        (legacy_scoped_session, "legacy_scoped_session()", "Depends(get_db)"),
        (lambda: run_async(asyncio.sleep(0)), "run_async()", "await"),
        (await_sync_code, "run_legacy()", "an async function"),
    ],
)
def test_every_part_of_the_shim_names_its_replacement(
    use: Callable[[], object], name: str, replacement: str
) -> None:
    """Once for the line, and counted each time."""
    with pytest.warns(LegacyShimWarning) as caught:
        [use() for _ in range(2)]
    messages = [str(warning.message) for warning in caught if name in str(warning.message)]
    assert len(messages) == 1
    assert replacement in messages[0]
    assert caught[0].filename == __file__
    assert [use.count for use in legacy_uses() if use.name == name] == [2]


async def test_a_session_shared_with_async_code_is_counted_where_a_thread_uses_it() -> None:
    database = Database("sqlite://", session_options={"sync_session_class": HopSession})
    async with database.session() as session:
        await session.execute(text("SELECT 1"))
        assert legacy_uses() == []
        with pytest.warns(LegacyShimWarning, match="in a worker thread"):
            await asyncio.to_thread(lambda: session.sync_session.execute(text("SELECT 1")))
    assert [use.location.filename for use in legacy_uses()] == [__file__]
    await database.close()
