"""Database URLs: the async driver, the way back, and no secrets in text."""

from __future__ import annotations

import pytest
from sqlalchemy.engine import URL

from migrate_async.runtime.errors import UnsupportedURL
from migrate_async.runtime.urls import mask_url, parse_url, to_async_url, to_sync_url


@pytest.mark.parametrize(
    ("scheme", "expected"),
    [
        ("sqlite", "sqlite+aiosqlite"),
        ("sqlite+pysqlite", "sqlite+aiosqlite"),
        ("postgres", "postgresql+asyncpg"),
        ("postgresql", "postgresql+asyncpg"),
        ("postgresql+psycopg2", "postgresql+asyncpg"),
        ("postgresql+pg8000", "postgresql+asyncpg"),
        ("mysql", "mysql+aiomysql"),
        ("mysql+pymysql", "mysql+aiomysql"),
        ("mysql+mysqldb", "mysql+aiomysql"),
        ("mariadb", "mariadb+aiomysql"),
        ("mariadb+mariadbconnector", "mariadb+aiomysql"),
    ],
)
def test_a_sync_scheme_gets_its_async_driver(scheme: str, expected: str) -> None:
    """Host, user, path and query stay as they are."""
    url = to_async_url(f"{scheme}://u:p@h:1/d?charset=utf8")

    assert url.drivername == expected
    assert url.render_as_string(hide_password=False).partition(":")[2] == "//u:p@h:1/d?charset=utf8"


@pytest.mark.parametrize(
    "scheme",
    ["sqlite+aiosqlite", "postgresql+asyncpg", "postgresql+psycopg", "mysql+asyncmy"],
)
def test_an_async_url_stays(scheme: str) -> None:
    """Whoever chose a driver keeps it; psycopg is both."""
    assert to_async_url(f"{scheme}:///d").drivername == scheme


def test_a_url_object_is_accepted() -> None:
    """Not only text, as with `create_engine`."""
    assert to_async_url(URL.create("sqlite", database="x")).drivername == "sqlite+aiosqlite"


@pytest.mark.parametrize("url", ["oracle://u:secret@h/d", "mssql+pyodbc://u:secret@h/d"])
def test_a_database_without_async_driver_is_refused_by_name(url: str) -> None:
    """The message names the scheme and not the password."""
    with pytest.raises(UnsupportedURL, match=url.partition(":")[0].replace("+", r"\+")) as caught:
        to_async_url(url)

    assert "secret" not in str(caught.value)


def test_text_that_is_no_url_is_refused_without_its_password() -> None:
    """A misprint must not put the password into the log."""
    with pytest.raises(UnsupportedURL) as caught:
        to_async_url("postgresql//user:secret@host?password=secret")

    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("url", "driver", "expected"),
    [
        ("postgres://h/d?sslmode=require", "psycopg2", "postgresql+psycopg2://h/d?sslmode=require"),
        ("postgresql+asyncpg://h/d?ssl=require", "psycopg", "postgresql+psycopg://h/d?sslmode=require"),
        ("postgresql+asyncpg://h/d?ssl=true", "psycopg2", "postgresql+psycopg2://h/d?sslmode=require"),
        ("postgresql+asyncpg://h/d?timeout=2.5", "psycopg2", "postgresql+psycopg2://h/d?connect_timeout=3"),
        ("postgresql+asyncpg://h/d?command_timeout=9&statement_cache_size=0", "psycopg2", "postgresql+psycopg2://h/d"),
        ("postgresql+psycopg://h/d", None, "postgresql+psycopg://h/d"),
        ("postgresql://h/d?pgbouncer=true&connection_limit=3", "psycopg2", "postgresql+psycopg2://h/d"),
        ("postgresql://h/d?schema=a", "psycopg2", "postgresql+psycopg2://h/d?options=-csearch_path%3Da"),
        ("mysql+aiomysql://h/d?charset=utf8mb4", None, "mysql+pymysql://h/d?charset=utf8mb4"),
        ("mysql+aiomysql://h/d?ssl=true", None, "mysql+pymysql://h/d?ssl_verify_cert=false"),
        ("mysql+aiomysql://h/d?ssl_mode=VERIFY_IDENTITY", None, "mysql+pymysql://h/d?ssl_verify_identity=true"),
        ("sqlite+aiosqlite:///x.db", None, "sqlite+pysqlite:///x.db"),
    ],
)  # fmt: skip
def test_the_way_back_to_a_sync_driver(url: str, driver: str | None, expected: str) -> None:
    """The async drivers' own arguments get the names that the sync ones use."""
    assert str(to_sync_url(url, driver=driver)) == expected


@pytest.mark.parametrize(
    ("url", "masked"),
    [
        ("postgresql://u:secret@h/d", "postgresql://u:***@h/d"),
        ("postgresql://u@h/d?password=secret", "postgresql://u:***@h/d"),
        ("postgresql://h/d?sslpassword=secret", "postgresql://h/d?sslpassword=***"),
        ("mysql://h/d?ssl_key_password=secret", "mysql://h/d?ssl_key_password=***"),
        ("no url: x://u:secret@h?passwd=secret", "no url: x://u:***@h?passwd=***"),
        ("sqlite:///x.db", "sqlite:///x.db"),
    ],
)
def test_secrets_are_masked_in_the_query_too(url: str, masked: str) -> None:
    """SQLAlchemy masks the password field only."""
    assert mask_url(url) == masked


def test_credentials_leave_the_query() -> None:
    """So that nothing which prints the engine's URL can print them."""
    url = parse_url("postgresql://h/d?user=u&password=secret&application_name=a")

    assert (url.username, url.password, dict(url.query)) == (
        "u",
        "secret",
        {"application_name": "a"},
    )


def test_two_passwords_are_refused() -> None:
    """Which of them is meant cannot be known."""
    with pytest.raises(UnsupportedURL, match="twice"):
        parse_url("postgresql://h/d?password=a&password=b")
