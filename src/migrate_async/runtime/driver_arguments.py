"""What a URL's query arguments become for the async drivers.

A URL written for psycopg2, PyMySQL or Prisma carries arguments that asyncpg and aiomysql call
otherwise, want in another type, or do not have. Each argument has one rule; one without a rule
is refused by name, because a connection that ignores what it was told is worse than none.

Measured on asyncpg 0.32, aiomysql 0.3.2, asyncmy 0.2.18, psycopg 3.3.
"""

from __future__ import annotations

import shlex
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.engine import URL

from migrate_async.runtime import tls
from migrate_async.runtime.errors import IgnoredURLArgumentWarning, UnsupportedURLArgument


@dataclass
class Translation:
    """A URL taken apart: what stays in it, and what is passed otherwise."""

    url: URL
    connect_args: dict[str, Any] = field(default_factory=dict)
    engine_options: dict[str, Any] = field(default_factory=dict)
    pgbouncer: bool = False
    server_settings: dict[str, str] = field(default_factory=dict)
    tls: dict[str, str] = field(default_factory=dict)

    def refuse(self, name: str, hint: str) -> UnsupportedURLArgument:
        return UnsupportedURLArgument(name, self.url.get_driver_name(), hint)


Rule = Callable[[Translation, str, str], None]


def translate(url: URL, *, pgbouncer: bool = False) -> Translation:
    """Split the URL of an async driver into URL, `connect_args` and engine options.

    :raises UnsupportedURLArgument: an argument that the driver cannot honour.
    """
    translation = Translation(url, pgbouncer=pgbouncer)
    dialect = _DIALECTS.get(url.get_driver_name())
    if dialect is None:
        return translation
    kept = {}
    for name, value in url.query.items():
        rule = dialect.rules.get(name, dialect.otherwise)
        if rule is keep:
            kept[name] = value
        elif isinstance(value, str):
            rule(translation, name, value)
        else:
            raise translation.refuse(name, "it is given twice")
    # The rules may have moved user, password and the like to where they belong.
    translation.url = translation.url.set(query=kept)
    dialect.finish(translation)
    return translation


def with_foreign_arguments(url: URL, connect_args: Mapping[str, Any]) -> tuple[URL, dict[str, Any]]:
    """Move what a sync driver takes in `connect_args` into the URL, whose rules know it.

    :return: the URL, and the arguments that are left for the async driver.
    """
    foreign = _FOREIGN.get(url.get_driver_name(), set()) & connect_args.keys()
    rest = {name: value for name, value in connect_args.items() if name not in foreign}
    return url.update_query_dict({name: str(connect_args[name]) for name in foreign}), rest


def keep(_translation: Translation, _name: str, _value: str) -> None:
    """The driver takes it from the URL as it is."""


def _passed_as(target: str, convert: Callable[[str], object]) -> Rule:
    def rule(translation: Translation, name: str, value: str) -> None:
        translation.connect_args[target] = _converted(translation, name, value, convert)

    return rule


def _engine_option(target: str, convert: Callable[[str], object]) -> Rule:
    def rule(translation: Translation, name: str, value: str) -> None:
        translation.engine_options[target] = _converted(translation, name, value, convert)

    return rule


def _url_part(part: str, convert: Callable[[str], object] = str) -> Rule:
    def rule(translation: Translation, name: str, value: str) -> None:
        converted = _converted(translation, name, value, convert)
        translation.url = translation.url.set(**{part: converted})

    return rule


def _ignored(reason: str, *, harmless: tuple[str, ...] = ()) -> Rule:
    """Dropped, with a warning unless the value is one of `harmless`."""

    def rule(translation: Translation, name: str, value: str) -> None:
        if value.lower() not in harmless:
            driver = translation.url.get_driver_name()
            message = f"the URL argument {name!r} is ignored: {driver} {reason}"
            warnings.warn(IgnoredURLArgumentWarning(message), stacklevel=4)

    return rule


def _refused(hint: str) -> Rule:
    def rule(translation: Translation, name: str, _value: str) -> None:
        raise translation.refuse(name, hint)

    return rule


def _only(*values: str, hint: str) -> Rule:
    """Accepted with one of these values, which is what the driver does anyway."""

    def rule(translation: Translation, name: str, given: str) -> None:
        if given.lower() not in values:
            raise translation.refuse(name, hint)

    return rule


def _connection_limit(translation: Translation, name: str, value: str) -> None:
    """Prisma's: the pool has that many connections and not one more."""
    size = _converted(translation, name, value, int)
    translation.engine_options.update(pool_size=size, max_overflow=0)


def _pgbouncer(translation: Translation, _name: str, value: str) -> None:
    translation.pgbouncer = translation.pgbouncer or tls.is_true(value)


def _tls(translation: Translation, name: str, value: str) -> None:
    translation.tls[name] = value


def _server_setting(target: str, *, override: bool = True) -> Rule:
    def rule(translation: Translation, _name: str, value: str) -> None:
        if override or target not in translation.server_settings:
            translation.server_settings[target] = value

    return rule


def _options(translation: Translation, name: str, value: str) -> None:
    """libpq's `options=-c name=value --name=value`: settings of the server session."""
    words = shlex.split(value)
    while words:
        word = words.pop(0)
        if word == "-c" and words:
            word += words.pop(0)
        setting, equals, content = word[2:].partition("=")
        if not word.startswith(("-c", "--")) or not setting or not equals:
            raise translation.refuse(name, f"only `-c name=value` is understood, not {word!r}")
        translation.server_settings[setting.replace("-", "_")] = content


def _converted(
    translation: Translation, name: str, value: str, convert: Callable[[str], object]
) -> Any:
    try:
        return convert(value)
    except ValueError:
        kind = "an integer" if convert is int else "a number"
        raise translation.refuse(name, f"it must be {kind}") from None


def _seconds(value: str) -> float | None:
    """libpq and Prisma: zero means to wait for ever."""
    return float(value) or None


def _finish_asyncpg(translation: Translation) -> None:
    ssl = tls.postgresql_ssl(translation.tls)
    if ssl is not None:
        translation.connect_args["ssl"] = ssl
    if translation.server_settings:
        translation.connect_args["server_settings"] = translation.server_settings
    if translation.pgbouncer:
        # A transaction-pooling proxy gives each transaction another server connection, which
        # does not know the statements prepared on the one before.
        translation.connect_args["statement_cache_size"] = 0
        translation.connect_args["prepared_statement_cache_size"] = 0


def _finish_psycopg(translation: Translation) -> None:
    mode = tls.postgresql_mode(translation.tls, "psycopg")
    if mode is not None:
        translation.connect_args["sslmode"] = mode
    if "search_path" in translation.server_settings:
        options = f"-csearch_path={translation.server_settings['search_path']}"
        given = translation.url.query.get("options")
        translation.connect_args["options"] = f"{given} {options}" if given else options
    if translation.pgbouncer:
        translation.connect_args["prepare_threshold"] = None


def _finish_mysql(translation: Translation) -> None:
    context, required = tls.mysql_ssl(translation.tls)
    if context is not None:
        translation.connect_args["ssl"] = context
    if required and translation.url.get_driver_name() == "aiomysql":
        translation.connect_args["async_creator_fn"] = tls.connect_aiomysql_with_tls


@dataclass(frozen=True)
class _Dialect:
    rules: Mapping[str, Rule]
    otherwise: Rule
    finish: Callable[[Translation], None]


def _each(names: str, rule: Rule) -> dict[str, Rule]:
    return dict.fromkeys(names.split(), rule)


_UNKNOWN = _refused("it is not known; remove it, or pass it in `connect_args`")
_KEEPALIVE = _ignored("leaves TCP keep-alive to the operating system")
_NAMES: dict[str, Rule] = {"dbname": _url_part("database"), "database": _url_part("database")}
_PRISMA: dict[str, Rule] = {
    "connection_limit": _connection_limit,
    "pool_timeout": _engine_option("pool_timeout", float),
    "pgbouncer": _pgbouncer,
}

_ASYNCPG: dict[str, Rule] = {
    **_NAMES,
    **_PRISMA,
    **_each("host port passfile service servicefile target_session_attrs krbsrvname gsslib", keep),
    "prepared_statement_cache_size": keep,
    "statement_cache_size": _passed_as("statement_cache_size", int),
    "max_cached_statement_lifetime": _passed_as("max_cached_statement_lifetime", int),
    **dict.fromkeys(tls.POSTGRESQL_ARGUMENTS, _tls),
    **_each("keepalives keepalives_idle keepalives_interval keepalives_count", _KEEPALIVE),
    "tcp_user_timeout": _KEEPALIVE,
    "application_name": _server_setting("application_name"),
    "fallback_application_name": _server_setting("application_name", override=False),
    "schema": _server_setting("search_path"),
    "options": _options,
    "connect_timeout": _passed_as("timeout", _seconds),
    "timeout": _passed_as("timeout", _seconds),
    "command_timeout": _passed_as("command_timeout", _seconds),
    "socket_timeout": _passed_as("command_timeout", _seconds),
    "direct_tls": _passed_as("direct_tls", tls.is_true),
    "client_encoding": _only("utf8", "utf-8", "unicode", hint="asyncpg always speaks UTF-8"),
    "channel_binding": _ignored("has no channel binding", harmless=("disable", "prefer")),
    "gssencmode": _only("disable", "prefer", hint="asyncpg has no GSSAPI encryption, use TLS"),
    "load_balance_hosts": _ignored("tries the hosts in order", harmless=("disable",)),
    "sslcompression": _ignored("never compresses", harmless=("0",)),
    "sslsni": _ignored("always sends the server name", harmless=("1",)),
    "require_auth": _refused("asyncpg cannot restrict how the server authenticates"),
}

_PSYCOPG: dict[str, Rule] = {
    **_NAMES,
    **_PRISMA,
    "ssl": _tls,
    "sslaccept": _tls,
    "sslpassword": _passed_as("sslpassword", str),
    "schema": _server_setting("search_path"),
    "prepare_threshold": _passed_as("prepare_threshold", int),
    "socket_timeout": _ignored("has no timeout for a statement; set statement_timeout"),
}

_MYSQL_TIMEOUT = _ignored("has no timeout for reads and writes; use asyncio.timeout()")
_AIOMYSQL: dict[str, Rule] = {
    **_NAMES,
    **_PRISMA,
    **_each("charset connect_timeout init_command sql_mode local_infile use_unicode", keep),
    **_each("client_flag unix_socket read_default_file read_default_group", keep),
    **_each("program_name auth_plugin", keep),
    **dict.fromkeys(tls.MYSQL_ARGUMENTS, _tls),
    **_each("read_timeout write_timeout socket_timeout", _MYSQL_TIMEOUT),
    **_each("max_allowed_packet binary_prefix", _ignored("has nothing like it")),
    **_each("compress compression", _ignored("does not compress", harmless=("0", "false"))),
    "db": _url_part("database"),
    "port": _url_part("port", int),
    "host": _url_part("host"),
    "autocommit": _passed_as("autocommit", tls.is_true),
    "collation": _refused("use `init_command=SET NAMES utf8mb4 COLLATE ...`"),
    "use_pure": _ignored("is pure Python", harmless=("true", "1")),
    "pgbouncer": _UNKNOWN,
}
_ASYNCMY: dict[str, Rule] = {
    **_AIOMYSQL,
    "read_timeout": _passed_as("read_timeout", int),
    "max_allowed_packet": _passed_as("max_allowed_packet", int),
    "binary_prefix": _passed_as("binary_prefix", tls.is_true),
}

_DIALECTS = {
    "asyncpg": _Dialect(_ASYNCPG, _UNKNOWN, _finish_asyncpg),
    "psycopg": _Dialect(_PSYCOPG, keep, _finish_psycopg),
    "aiomysql": _Dialect(_AIOMYSQL, _UNKNOWN, _finish_mysql),
    "asyncmy": _Dialect(_ASYNCMY, _UNKNOWN, _finish_mysql),
}

_OWN_OF_ASYNCPG = (
    "command_timeout database direct_tls max_cached_statement_lifetime ssl statement_cache_size "
    "timeout"
)
_MYSQL_TLS = tls.MYSQL_ARGUMENTS - {"ssl"}
_OF_MYSQL_CONNECTOR = {"collation", "compress", "use_pure"}
_FOREIGN = {
    "asyncpg": {name for name, rule in _ASYNCPG.items() if rule is not keep}
    - set(_OWN_OF_ASYNCPG.split()),
    "aiomysql": _MYSQL_TLS
    | {"binary_prefix", "max_allowed_packet", "read_timeout", "write_timeout"}
    | _OF_MYSQL_CONNECTOR,
    "asyncmy": _MYSQL_TLS | {"write_timeout"} | _OF_MYSQL_CONNECTOR,
}
"""What the async drivers do not take as an argument, but the URLs of sync ones may have."""
