"""Values of parameters as text, the same in each run where that can be known."""

from __future__ import annotations

import datetime
import hashlib
import json
import re
import time
import uuid
from typing import Any, Callable, Dict, Match, Tuple

LONGEST = 200
"""Characters of a text above which only its length and a digest are kept."""
SLACK = 60.0
"""Seconds around the time of the run that count as now."""

HOUR = 3600

_HASHES = ("$2a$", "$2b$", "$2y$", "$argon2", "$pbkdf2", "$scrypt", "scrypt:", "pbkdf2:", "pbkdf2_")
_UUID = re.compile(
    r"[0-9a-f]{8}(-?)[0-9a-f]{4}\1[47][0-9a-f]{3}\1[89ab][0-9a-f]{3}\1[0-9a-f]{12}", re.IGNORECASE
)
_UUID_INSIDE = re.compile(rf"(?<![0-9a-f-]){_UUID.pattern}(?![0-9a-f-])", re.IGNORECASE)
_TIME = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_STARTED = time.time()


class Values:
    """The values of one test: random UUIDs are numbered as they appear."""

    def __init__(self) -> None:
        self._uuids: Dict[str, int] = {}

    def text(self, value: Any) -> str:
        """`value` as docs/record.md describes it."""
        kind = type(value)
        if kind is int:
            return str(value)
        if kind is str:
            return self._string(value)
        if isinstance(value, uuid.UUID):
            return self._uuid(value.hex) if value.version in (4, 7) else f"<uuid {value}>"
        if isinstance(value, (list, tuple)):
            return f"[{', '.join(map(self.text, value))}]"
        for types, written in _WRITTEN:
            if isinstance(value, types):
                return written(value)
        return self._string(str(value)) if isinstance(value, str) else _other(value)

    def _string(self, value: str) -> str:
        if len(value) in (32, 36) and _UUID.fullmatch(value):
            return self._uuid(value.replace("-", "").lower())
        if value.startswith(_HASHES):
            return "<hash>"
        if value[:2] == "20" and _DATE.match(value):
            written = _written_time(value)
            if written:
                return written
        if len(value) > LONGEST:
            return f"<text {len(value)} {_digest(value.encode('utf-8', 'replace'))}>"
        if len(value) > 32 and "-" in value:  # such as `user-<uuid 1>@example.com`
            value = _UUID_INSIDE.sub(self._found, value)
        return json.dumps(value, ensure_ascii=False)

    def _found(self, match: Match[str]) -> str:
        return self._uuid(match[0].replace("-", "").lower())

    def _uuid(self, digits: str) -> str:
        return f"<uuid {self._uuids.setdefault(digits, len(self._uuids) + 1)}>"


def _other(value: Any) -> str:
    text = str(getattr(value, "adapted", value))  # psycopg2 wraps JSON
    name = type(value).__name__
    return f"<{name.lower()} {name if ' at 0x' in text else text[:LONGEST]}>"


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:12]


def _is_now(seconds: float) -> bool:
    return _STARTED - SLACK <= seconds <= time.time() + SLACK


def _moment(value: datetime.datetime) -> str:
    return _relative(value) or f"<datetime {value.isoformat()}>"


def _relative(value: datetime.datetime) -> str:
    """`<now>`, or `<now -24h>` for what was reckoned from it; empty for other points in time.

    A value without time zone may be meant in UTC or in local time. What somebody wrote down has no
    microseconds, so only what has some is taken for reckoned.
    """
    utc = value if value.tzinfo else value.replace(tzinfo=datetime.timezone.utc)
    if _is_now(utc.timestamp()) or _is_now(value.timestamp()):
        return "<now>"
    away = utc.timestamp() - time.time()
    hours = round(away / HOUR)
    is_reckoned = value.microsecond and abs(away - hours * HOUR) <= SLACK
    return f"<now {hours:+}h>" if is_reckoned else ""


def _is_today(value: datetime.date) -> bool:
    now = time.time()
    local = datetime.date.fromtimestamp(now)
    utc = datetime.datetime.fromtimestamp(now, datetime.timezone.utc).date()
    return value in (local, utc)


def _written_time(value: str) -> str:
    """`<now>` or `<today>` when the text says that, else empty: drivers may get times as text."""
    try:
        if len(value) == 10:
            return "<today>" if _is_today(datetime.date.fromisoformat(value)) else ""
        if _TIME.match(value):
            return _relative(datetime.datetime.fromisoformat(value))
    except (ValueError, OverflowError, OSError):
        pass
    return ""


_WRITTEN: Tuple[Tuple[Any, Callable[[Any], str]], ...] = (
    (type(None), lambda _: "null"),
    (bool, lambda value: "true" if value else "false"),
    (int, lambda value: str(int(value))),
    (float, lambda value: "<now>" if _is_now(value) else repr(value)),
    (datetime.datetime, _moment),
    (datetime.date, lambda value: "<today>" if _is_today(value) else f"<date {value}>"),
    (datetime.time, lambda value: f"<time {value.isoformat()}>"),
    ((bytes, bytearray, memoryview), lambda value: f"<bytes {len(value)} {_digest(bytes(value))}>"),
)
"""How values of other types are written, the more special types first."""
