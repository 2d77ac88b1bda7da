"""TLS settings of URLs as `ssl.SSLContext`, and a guard against silent plain text.

Sources: libpq's "SSL Support" and "Parameter Key Words" chapters for the `sslmode` levels, the
MySQL manual's `--ssl-mode` levels, and PyMySQL, which verifies when it is given a CA.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from migrate_async.runtime.errors import InsecureConnection, UnsupportedURLArgument

POSTGRESQL_ARGUMENTS = frozenset(
    {
        "ssl",
        "sslmode",
        "requiressl",
        "sslaccept",
        "sslrootcert",
        "sslcert",
        "sslkey",
        "sslpassword",
        "sslcrl",
        "ssl_min_protocol_version",
        "ssl_max_protocol_version",
    }
)
MYSQL_ARGUMENTS = frozenset(
    {
        "ssl",
        "ssl_mode",
        "ssl-mode",
        "sslmode",
        "sslaccept",
        "sslcert",
        "ssl_disabled",
        "ssl_ca",
        "ssl_capath",
        "ssl_cert",
        "ssl_key",
        "ssl_key_password",
        "ssl_cipher",
        "ssl_check_hostname",
        "ssl_verify_cert",
        "ssl_verify_identity",
    }
)

_LIBPQ_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_LIBPQ_FILES = ("sslrootcert", "sslcert", "sslkey", "sslcrl")
_MYSQL_MODES = ("DISABLED", "PREFERRED", "REQUIRED", "VERIFY_CA", "VERIFY_IDENTITY")
_WORDS = {"true": "1", "yes": "1", "on": "1", "false": "0", "no": "0", "off": "0"}
_SSLACCEPT = {"strict": "verify", "accept_invalid_certs": "require"}


def is_true(value: str) -> bool:
    """Whether a URL's text means yes."""
    return _WORDS.get(value.lower(), value) == "1"


def postgresql_mode(arguments: Mapping[str, str], driver: str) -> str | None:
    """libpq's `sslmode` under the names that other clients gave it; None when unset.

    :raises UnsupportedURLArgument: libpq has no such mode.
    """
    for name in ("sslmode", "ssl"):
        if name in arguments:
            mode = {"1": "require", "0": "disable"}.get(
                _WORDS.get(arguments[name].lower(), arguments[name]), arguments[name]
            )
            if mode not in _LIBPQ_MODES:
                raise UnsupportedURLArgument(name, driver, f"use one of {', '.join(_LIBPQ_MODES)}")
            return mode
    if "sslaccept" in arguments:
        return "require" if _SSLACCEPT.get(arguments["sslaccept"]) == "require" else "verify-full"
    return "require" if is_true(arguments.get("requiressl", "0")) else None


def postgresql_ssl(arguments: Mapping[str, str]) -> str | ssl.SSLContext | None:
    """The `ssl` argument of asyncpg for libpq's arguments; None leaves it to asyncpg.

    A bare mode stays a string, because asyncpg then reads libpq's default files and variables
    itself. Certificates with a mode that permits plain text (or with none) require TLS: weaker
    than libpq never, stricter sometimes.
    """
    mode = postgresql_mode(arguments, "asyncpg")
    if mode == "disable" or not _needs_context(arguments):
        return mode
    rootcert = arguments.get("sslrootcert")
    if mode not in ("verify-ca", "verify-full"):
        # As libpq: a root certificate turns `require` into `verify-ca`, "system" into more.
        mode = "verify-full" if rootcert == "system" else "verify-ca" if rootcert else "require"
    context = _client_context(verify=mode != "require", check_hostname=mode == "verify-full")
    if mode != "require":
        _trust(context, rootcert)
    if crl := arguments.get("sslcrl"):
        context.load_verify_locations(cafile=crl)
        context.verify_flags |= ssl.VERIFY_CRL_CHECK_CHAIN
    if cert := arguments.get("sslcert"):
        context.load_cert_chain(cert, arguments.get("sslkey"), arguments.get("sslpassword", ""))
    _limit_versions(context, arguments)
    return context


def mysql_ssl(arguments: Mapping[str, str]) -> tuple[ssl.SSLContext | None, bool]:
    """The `ssl` argument of aiomysql and asyncmy, and whether plain text is out of the question.

    As PyMySQL: a CA alone means that certificate and host name are verified.
    """
    mode = _mysql_mode(arguments)
    if mode in (None, "DISABLED"):
        return None, False
    certificate_authority = arguments.get("ssl_ca") or arguments.get("sslcert")
    context = _client_context(
        verify=mode.startswith("VERIFY"), check_hostname=mode == "VERIFY_IDENTITY"
    )
    if certificate_authority or arguments.get("ssl_capath"):
        context.load_verify_locations(certificate_authority, arguments.get("ssl_capath"))
    elif mode.startswith("VERIFY"):
        context.load_default_certs()
    if cert := arguments.get("ssl_cert"):
        context.load_cert_chain(
            cert, arguments.get("ssl_key"), arguments.get("ssl_key_password", "")
        )
    if cipher := arguments.get("ssl_cipher"):
        context.set_ciphers(cipher)
    return context, mode != "PREFERRED"


def _mysql_mode(arguments: Mapping[str, str]) -> str | None:
    if is_true(arguments.get("ssl_disabled", "0")):
        return "DISABLED"
    for name in ("ssl_mode", "ssl-mode", "sslmode", "ssl"):
        if name in arguments:
            return _named_mysql_mode(name, arguments[name])
    return _implied_mysql_mode(arguments)


def _implied_mysql_mode(arguments: Mapping[str, str]) -> str | None:
    accept = _SSLACCEPT.get(arguments.get("sslaccept", ""))
    has_authority = bool(arguments.keys() & {"ssl_ca", "ssl_capath", "sslcert"})
    checks_name = is_true(arguments.get("ssl_check_hostname", "1"))
    signs = {
        "VERIFY_IDENTITY": is_true(arguments.get("ssl_verify_identity", "0"))
        or accept == "verify"
        or (has_authority and checks_name and accept is None),
        "VERIFY_CA": is_true(arguments.get("ssl_verify_cert", "0")) or has_authority,
        "REQUIRED": bool(arguments.keys() - {"ssl_disabled", "ssl_check_hostname"}),
    }
    return next((mode for mode, holds in signs.items() if holds), None)


def _named_mysql_mode(name: str, value: str) -> str:
    word = _WORDS.get(value.lower(), value)
    mode = {"1": "REQUIRED", "0": "DISABLED"}.get(word, value.upper().replace("-", "_"))
    mode = {"DISABLE": "DISABLED", "PREFER": "PREFERRED", "REQUIRE": "REQUIRED"}.get(mode, mode)
    if mode not in _MYSQL_MODES:
        raise UnsupportedURLArgument(name, "MySQL", f"use one of {', '.join(_MYSQL_MODES)}")
    return mode


def _needs_context(arguments: Mapping[str, str]) -> bool:
    return any(arguments.get(name) for name in _LIBPQ_FILES) or any(
        name.endswith("_protocol_version") for name in arguments
    )


def _client_context(*, verify: bool, check_hostname: bool) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = check_hostname
    context.verify_mode = ssl.CERT_REQUIRED if verify else ssl.CERT_NONE
    return context


def _trust(context: ssl.SSLContext, rootcert: str | None) -> None:
    if rootcert and rootcert != "system":
        context.load_verify_locations(cafile=rootcert)
        return
    default = Path("~/.postgresql/root.crt").expanduser()
    if rootcert is None and default.exists():
        context.load_verify_locations(cafile=str(default))
    else:
        context.load_default_certs()


def _limit_versions(context: ssl.SSLContext, arguments: Mapping[str, str]) -> None:
    for bound in ("minimum", "maximum"):
        name = f"ssl_{bound[:3]}_protocol_version"
        if value := arguments.get(name):
            try:
                version = ssl.TLSVersion[value.replace(".", "_")]
            except KeyError:
                raise UnsupportedURLArgument(name, "asyncpg", "use TLSv1.2 or TLSv1.3") from None
            setattr(context, f"{bound}_version", version)


async def connect_aiomysql_with_tls(*args: Any, **kwargs: Any) -> Any:
    """`aiomysql.connect` which refuses a server without TLS.

    aiomysql itself goes on in plain text then, whatever it was asked for. The check comes before
    the authentication, so that no password is sent, and once more by asking the server, should
    aiomysql ever rename the method that the first check is built on.

    :raises InsecureConnection: the server offers no TLS.
    """
    connection = _tls_only_connection_class()(*args, **kwargs)
    await connection._connect()
    async with connection.cursor() as cursor:
        await cursor.execute("SHOW SESSION STATUS LIKE 'Ssl_cipher'")
        row = await cursor.fetchone()
    if not row or not row[1]:
        connection.close()
        raise InsecureConnection(_NO_TLS)
    return connection


_NO_TLS = "TLS was asked for, but the MySQL server offers none (see `ssl_mode` in the URL)"


def _tls_only_connection_class() -> Any:
    from aiomysql.connection import Connection  # noqa: PLC0415  an extra
    from pymysql.constants import CLIENT  # type: ignore[import-untyped]  # noqa: PLC0415

    class TLSOnlyConnection(Connection):  # type: ignore[misc]  # aiomysql is untyped
        async def _request_authentication(self) -> None:
            if not self.server_capabilities & CLIENT.SSL:
                raise InsecureConnection(_NO_TLS)
            await super()._request_authentication()

    return TLSOnlyConnection
