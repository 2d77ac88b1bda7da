"""`create_async_engine` and `async_sessionmaker` with defaults that survive production."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Literal

from sqlalchemy import NullPool, StaticPool
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import URL, Engine, make_url
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.ext.asyncio import async_engine_from_config as _async_engine_from_config
from sqlalchemy.ext.asyncio import async_sessionmaker as _async_sessionmaker
from sqlalchemy.ext.asyncio import create_async_engine as _create_async_engine

from migrate_async.runtime.aiosqlite_stop import stop_once
from migrate_async.runtime.cancellation import OrphanReaper
from migrate_async.runtime.driver_arguments import (
    Translation,
    translate,
    with_foreign_arguments,
)
from migrate_async.runtime.driver_errors import raise_errors_as_psycopg2
from migrate_async.runtime.errors import UnsupportedURL
from migrate_async.runtime.exact_numbers import take_floats_as_psycopg2
from migrate_async.runtime.guessed_texts import leave_guessed_texts_untyped
from migrate_async.runtime.interval_texts import read_intervals_as_psycopg2
from migrate_async.runtime.legacy.loop_owner import loop_owner
from migrate_async.runtime.mysql_parameters import escape_as_pymysql
from migrate_async.runtime.mysql_pings import ping_with_argument
from migrate_async.runtime.number_parameters import (
    keep_digits_of_numbers,
    write_floats_as_psycopg2,
)
from migrate_async.runtime.pools import FairAsyncQueuePool
from migrate_async.runtime.raw_sql import run_texts_as_psycopg2
from migrate_async.runtime.same_values import join_values_as_psycopg2
from migrate_async.runtime.session_zone import take_times_as_psycopg2
from migrate_async.runtime.short_floats import read_short_floats_as_psycopg2
from migrate_async.runtime.sqlite import (
    BeginMode,
    Pragmas,
    install_sqlite,
    is_sqlite_memory,
    is_sqlite_shared_memory,
)
from migrate_async.runtime.texts import take_texts_as_psycopg2
from migrate_async.runtime.tls import connect_aiomysql_with_tls
from migrate_async.runtime.untyped import read_texts_as_psycopg2
from migrate_async.runtime.untyped_lists import type_lists_as_psycopg2
from migrate_async.runtime.urls import to_async_url

POOL_RECYCLE_SECONDS = 1800
"""Below the idle timeouts of common proxies and of MySQL's default `wait_timeout` (8 h)."""

_COMPATIBLE = "_migrate_async_compatible_with"  # on the engine: it is a part of it
_GIVEN = "_migrate_async_given"  # the same
_CONNECTING_OPTIONS = ("connect_args", "async_creator")
"""Engine options without which not even a spare connection can be made."""


def create_async_engine(  # noqa: PLR0913  all but the first are keyword-only
    url: str | URL,
    *,
    pgbouncer: bool = False,
    cancel_orphans: bool = True,
    compatible_with: Literal["psycopg2"] | None = None,
    sqlite_begin: BeginMode = "IMMEDIATE",
    sqlite_pragmas: Pragmas | None = None,
    **options: Any,
) -> AsyncEngine:
    """`sqlalchemy.ext.asyncio.create_async_engine` for any of the common URLs.

    :param url: see `urls.to_async_url`; its query arguments are translated for the driver.
    :param pgbouncer: the server is behind a transaction-pooling proxy: prepare no statements.
        The URL argument `pgbouncer=true` says the same.
    :param cancel_orphans: stop the query of a cancelled task on the server, too. Off with
        `pgbouncer`; switch it off behind other proxies which invent the ids of connections.
    :param compatible_with: let the sync code of the shim pass parameters, run several statements,
        use raw cursors and read errors as with this driver (PostgreSQL only). Async code is not
        concerned.
    :param sqlite_begin: how SQLite transactions start, see `sqlite`.
    :param sqlite_pragmas: added to the defaults of `sqlite`.
    :param options: those of SQLAlchemy; they win over the defaults and the URL.
    :raises UnsupportedURL: no async driver is known, or `compatible_with` is not for this one.
    :raises UnsupportedURLArgument: the driver cannot honour an argument of the URL.
    """
    translation, options = _translated(url, options, pgbouncer=pgbouncer)
    url = translation.url
    engine = _create_async_engine(url, **{**default_pool_options(url, options), **options})
    if url.get_backend_name() == "sqlite":
        install_sqlite(engine.sync_engine, begin=sqlite_begin, pragmas=sqlite_pragmas)
    escape_as_pymysql(ping_with_argument(stop_once(engine)))
    loop_owner(engine.sync_engine)  # from its first connection on
    if compatible_with is not None:
        _remember_habits(engine.sync_engine, compatible_with)
    if cancel_orphans and not translation.pgbouncer:
        spare = {key: options[key] for key in _CONNECTING_OPTIONS if key in options}
        OrphanReaper.install(engine, partial(_create_async_engine, url, **spare))
    return engine


def async_engine_from_url(url: str | URL, **options: Any) -> AsyncEngine:
    """`sqlalchemy.ext.asyncio.create_async_engine` for the URL and arguments of a sync driver, too.

    The query arguments are those that `create_async_engine` takes; columns take times with a zone
    and without one, texts that are times or numbers, and floats for exact numbers, as psycopg2 did,
    whose classes errors have; numbers as parameters are exact and keep their digits, and those of
    the type `real` are what the server says; `text()` with parameters runs as it did with that,
    and `GROUP BY` knows expressions with parameters again. Nothing else is added: no pool, no
    PRAGMA.

    :param options: of SQLAlchemy; `connect_args` may be those of the sync driver.
    :raises UnsupportedURL: no async driver is known for it.
    :raises UnsupportedURLArgument: the driver cannot honour an argument of the URL.
    """
    given = (url, options)
    translation, options = _translated(url, options)
    options = {**_inet_options(url, translation.url), **options}
    engine = _create_async_engine(translation.url, **options)
    engine = _as_before(escape_as_pymysql(ping_with_argument(stop_once(engine))), url)
    if make_url(url).drivername != to_async_url(url).drivername:
        setattr(engine.sync_engine, _GIVEN, given)
    return engine


def given_to(engine: AsyncEngine) -> tuple[str | URL, dict[str, Any]] | None:
    """The URL and arguments of a sync driver that `engine` was made of, if it was."""
    given: tuple[str | URL, dict[str, Any]] | None = vars(engine.sync_engine).get(_GIVEN)
    return given


def async_engine_from_config(
    configuration: Mapping[str, Any], prefix: str = "sqlalchemy.", **options: Any
) -> AsyncEngine:
    """`sqlalchemy.ext.asyncio.async_engine_from_config` for a sync URL, too: for `env.py`.

    The URL and its query arguments are those that `create_async_engine` takes, and columns take
    times with a zone and without one, and floats for exact numbers, and an expression may be
    grouped by. Nothing else is added: no pool, no PRAGMA.

    :param options: of SQLAlchemy; they win over the configuration and the URL.
    :raises KeyError: the configuration has no `url`.
    :raises UnsupportedURL: no async driver is known for it.
    :raises UnsupportedURLArgument: the driver cannot honour an argument of the URL.
    """
    url = options.pop("url", None) or configuration[f"{prefix}url"]
    translation, options = _translated(url, options)
    options["url"] = translation.url
    engine = _async_engine_from_config(dict(configuration), prefix, **options)
    return _as_before(escape_as_pymysql(ping_with_argument(stop_once(engine))), url)


def _inet_options(url: str | URL, asynchronous: URL) -> dict[str, Any]:
    """Addresses are texts, as they were with psycopg2, also where the URL names no driver."""
    is_asyncpg = asynchronous.get_driver_name() == "asyncpg"
    return {"native_inet_types": False} if is_asyncpg and _driver(url) == "psycopg2" else {}


def _driver(url: str | URL) -> str:
    """The driver that `url`, of PostgreSQL, meant for SQLAlchemy."""
    return make_url(url).drivername.partition("+")[2] or postgresql.dialect.driver


def _as_before(engine: AsyncEngine, url: str | URL) -> AsyncEngine:
    """Let `engine` take the values that psycopg2 took, and send floats as the driver of `url`.

    To psycopg (3) a float is one, as it is to asyncpg; to psycopg2 it is an exact number.
    """
    if _driver(url) != "psycopg":
        engine = write_floats_as_psycopg2(engine)
    for take in (
        take_times_as_psycopg2,
        take_floats_as_psycopg2,
        keep_digits_of_numbers,
        take_texts_as_psycopg2,
        read_texts_as_psycopg2,
        read_intervals_as_psycopg2,
        read_short_floats_as_psycopg2,
        join_values_as_psycopg2,
        raise_errors_as_psycopg2,
        run_texts_as_psycopg2,
        leave_guessed_texts_untyped,
        type_lists_as_psycopg2,
    ):
        engine = take(engine)
    return engine


def compatible_with(engine: Engine) -> str | None:
    """The driver whose habits the sync code on this engine may keep, if any."""
    driver: str | None = vars(engine).get(_COMPATIBLE)
    return driver


def _remember_habits(engine: Engine, driver: str) -> None:
    if driver != "psycopg2" or engine.dialect.driver not in {"asyncpg", "psycopg"}:
        raise UnsupportedURL(
            f"compatible_with={driver!r} is for asyncpg and psycopg on PostgreSQL and knows "
            f"'psycopg2' only; this engine uses {engine.dialect.name} with {engine.dialect.driver}"
        )
    setattr(engine, _COMPATIBLE, driver)


def _translated(
    url: str | URL, options: dict[str, Any], *, pgbouncer: bool = False
) -> tuple[Translation, dict[str, Any]]:
    """The URL and the options of an engine as the async driver takes them."""
    given = options.get("connect_args", {})
    asynchronous, connect_args = with_foreign_arguments(to_async_url(url), given)
    translation = translate(asynchronous, pgbouncer=pgbouncer)
    options = {**translation.engine_options, **options, "connect_args": connect_args}
    merged = _connect_args(translation.url, translation.connect_args, options)
    return translation, {**options, "connect_args": merged}


def _connect_args(url: URL, translated: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
    """The URL's arguments under those of the caller; aiomysql guarded against plain text."""
    connect_args = {**translated, **options.get("connect_args", {})}
    if "server_settings" in connect_args:
        given = options.get("connect_args", {}).get("server_settings", {})
        merged = {**translated.get("server_settings", {}), **given}
        connect_args["server_settings"] = merged
    if url.get_driver_name() == "aiomysql" and options.get("connect_args", {}).get("ssl"):
        connect_args.setdefault("async_creator_fn", connect_aiomysql_with_tls)
    return connect_args


def async_sessionmaker(engine: AsyncEngine, **options: Any) -> _async_sessionmaker[AsyncSession]:
    """`async_sessionmaker` with objects that stay readable after a commit.

    `expire_on_commit=False`: reading an attribute after the commit needs no implicit I/O, which
    async code cannot do. `close_resets_only=False`: using a session after its request ended
    raises, instead of silently taking a connection that nobody returns.
    """
    defaults = {"expire_on_commit": False, "close_resets_only": False}
    return _async_sessionmaker(engine, **{**defaults, **options})


def default_pool_options(url: URL, options: dict[str, Any]) -> dict[str, Any]:
    """The pool arguments of `create_engine` for this database, where `options` name none.

    A SQLite file has no pool unless `pool_size` is given; then it has a bounded one.
    """
    if "poolclass" in options or "pool" in options:
        return {}
    fair: dict[str, Any] = {"poolclass": FairAsyncQueuePool}
    if url.get_backend_name() != "sqlite":
        return {**fair, "pool_pre_ping": True, "pool_recycle": POOL_RECYCLE_SECONDS}
    if is_sqlite_memory(url) and not is_sqlite_shared_memory(url):
        return {"poolclass": StaticPool}
    if is_sqlite_shared_memory(url) or "pool_size" in options:
        return fair
    return {"poolclass": NullPool}
