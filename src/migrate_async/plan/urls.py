"""Database URLs in the code: their async form, and what of them only the runtime can translate."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import parse_qsl

from migrate_async.knowledge import url_arguments as known
from migrate_async.knowledge.async_api import ASYNC_DRIVERS
from migrate_async.model import syntax as s


def async_url(url: str) -> str | None:
    """`url` with the async driver of its database; None when it needs more than that."""
    name, separator, rest = url.partition("://")
    driver = ASYNC_DRIVERS.get(name)
    if not separator or driver is None:
        return None
    kept = known.KEPT.get(_of(driver))
    if kept is not None and not kept.issuperset(_arguments(url)):
        return None
    return f"{driver}://{rest}"


def unknown_arguments(url: str) -> Iterator[str]:
    """The arguments of `url` that the async driver does not take, and nobody translates."""
    driver = _of(ASYNC_DRIVERS.get(url.partition("://")[0], ""))
    if driver in known.KEPT:
        understood = known.KEPT[driver] | known.FOREIGN[driver] | known.TRANSLATED[driver]
        yield from sorted(set(_arguments(url)) - understood - known.CREDENTIALS)


def foreign_argument(call: s.Call, url: str) -> bool:
    """Whether `connect_args` of `call` may hold something that only the sync driver takes."""
    foreign = known.FOREIGN.get(_of(ASYNC_DRIVERS.get(url.partition("://")[0], "")))
    given = next((item.value for item in call.keywords if item.arg == "connect_args"), None)
    if foreign is None or given is None:
        return False
    if not isinstance(given, s.Mapping):
        return True
    keys = [key.value if isinstance(key, s.Constant) else None for key in given.keys]
    return any(key is None or key in foreign for key in keys)


def _of(driver: str) -> str:
    return driver.partition("+")[2]


def _arguments(url: str) -> list[str]:
    query = url.partition("?")[2]
    return [name for name, _ in parse_qsl(query, keep_blank_values=True)]
