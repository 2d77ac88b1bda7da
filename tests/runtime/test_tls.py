"""TLS settings from URLs, and no silent plain text."""

from __future__ import annotations

import asyncio
import ssl
import struct
from pathlib import Path

import pytest

from migrate_async.runtime import tls
from migrate_async.runtime.engine import create_async_engine
from migrate_async.runtime.errors import InsecureConnection, UnsupportedURLArgument

CERTIFICATE_AUTHORITY = """\
-----BEGIN CERTIFICATE-----
MIIBlzCCAT2gAwIBAgIULiQP0j9usVXfSuPvUZTOLXvu4XYwCgYIKoZIzj0EAwIw
IDEeMBwGA1UEAwwVbWlncmF0ZS1hc3luYyB0ZXN0IENBMCAXDTI2MTEyMzE2MzYy
M1oYDzIxMjYxMDMwMTYzNjIzWjAgMR4wHAYDVQQDDBVtaWdyYXRlLWFzeW5jIHRl
c3QgQ0EwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAQgAYIQvD8e4KQx6O1VaWdW
C9uuZcbsEhNytFH8STZUTuotsUWBzzvsDtcF4DyS40uF3TH/F7JO5E9Fol3UfIcp
o1MwUTAdBgNVHQ4EFgQUNyzgLG5TP8Q1OkI6Okd4/mFEcvQwHwYDVR0jBBgwFoAU
NyzgLG5TP8Q1OkI6Okd4/mFEcvQwDwYDVR0TAQH/BAUwAwEB/zAKBggqhkjOPQQD
AgNIADBFAiBguFh6yugmb/1oouNVu/sNJ7fE00mxN2Vcmzd85qgFxgIhAODyCgCT
ErFjb5GJerYhFEYMFgA/6S/94YgD5tVw+4tv
-----END CERTIFICATE-----
"""
SERVER_CAPABILITIES = 0x8002 | 0x0200  # SECURE_CONNECTION, FOUND_ROWS, PROTOCOL_41; and not SSL


@pytest.fixture
def authority(tmp_path: Path) -> str:
    """The path of a root certificate."""
    path = tmp_path / "ca.crt"
    path.write_text(CERTIFICATE_AUTHORITY)
    return str(path)


@pytest.mark.parametrize("mode", ["disable", "allow", "prefer", "require", "verify-full"])
def test_a_bare_libpq_mode_is_left_to_asyncpg(mode: str) -> None:
    """asyncpg then reads libpq's default files and environment variables itself."""
    assert tls.postgresql_ssl({"sslmode": mode}) == mode


def test_no_libpq_setting_is_no_setting() -> None:
    """asyncpg's default, `prefer`, stays."""
    assert tls.postgresql_ssl({}) is None


@pytest.mark.parametrize(
    ("mode", "verifies", "checks_name"),
    [
        ("verify-full", True, True),
        ("verify-ca", True, False),
        ("require", True, False),
        ("prefer", True, False),
        (None, True, False),
    ],
)
def test_a_root_certificate_is_always_used(
    authority: str, mode: str | None, verifies: bool, checks_name: bool
) -> None:
    """libpq verifies with `require` and a root certificate; we with every mode but `disable`."""
    arguments = {"sslrootcert": authority, **({"sslmode": mode} if mode else {})}

    context = tls.postgresql_ssl(arguments)

    assert isinstance(context, ssl.SSLContext)
    assert (context.verify_mode is ssl.CERT_REQUIRED) is verifies
    assert context.check_hostname is checks_name
    assert len(context.get_ca_certs()) == 1


def test_disable_wins_over_certificates(authority: str) -> None:
    """As in libpq."""
    assert tls.postgresql_ssl({"sslmode": "disable", "sslrootcert": authority}) == "disable"


def test_the_systems_certificates(authority: str) -> None:
    """`sslrootcert=system` implies the check of the host name."""
    context = tls.postgresql_ssl({"sslrootcert": "system"})

    assert isinstance(context, ssl.SSLContext)
    assert context.check_hostname


def test_protocol_versions() -> None:
    """Given as libpq names them, or refused."""
    context = tls.postgresql_ssl({"ssl_min_protocol_version": "TLSv1.3"})

    assert isinstance(context, ssl.SSLContext)
    assert context.minimum_version is ssl.TLSVersion.TLSv1_3
    with pytest.raises(UnsupportedURLArgument, match="ssl_max_protocol_version"):
        tls.postgresql_ssl({"ssl_max_protocol_version": "SSLv9"})


def test_revoked_certificates(authority: str) -> None:
    """A revocation list is loaded and consulted."""
    context = tls.postgresql_ssl({"sslrootcert": authority, "sslcrl": authority})

    assert isinstance(context, ssl.SSLContext)
    assert context.verify_flags & ssl.VERIFY_CRL_CHECK_CHAIN


@pytest.mark.parametrize("argument", ["postgresql://h/d?sslcert", "mysql://h/d?ssl_cert"])
def test_a_client_certificate_without_its_key_fails_at_once(authority: str, argument: str) -> None:
    """It is loaded when the engine is made."""
    with pytest.raises(ssl.SSLError):
        create_async_engine(f"{argument}={authority}")


def test_a_missing_certificate_fails_at_once() -> None:
    """When the engine is made, and not at the first connection."""
    with pytest.raises(FileNotFoundError):
        create_async_engine("mysql://h/d?ssl_ca=/missing.pem")
    with pytest.raises(FileNotFoundError):
        create_async_engine("postgresql://h/d?sslrootcert=/missing.pem")


@pytest.mark.parametrize(
    ("arguments", "verifies", "checks_name", "required"),
    [
        ({"ssl": "true"}, False, False, True),
        ({"ssl_mode": "REQUIRED"}, False, False, True),
        ({"ssl-mode": "preferred"}, False, False, False),
        ({"ssl_mode": "VERIFY_CA"}, True, False, True),
        ({"sslmode": "verify-identity"}, True, True, True),
        ({"ssl_verify_identity": "true"}, True, True, True),
        ({"ssl_verify_cert": "true"}, True, False, True),
        ({"ssl_verify_cert": "false"}, False, False, True),
        ({"sslaccept": "strict"}, True, True, True),
        ({"sslaccept": "accept_invalid_certs"}, False, False, True),
        ({"ssl_cipher": "ECDHE+AESGCM"}, False, False, True),
    ],
)
def test_mysql_levels(
    arguments: dict[str, str], verifies: bool, checks_name: bool, required: bool
) -> None:
    """Under the names that the various clients use."""
    context, is_required = tls.mysql_ssl(arguments)

    assert context is not None
    assert (context.verify_mode is ssl.CERT_REQUIRED) is verifies
    assert context.check_hostname is checks_name
    assert is_required is required


@pytest.mark.parametrize(
    "arguments", [{}, {"ssl": "false"}, {"ssl_mode": "DISABLED"}, {"ssl_disabled": "true"}]
)
def test_mysql_without_tls(arguments: dict[str, str]) -> None:
    """Only when it was not asked for."""
    assert tls.mysql_ssl(arguments) == (None, False)


@pytest.mark.parametrize(("check", "checks_name"), [("true", True), ("false", False)])
def test_a_mysql_ca_verifies(authority: str, check: str, checks_name: bool) -> None:
    """As PyMySQL: the host name too, unless told otherwise."""
    context, required = tls.mysql_ssl({"ssl_ca": authority, "ssl_check_hostname": check})

    assert context is not None
    assert required
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname is checks_name


def test_an_unknown_mysql_level_is_refused() -> None:
    """The message lists the levels."""
    with pytest.raises(UnsupportedURLArgument, match="VERIFY_IDENTITY"):
        tls.mysql_ssl({"ssl_mode": "sometimes"})


async def greet(writer: asyncio.StreamWriter) -> None:
    """The first packet of a MySQL server which knows no TLS."""
    capabilities = struct.pack("<H", SERVER_CAPABILITIES & 0xFFFF)
    body = b"\x0a10.0-test\x00" + struct.pack("<I", 1) + b"12345678\x00" + capabilities
    body += b"\x21\x02\x00" + b"\x00\x00" + b"\x15" + b"\x00" * 10 + b"123456789012\x00"
    writer.write(struct.pack("<I", len(body))[:3] + b"\x00" + body)
    await writer.drain()


@pytest.mark.parametrize("argument", ["ssl=true", "ssl_mode=VERIFY_CA", "ssl_verify_cert=false"])
async def test_no_password_is_sent_to_a_mysql_server_without_tls(argument: str) -> None:
    """aiomysql alone would go on in plain text, without a word."""
    received = asyncio.get_running_loop().create_future()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await greet(writer)
        received.set_result(await reader.read())
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    engine = create_async_engine(f"mysql://u:secret@127.0.0.1:{port}/d?{argument}")

    with pytest.raises(InsecureConnection):
        await engine.connect()

    assert await received == b""
    server.close()
    await engine.dispose()


async def test_tls_in_connect_args_is_guarded_too() -> None:
    """Not only what the URL asks for."""
    options = {"connect_args": {"ssl": ssl.create_default_context()}}

    async def serve(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await greet(writer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    engine = create_async_engine(f"mysql://u@127.0.0.1:{port}/d", **options)

    with pytest.raises(InsecureConnection):
        await engine.connect()

    server.close()
    await engine.dispose()
