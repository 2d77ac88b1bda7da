"""What becomes of each URL argument: translated, dropped with a warning, or refused by name."""

from __future__ import annotations

import ssl
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

from migrate_async.runtime.driver_arguments import Translation, translate, with_foreign_arguments
from migrate_async.runtime.engine import async_engine_from_url, create_async_engine
from migrate_async.runtime.errors import IgnoredURLArgumentWarning, UnsupportedURLArgument
from migrate_async.runtime.urls import to_async_url
from support.databases import mariadb_url, postgresql_url


def translated(query: str, scheme: str = "postgresql", **options: Any) -> Translation:
    return translate(to_async_url(f"{scheme}://u@h/d?{query}"), **options)


@pytest.mark.parametrize(
    ("query", "connect_args"),
    [
        ("sslmode=require", {"ssl": "require"}),
        ("sslmode=verify-full", {"ssl": "verify-full"}),
        ("ssl=true", {"ssl": "require"}),
        ("ssl=disable", {"ssl": "disable"}),
        ("sslaccept=strict", {"ssl": "verify-full"}),
        ("application_name=a", {"server_settings": {"application_name": "a"}}),
        ("fallback_application_name=b", {"server_settings": {"application_name": "b"}}),
        ("options=--statement-timeout%3D5", {"server_settings": {"statement_timeout": "5"}}),
        ("schema=s", {"server_settings": {"search_path": "s"}}),
        ("connect_timeout=10", {"timeout": 10.0}),
        ("connect_timeout=0", {"timeout": None}),
        ("socket_timeout=10", {"command_timeout": 10.0}),
        ("statement_cache_size=0", {"statement_cache_size": 0}),
        ("client_encoding=UTF8", {}),
        ("gssencmode=prefer", {}),
        ("channel_binding=prefer", {}),
        ("pgbouncer=false", {}),
        ("pgbouncer=true", {"statement_cache_size": 0, "prepared_statement_cache_size": 0}),
    ],
)  # fmt: skip
def test_libpq_arguments_become_those_of_asyncpg(query: str, connect_args: dict[str, Any]) -> None:
    """And nothing of them is left in the URL, where asyncpg would stumble over it."""
    translation = translated(query)

    assert translation.connect_args == connect_args
    assert not translation.url.query


def test_several_arguments_meet_in_the_server_settings() -> None:
    """`application_name` wins over its fall-back, wherever that stands."""
    query = "application_name=a&fallback_application_name=b&options=-c%20geqo%3Doff%20-cjit%3Doff"

    settings = translated(query).connect_args["server_settings"]

    assert settings == {"application_name": "a", "geqo": "off", "jit": "off"}


@pytest.mark.parametrize("name", ["target_session_attrs", "passfile", "service", "krbsrvname"])
def test_what_asyncpg_knows_stays_in_the_url(name: str) -> None:
    """asyncpg reads them as libpq does."""
    assert dict(translated(f"{name}=x").url.query) == {name: "x"}


@pytest.mark.parametrize(
    "argument",
    [
        "keepalives=1",
        "keepalives_idle=30",
        "tcp_user_timeout=5",
        "channel_binding=require",
        "load_balance_hosts=random",
        "sslcompression=1",
    ],
)
def test_what_asyncpg_lacks_is_dropped_with_a_warning(argument: str) -> None:
    """The warning names the argument."""
    with pytest.warns(IgnoredURLArgumentWarning, match=argument.partition("=")[0]):
        translation = translated(argument)

    assert translation.connect_args == {}


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("require_auth=scram-sha-256", "authenticates"),
        ("gssencmode=require", "TLS"),
        ("client_encoding=latin1", "UTF-8"),
        ("options=-e", "-c name=value"),
        ("connect_timeout=soon", "a number"),
        ("statement_cache_size=many", "an integer"),
        ("sslmode=always", "verify-full"),
        ("no_such_thing=1", "not known"),
        ("application_name=a&application_name=b", "twice"),
    ],
)
def test_what_asyncpg_cannot_honour_is_refused_by_name(query: str, reason: str) -> None:
    """The message says why, or what to do."""
    with pytest.raises(UnsupportedURLArgument, match=reason) as caught:
        translated(query)

    assert caught.value.argument == query.partition("=")[0]
    assert caught.value.driver == "asyncpg"


def test_prismas_pool_arguments_become_options_of_the_engine() -> None:
    """`connection_limit` is a limit: no overflow."""
    translation = translated("connection_limit=3&pool_timeout=7")

    assert translation.engine_options == {"pool_size": 3, "max_overflow": 0, "pool_timeout": 7.0}


@pytest.mark.parametrize("query", ["", "pgbouncer=true"])
def test_pgbouncer_by_option_or_url(query: str) -> None:
    """Either is enough, for both PostgreSQL drivers."""
    asyncpg = translated(query, pgbouncer=not query)
    psycopg = translated(query, scheme="postgresql+psycopg", pgbouncer=not query)

    assert asyncpg.connect_args["statement_cache_size"] == 0
    assert psycopg.connect_args == {"prepare_threshold": None}


def test_psycopg_keeps_what_libpq_knows() -> None:
    """Only the arguments of other clients are translated; secrets leave the URL."""
    query = "keepalives=1&ssl=true&schema=s&options=-cgeqo%3Doff&sslpassword=secret"
    translation = translated(query, scheme="postgresql+psycopg")

    assert dict(translation.url.query) == {"keepalives": "1", "options": "-cgeqo=off"}
    assert translation.connect_args == {
        "sslmode": "require",
        "options": "-cgeqo=off -csearch_path=s",
        "sslpassword": "secret",
    }


def test_mysql_arguments_that_both_drivers_know_stay() -> None:
    """SQLAlchemy converts these itself."""
    query = {"charset": "utf8mb4", "connect_timeout": "3", "init_command": "SET x=1"}
    translation = translate(make_url("mysql+aiomysql://h/d").set(query=query))

    assert dict(translation.url.query) == query


@pytest.mark.parametrize("argument", ["read_timeout=3", "max_allowed_packet=1", "compress=true"])
def test_what_aiomysql_lacks_is_dropped_with_a_warning(argument: str) -> None:
    """PyMySQL and mysqlclient have them."""
    with pytest.warns(IgnoredURLArgumentWarning, match=argument.partition("=")[0]):
        assert translated(argument, scheme="mysql").connect_args == {}


def test_asyncmy_has_more_than_aiomysql() -> None:
    """The same table with a few differences."""
    translation = translated("read_timeout=3", scheme="mysql+asyncmy")

    assert translation.connect_args == {"read_timeout": 3}


@pytest.mark.parametrize("argument", ["collation", "pgbouncer", "no_such_thing"])
def test_what_mysql_cannot_honour_is_refused_by_name(argument: str) -> None:
    """As for PostgreSQL."""
    with pytest.raises(UnsupportedURLArgument, match=argument):
        translated(f"{argument}=x", scheme="mysql")


def test_mysql_names_of_user_and_database_move_into_the_url() -> None:
    """mysqlclient's spellings."""
    url = translated("passwd=secret&db=other&port=3307&autocommit=1", scheme="mysql").url

    assert (url.password, url.database, url.port) == ("secret", "other", 3307)


def test_required_tls_on_mysql_is_guarded() -> None:
    """Only `PREFERRED` may fall back to plain text."""
    required = translated("ssl_mode=REQUIRED", scheme="mysql").connect_args
    preferred = translated("ssl_mode=PREFERRED", scheme="mysql").connect_args

    assert isinstance(required["ssl"], ssl.SSLContext)
    assert "async_creator_fn" in required
    assert "async_creator_fn" not in preferred


def test_sqlite_arguments_stay() -> None:
    """The driver reads them itself."""
    query = {"timeout": "3", "uri": "true"}

    assert dict(translate(make_url("sqlite+aiosqlite:///x").set(query=query)).url.query) == query


async def test_arguments_of_a_sync_driver_may_stand_outside_of_the_url() -> None:
    """`connect_args` written for psycopg2, on a real server."""
    url = make_url(postgresql_url()).render_as_string(hide_password=False)
    given = {"application_name": "shop", "connect_timeout": 5, "options": "-c geqo=off"}
    engine = async_engine_from_url(url, connect_args={**given, "command_timeout": 9})
    async with engine.connect() as connection:
        settings = text("SELECT current_setting('application_name'), current_setting('geqo')")
        row = (await connection.execute(settings)).one()
    await engine.dispose()

    assert tuple(row) == ("shop", "off")
    assert given["connect_timeout"] == 5


async def test_an_argument_outside_of_the_url_is_refused_by_name() -> None:
    with pytest.raises(UnsupportedURLArgument, match="require_auth"):
        async_engine_from_url("postgresql://h/d", connect_args={"require_auth": "md5"})


async def test_timeouts_of_pymysql_outside_of_the_url_are_dropped_with_a_warning() -> None:
    with pytest.warns(IgnoredURLArgumentWarning, match="read_timeout"):
        async_engine_from_url("mysql+pymysql://h/d", connect_args={"read_timeout": 5})


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("driver", ["aiomysql", "asyncmy"])
async def test_what_mysql_connector_is_told_outside_of_the_url_reaches_no_other_driver(
    driver: str,
) -> None:
    url = make_url(f"mysql+{driver}://h/d")
    assert with_foreign_arguments(url, {"use_pure": True, "charset": "utf8mb4"}) == (
        url.update_query_dict({"use_pure": "True"}),
        {"charset": "utf8mb4"},
    )
    async_engine_from_url("mysql+mysqlconnector://h/d", connect_args={"use_pure": True})


LIBPQ_URL = (
    "application_name=shop&connect_timeout=5&client_encoding=utf8&sslmode=prefer"
    "&options=-c%20geqo%3Doff&target_session_attrs=read-write&channel_binding=prefer"
    "&gssencmode=disable&connection_limit=2&pgbouncer=true"
)


@pytest.mark.parametrize("scheme", ["postgresql", "postgresql+psycopg"])
async def test_a_libpq_url_connects(scheme: str) -> None:
    """On a real server, and the settings have arrived there."""
    url = make_url(postgresql_url()).set(drivername=scheme).render_as_string(hide_password=False)
    engine = create_async_engine(f"{url}?{LIBPQ_URL}")
    async with engine.connect() as connection:
        settings = text("SELECT current_setting('application_name'), current_setting('geqo')")
        row = (await connection.execute(settings)).one()
    await engine.dispose()

    assert tuple(row) == ("shop", "off")


async def test_a_mysql_url_connects() -> None:
    """On a real server, and the settings have arrived there."""
    query = "charset=utf8mb4&connect_timeout=5&init_command=SET%20%40x%3D7&local_infile=0"
    engine = create_async_engine(f"{mariadb_url()}?{query}")
    async with engine.connect() as connection:
        row = (await connection.execute(text("SELECT @x, @@character_set_client"))).one()
    await engine.dispose()

    assert tuple(row) == (7, "utf8mb4")
