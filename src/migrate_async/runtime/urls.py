"""Database URLs: from sync to async drivers and back, and without secrets.

Only the driver name changes here; the query arguments are translated when the engine is made
(see `driver_arguments`), because some of them become objects that no URL can hold.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib.util import find_spec
from math import ceil
from urllib.parse import quote_plus

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from migrate_async.runtime.errors import UnsupportedURL

MASK = "***"
SECRET_ARGUMENTS = frozenset({"password", "passwd", "sslpassword", "ssl_key_password"})
"""Query arguments that hold a secret in the clear (libpq, PyMySQL, mysqlclient, JDBC habits)."""

_ASYNC_DRIVERS = {
    "sqlite": "sqlite+aiosqlite",
    "sqlite+pysqlite": "sqlite+aiosqlite",
    "postgres": "postgresql+asyncpg",
    "postgresql": "postgresql+asyncpg",
    "postgresql+psycopg2": "postgresql+asyncpg",
    "postgresql+psycopg2cffi": "postgresql+asyncpg",
    "postgresql+pg8000": "postgresql+asyncpg",
    "postgresql+psycopg_async": "postgresql+psycopg",
    "mysql": "mysql+aiomysql",
    "mysql+pymysql": "mysql+aiomysql",
    "mysql+mysqldb": "mysql+aiomysql",
    "mysql+mysqlconnector": "mysql+aiomysql",
    "mysql+cymysql": "mysql+aiomysql",
    "mariadb": "mariadb+aiomysql",
    "mariadb+pymysql": "mariadb+aiomysql",
    "mariadb+mysqldb": "mariadb+aiomysql",
    "mariadb+mysqlconnector": "mariadb+aiomysql",
    "mariadb+mariadbconnector": "mariadb+aiomysql",
}
_ALREADY_ASYNC = frozenset(
    {
        "sqlite+aiosqlite",
        "postgresql+asyncpg",
        "postgresql+psycopg",  # the one driver that is both
        "mysql+aiomysql",
        "mysql+asyncmy",
        "mariadb+aiomysql",
        "mariadb+asyncmy",
    }
)


def _dropped(_value: str) -> dict[str, str]:
    return {}


def _sslmode(value: str) -> dict[str, str]:
    return {"sslmode": {"true": "require", "false": "disable"}.get(value.lower(), value)}


def _connect_timeout(value: str) -> dict[str, str]:
    return {"connect_timeout": str(ceil(float(value)))}


def _pymysql_tls(value: str) -> dict[str, str]:
    level = value.upper()
    if level in ("DISABLED", "FALSE", "0"):
        return {"ssl_disabled": "true"}
    if level == "PREFERRED":
        return {}
    # PyMySQL has no levels: asking for the verification, even for none, requires TLS.
    checks = {"VERIFY_CA": ("ssl_verify_cert", "true")}
    checks["VERIFY_IDENTITY"] = ("ssl_verify_identity", "true")
    return dict([checks.get(level, ("ssl_verify_cert", "false"))])


_POOL_ARGUMENTS = dict.fromkeys(("connection_limit", "pool_timeout", "pgbouncer"), _dropped)
_LIBPQ_ARGUMENTS: dict[str, Callable[[str], dict[str, str]]] = {
    **_POOL_ARGUMENTS,
    "ssl": _sslmode,
    "timeout": _connect_timeout,
    "schema": lambda value: {"options": f"-csearch_path={value}"},
    **dict.fromkeys(
        (
            "command_timeout",
            "statement_cache_size",
            "prepared_statement_cache_size",
            "max_cached_statement_lifetime",
        ),
        _dropped,
    ),
}
_SYNC_ARGUMENTS: dict[str, dict[str, Callable[[str], dict[str, str]]]] = {
    "psycopg2": _LIBPQ_ARGUMENTS,
    "psycopg": _LIBPQ_ARGUMENTS,
    "pymysql": {**_POOL_ARGUMENTS, "ssl": _pymysql_tls, "ssl_mode": _pymysql_tls},
}
"""What the async drivers' own arguments are called by the sync ones; the others stay."""

_PASSWORD_IN_TEXT = re.compile(r"(?<=//)([^/?#:]*):([^/?#]*)@")
_SECRET_IN_TEXT = re.compile(rf"(?i)\b({'|'.join(sorted(SECRET_ARGUMENTS))})=([^&\s]+)")


def to_async_url(url: str | URL) -> URL:
    """The same database through an async driver; an async URL comes back as it is.

    :raises UnsupportedURL: no async driver is known, or the URL cannot be parsed.
    """
    parsed = parse_url(url)
    if parsed.drivername in _ALREADY_ASYNC:
        return parsed
    try:
        return parsed.set(drivername=_ASYNC_DRIVERS[parsed.drivername])
    except KeyError:
        known = ", ".join(sorted(_ALREADY_ASYNC))
        raise UnsupportedURL(
            f"no async driver is known for {parsed.drivername!r}; supported: {known}"
        ) from None


def to_sync_url(url: str | URL, *, driver: str | None = None) -> URL:
    """The same database through a sync driver, for scripts, Alembic and unmigrated code.

    `driver` picks one (`"psycopg2"`, `"psycopg"`, `"pymysql"`, ...); otherwise PostgreSQL uses
    whichever of psycopg2 and psycopg is installed, MySQL uses PyMySQL, SQLite the standard
    library.

    :raises UnsupportedURL: no sync driver is known, or the URL cannot be parsed.
    """
    parsed = to_async_url(url)
    backend = parsed.get_backend_name()
    name = driver or _default_sync_driver(parsed)
    query = dict(parsed.query)
    for argument, rename in _SYNC_ARGUMENTS.get(name, {}).items():
        if argument in query:
            query.update(rename(str(query.pop(argument))))
    return parsed.set(drivername=f"{backend}+{name}", query=query)


def mask_url(url: str | URL) -> str:
    """The URL as text with its passwords replaced, those in the query string included.

    Text which is no URL comes back with everything replaced that looks like a secret.
    """
    try:
        parsed = parse_url(url)
    except UnsupportedURL:
        return _mask_text(str(url))
    secrets = {key: MASK for key in parsed.query if key.lower() in SECRET_ARGUMENTS}
    text = parsed.update_query_dict(secrets).render_as_string(hide_password=True)
    return text.replace(quote_plus(MASK), MASK)


def parse_url(url: str | URL) -> URL:
    """`make_url`, with credentials taken out of the query, where they would be printed.

    :raises UnsupportedURL: the text is not a database URL; the message hides its password.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise UnsupportedURL(f"not a database URL: {_mask_text(str(url))!r}") from None
    if parsed.get_backend_name() == "sqlite":
        return parsed
    user = parsed.query.get("user") or parsed.username
    password = parsed.query.get("password") or parsed.query.get("passwd") or parsed.password
    if isinstance(user, tuple) or isinstance(password, tuple):
        raise UnsupportedURL("user or password is given twice in the URL's query")
    bare = parsed.difference_update_query(["user", "password", "passwd"])
    return bare.set(username=user, password=password)


def _mask_text(text: str) -> str:
    text = _PASSWORD_IN_TEXT.sub(rf"\1:{MASK}@", text)
    return _SECRET_IN_TEXT.sub(rf"\1={MASK}", text)


def _default_sync_driver(url: URL) -> str:
    backend = url.get_backend_name()
    if url.get_driver_name() == "psycopg":
        return "psycopg"
    if backend == "postgresql":
        return "psycopg2" if find_spec("psycopg2") or not find_spec("psycopg") else "psycopg"
    return "pysqlite" if backend == "sqlite" else "pymysql"
