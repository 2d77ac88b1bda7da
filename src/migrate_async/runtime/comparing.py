"""Values for comparisons that psycopg2 made with untyped literals."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, overload

from sqlalchemy import Integer

_INTEGER = re.compile(r"[ \t\n\r\f\v]*[+-]?[0-9]+[ \t\n\r\f\v]*")
_MOST_DIGITS = 18
"""No longer number is sure to fit into a `bigint`."""


@overload
def as_integer(value: None) -> None: ...
@overload
def as_integer(value: str) -> int | str: ...
@overload
def as_integer(value: int) -> int: ...
def as_integer(value: str | int | None) -> int | str | None:
    """`value` as the integer that a database reads it as, for drivers that send typed parameters.

    psycopg2 wrote `users.id = '7'`, and the server took the text for the integer that it is
    compared with; asyncpg and psycopg refuse it. What is no integer is left as it is, so that the
    database answers as before: PostgreSQL with an error, SQLite with no rows.
    """
    if isinstance(value, str) and len(value) <= _MOST_DIGITS and _INTEGER.fullmatch(value):
        return int(value)
    return value


def as_compared(column: Any, values: Iterable[Any]) -> list[Any]:
    """`values` for `column.in_(...)`: with an integer column each as `as_integer` has it."""
    if isinstance(getattr(column, "type", None), Integer):
        return [as_integer(value) for value in values]
    return list(values)
