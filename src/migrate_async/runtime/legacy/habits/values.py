"""Values as psycopg2 writes them into SQL, for parameters that asyncpg takes another way.

psycopg2 sends text: a str is a literal without a type, which the server reads as whatever the
place calls for; every other value is a literal of a type of its own (`5`, `'...'::timestamp`).
asyncpg sends binary values of the type that the server deduced for the parameter. Where the two
agree nothing is done. Where they do not, the parameter is wrapped in a cast which makes the server
do what it did for psycopg2: it reads the text itself, or converts between the types itself.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from migrate_async.runtime.legacy.habits.sql_text import ParameterRefused

TEXTS = frozenset({"text", "varchar", "bpchar", "name", "char", "citext"})
INTEGERS = {"int2": 2**15, "int4": 2**31, "int8": 2**63, "oid": 2**32}
FLOATS = frozenset({"float4", "float8"})
READ_BY_SERVER = frozenset(
    {*INTEGERS, *FLOATS, "numeric", "bool", "date", "time", "timetz", "timestamp", "timestamptz"}
    | {"interval", "uuid"}
)
_INTEGRAL = re.compile(r"-?\d+")


class Written(NamedTuple):
    """How a parameter is written: SQL with one `{}` for each of the values."""

    sql: str
    values: tuple[Any, ...]


AS_IT_IS = None
"""The driver's own way to send the value is psycopg2's, too."""


def written(value: Any, type_name: str, *, by_position: bool) -> Written | None:
    """How to send a value where the server deduced a type; `AS_IT_IS` if nothing is to be done.

    :param by_position: whether the statement has places where an integer names a column.
    :raises ParameterRefused: psycopg2 would mean something else, and that cannot be expressed.
    """
    if type_name.endswith("[]"):
        return _array(value, type_name.removesuffix("[]"))
    for kind, write in _WRITERS:
        if isinstance(value, kind):
            return write(value, type_name, by_position)
    return AS_IT_IS


def in_list(values: tuple[Any, ...]) -> Written:
    """A tuple, also one of tuples, as psycopg2 writes it behind IN and VALUES.

    :raises ParameterRefused: the tuple is empty; `IN ()` is not SQL.
    """
    if not values:
        raise ParameterRefused("an empty tuple as a parameter: PostgreSQL has no `IN ()`")
    items = [
        in_list(value) if isinstance(value, tuple) else Written("{}", (value,)) for value in values
    ]
    sql = ", ".join(item.sql for item in items)
    return Written(f"({sql})", tuple(value for item in items for value in item.values))


def _str(value: str, type_name: str, *_: Any) -> Written | None:
    return _cast(value, "text", type_name) if type_name in READ_BY_SERVER else AS_IT_IS


def _bool(value: bool, type_name: str, *_: Any) -> Written | None:
    return _cast(value, "bool") if type_name in TEXTS else AS_IT_IS


def _int(value: int, type_name: str, by_position: bool) -> Written | None:
    limit = INTEGERS.get(type_name)
    if type_name in FLOATS or type_name == "numeric" or (limit and -limit <= value < limit):
        return AS_IT_IS
    if type_name not in TEXTS | READ_BY_SERVER or type_name == "bool":
        return AS_IT_IS
    if by_position and type_name in TEXTS:
        return Written(f"({value})" if value < 0 else str(value), ())
    return _integer(value)


def _float(value: float, type_name: str, *_: Any) -> Written | None:
    if type_name in FLOATS or type_name not in TEXTS | READ_BY_SERVER:
        return AS_IT_IS
    if not math.isfinite(value):
        return _cast(value, "float8")
    return _cast(Decimal(repr(value)), "numeric")


def _decimal(value: Decimal, type_name: str, *_: Any) -> Written | None:
    if type_name in FLOATS or type_name == "numeric" or type_name not in TEXTS | READ_BY_SERVER:
        return AS_IT_IS
    if _INTEGRAL.fullmatch(str(value)):  # without a point it is an integer to the server
        return _integer(int(value))
    return _cast(value, "numeric")


def _datetime(value: datetime, type_name: str, *_: Any) -> Written | None:
    own = "timestamp" if value.utcoffset() is None else "timestamptz"
    others = TEXTS | READ_BY_SERVER
    return _cast(value, own) if type_name != own and type_name in others else AS_IT_IS


def _date(value: date, type_name: str, *_: Any) -> Written | None:
    wrong = TEXTS | {"timestamp", "timestamptz"}
    return _cast(value, "date") if type_name in wrong else AS_IT_IS


def _in_text(own: str) -> Callable[..., Written | None]:
    """For types which asyncpg sends as psycopg2 does, but not where a text is expected."""

    def write(value: Any, type_name: str, *_: Any) -> Written | None:
        return _cast(value, own) if type_name in TEXTS else AS_IT_IS

    return write


def _array(value: Any, item: str) -> Written | None:
    """Arrays are sent as they are, their floats exactly; nothing in them can be cast."""
    if not isinstance(value, list | tuple):
        return AS_IT_IS
    if item == "numeric" and any(isinstance(one, float) for one in value):
        exact = tuple(Decimal(repr(one)) if isinstance(one, float) else one for one in value)
        return Written("{}", (exact,))
    for one in value:
        if isinstance(one, date) and written(one, item, by_position=False) is not AS_IT_IS:
            raise ParameterRefused(
                f"{one!r} in an array of {item}: psycopg2 and asyncpg convert it differently; "
                f"give the list values of that type"
            )
    return AS_IT_IS


def _list(value: list[Any], type_name: str, *_: Any) -> Written | None:
    """A list where the server takes any type, or a text: `ARRAY[1, 2]` is one of its elements."""
    kinds = {type(one) for one in value if one is not None}
    kind = kinds.pop() if len(kinds) == 1 else None
    item = _ITEMS.get(kind) if kind is not None else None
    if type_name not in TEXTS or item is None:
        return AS_IT_IS
    if kind is int and any(one is not None and abs(one) >= 2**31 for one in value):
        item = "int8"
    exact = [Decimal(repr(one)) if isinstance(one, float) else one for one in value]
    return _cast(exact, f"{item}[]")


def _integer(value: int) -> Written:
    for name in ("int4", "int8"):
        if -INTEGERS[name] <= value < INTEGERS[name]:
            return _cast(value, name)
    return _cast(Decimal(value), "numeric")


def _cast(value: Any, *types: str) -> Written:
    sql = "{}"
    for type_name in types:
        sql = f"CAST({sql} AS {type_name})"
    return Written(sql, (value,))


_ITEMS: dict[type, str] = {
    str: "text",
    bool: "bool",
    int: "int4",
    float: "numeric",
    Decimal: "numeric",
    date: "date",
    time: "time",
    timedelta: "interval",
    UUID: "uuid",
}

_WRITERS: tuple[tuple[type, Callable[..., Written | None]], ...] = (
    (str, _str),
    (bool, _bool),
    (int, _int),
    (float, _float),
    (Decimal, _decimal),
    (datetime, _datetime),
    (date, _date),
    (time, _in_text("time")),
    (timedelta, _in_text("interval")),
    (UUID, _in_text("uuid")),
    (list, _list),
)
"""By type, subclasses before their bases."""
