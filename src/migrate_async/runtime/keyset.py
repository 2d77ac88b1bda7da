"""The order of a keyset pagination: its ORDER BY, its WHERE, and cursors as text."""

from __future__ import annotations

import base64
import hashlib
import json
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Select, UnaryExpression, and_, false, or_
from sqlalchemy.orm.attributes import QueryableAttribute
from sqlalchemy.sql import operators

from migrate_async.runtime.errors import MigrateAsyncRuntimeError

OrderBy = ColumnElement[Any] | QueryableAttribute[Any]
"""A column, or a column with `.asc()` or `.desc()`."""

_NUMBERS = (int, float, Decimal)


class InvalidCursorError(MigrateAsyncRuntimeError, ValueError):
    """A cursor is damaged, or belongs to another order of rows. An API answers 400."""


@dataclass(frozen=True)
class SortKey:
    """One column of the order."""

    column: ColumnElement[Any]
    descending: bool = False

    @classmethod
    def of(cls, expression: OrderBy) -> SortKey:
        """Read `column`, `column.asc()` or `column.desc()`.

        :raises ValueError: it has `nulls_first()` or `nulls_last()`; NULL is always the greatest.
        """
        element: ColumnElement[Any] = (
            expression.expression if isinstance(expression, QueryableAttribute) else expression
        )
        if not isinstance(element, UnaryExpression):
            return cls(element)
        if element.modifier in {operators.asc_op, operators.desc_op}:
            return cls(element.element, element.modifier is operators.desc_op)
        raise ValueError(f"cannot paginate by {element}: only asc() and desc() are supported")

    @property
    def nullable(self) -> bool:
        return bool(getattr(self.column, "nullable", True))

    def terms(self, *, backwards: bool) -> list[ColumnElement[Any]]:
        """Return the ORDER BY terms; NULL is placed by hand, since databases disagree about it."""
        columns = [self.column.is_(None), self.column] if self.nullable else [self.column]
        descending = self.descending != backwards
        return [column.desc() if descending else column.asc() for column in columns]

    def equal(self, value: Any) -> ColumnElement[bool]:
        same: ColumnElement[bool] = self.column == value
        return self.column.is_(None) if value is None else same

    def beyond(self, value: Any, *, backwards: bool) -> ColumnElement[bool]:
        """Return the condition for rows after `value` in reading direction."""
        downwards = self.descending != backwards
        if value is None:
            return self.column.is_not(None) if downwards else false()
        less: ColumnElement[bool] = self.column < value
        greater: ColumnElement[bool] = self.column > value
        if downwards:
            return less
        return or_(greater, self.column.is_(None)) if self.nullable else greater

    def accepts(self, value: Any) -> bool:
        """Whether the type of a value from a cursor fits the column, as far as it tells its own."""
        if value is None:
            return self.nullable
        try:
            expected = self.column.type.python_type
        except NotImplementedError:
            return True
        return isinstance(value, _NUMBERS if issubclass(expected, _NUMBERS) else expected)

    @property
    def fingerprint(self) -> str:
        return f"{self.column}{'-' if self.descending else '+'}"


@dataclass(frozen=True)
class Keyset:
    """A total order of rows."""

    keys: tuple[SortKey, ...]

    @classmethod
    def of(cls, order_by: Sequence[OrderBy], primary_key: Sequence[OrderBy]) -> Keyset:
        """Return the order by the given columns and then, where missing, the primary key.

        The primary key takes the direction of the last column given, so that one index serves both.
        """
        keys = [SortKey.of(expression) for expression in order_by]
        seen = {str(key.column) for key in keys}
        descending = keys[-1].descending if keys else False
        ties = [SortKey(SortKey.of(column).column, descending) for column in primary_key]
        return cls((*keys, *(tie for tie in ties if str(tie.column) not in seen)))

    @property
    def columns(self) -> list[ColumnElement[Any]]:
        """The sort values to select beside the entity, labelled so as not to clash with it."""
        return [key.column.label(f"sort_key_{i}") for i, key in enumerate(self.keys)]

    @property
    def fingerprint(self) -> str:
        """Eight hex digits that change with the columns and directions."""
        text = ",".join(key.fingerprint for key in self.keys)
        return hashlib.sha256(text.encode()).hexdigest()[:8]

    def ordered(self, statement: Select[Any], *, backwards: bool) -> Select[Any]:
        terms = [term for key in self.keys for term in key.terms(backwards=backwards)]
        return statement.order_by(None).order_by(*terms)

    def beyond(self, position: Position) -> ColumnElement[bool]:
        """Return `a > x OR (a = x AND (b > y OR ...))`.

        The first column is also compared alone (`a >= x`), which lets an index find the start.
        """
        backwards = position.backwards
        pairs = list(zip(self.keys, position.values, strict=True))
        key, value = pairs[-1]
        condition = key.beyond(value, backwards=backwards)
        for key, value in reversed(pairs[:-1]):
            further = key.beyond(value, backwards=backwards)
            condition = or_(further, and_(key.equal(value), condition))
        key, value = pairs[0]
        if len(pairs) == 1 or key.nullable:
            return condition
        descending = key.descending != backwards
        start = key.column <= value if descending else key.column >= value
        return and_(start, condition)


@dataclass(frozen=True)
class Position:
    """Where a page begins: behind the row with these sort values, or in front of it."""

    values: tuple[Any, ...]
    backwards: bool = False


_TO_TEXT: dict[type, tuple[str, Callable[[Any], str]]] = {
    datetime: ("datetime", datetime.isoformat),
    date: ("date", date.isoformat),
    time: ("time", time.isoformat),
    timedelta: ("timedelta", lambda value: repr(value // timedelta(microseconds=1))),
    Decimal: ("decimal", str),
    uuid.UUID: ("uuid", str),
    bytes: ("bytes", bytes.hex),
}
_FROM_TEXT: dict[str, Callable[[str], Any]] = {
    "datetime": datetime.fromisoformat,
    "date": date.fromisoformat,
    "time": time.fromisoformat,
    "timedelta": lambda text: timedelta(microseconds=int(text)),
    "decimal": Decimal,
    "uuid": uuid.UUID,
    "bytes": bytes.fromhex,
}


def encode_cursor(position: Position, keyset: Keyset) -> str:
    """Return a position as text that is safe in a URL.

    :raises TypeError: a sort value has a type that cannot be written, such as an enum.
    """
    direction = "before" if position.backwards else "after"
    document = [keyset.fingerprint, direction, *map(_to_json, position.values)]
    text = json.dumps(document, separators=(",", ":"), ensure_ascii=False)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode_cursor(cursor: str, keyset: Keyset) -> Position:
    """Return the position that a cursor stands for. The text comes from the client: trust nothing.

    :raises InvalidCursorError: it is damaged or was made for another order.
    """
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        document = json.loads(base64.b64decode(padded, altchars="-_", validate=True))
        fingerprint, direction, *encoded = document
        values = tuple(map(_from_json, encoded))
    except (ValueError, TypeError, KeyError, ArithmeticError, RecursionError) as error:
        raise InvalidCursorError("the cursor is damaged") from error
    if fingerprint != keyset.fingerprint or direction not in {"after", "before"}:
        raise InvalidCursorError("the cursor belongs to another order of rows")
    if len(values) != len(keyset.keys) or not all(map(SortKey.accepts, keyset.keys, values)):
        raise InvalidCursorError("the cursor does not fit the order of rows")
    return Position(values, backwards=direction == "before")


def _to_json(value: Any) -> Any:
    if value is None or type(value) in {bool, int, float, str}:
        return value
    try:
        tag, convert = _TO_TEXT[type(value)]
    except KeyError:
        raise TypeError(f"cannot put a {type(value).__name__} into a cursor") from None
    return {tag: convert(value)}


def _from_json(value: Any) -> Any:
    if not isinstance(value, dict):
        if value is None or isinstance(value, (bool, int, float, str)):
            return value
        raise TypeError("not a sort value")
    ((tag, text),) = value.items()
    return _FROM_TEXT[tag](text)
