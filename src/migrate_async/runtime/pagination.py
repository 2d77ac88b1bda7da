"""Two ways to read a long list in pieces.

`paginate` counts and skips rows: it can jump to any page and knows the total, but the database
reads all it skips, and a row inserted meanwhile shifts the pages. `paginate_by_key` continues after
the last row seen: constant cost and no row twice, but only forwards and backwards, without total.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import Select, func, inspect, select
from sqlalchemy.engine import Result
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapper

from migrate_async.runtime.keyset import Keyset, OrderBy, Position, decode_cursor, encode_cursor

ItemT = TypeVar("ItemT")
OtherT = TypeVar("OtherT")

MAX_LIMIT = 1000


@dataclass(frozen=True)
class Page(Generic[ItemT]):
    """Rows `offset` to `offset + limit` of `total`."""

    items: Sequence[ItemT]
    total: int
    offset: int
    limit: int

    @property
    def number(self) -> int:
        """The number of this page, from 1."""
        return self.offset // self.limit + 1

    @property
    def count(self) -> int:
        """How many pages there are; 0 when there are no rows."""
        return -(-self.total // self.limit)

    @property
    def has_next(self) -> bool:
        return self.offset + len(self.items) < self.total

    @property
    def has_previous(self) -> bool:
        return self.offset > 0

    def map(self, convert: Callable[[ItemT], OtherT]) -> Page[OtherT]:
        """Return the page with each item converted, say by `UserOut.model_validate`."""
        return Page([convert(item) for item in self.items], self.total, self.offset, self.limit)


@dataclass(frozen=True)
class CursorPage(Generic[ItemT]):
    """Some rows, and the cursors for what lies after and before them; None where nothing does."""

    items: Sequence[ItemT]
    next_cursor: str | None
    previous_cursor: str | None

    def map(self, convert: Callable[[ItemT], OtherT]) -> CursorPage[OtherT]:
        """Return the page with each item converted, say by `UserOut.model_validate`."""
        items = [convert(item) for item in self.items]
        return CursorPage(items, self.next_cursor, self.previous_cursor)


async def paginate(
    session: AsyncSession, statement: Select[Any], *, offset: int = 0, limit: int = 50
) -> Page[Any]:
    """Return one page of a SELECT and the number of rows without the limit: two queries.

    Give the statement an ORDER BY that ends in a unique column; without one the database may
    return the same row on two pages. Items are objects for `select(Model)` and for a single column,
    rows otherwise.

    :raises ValueError: `offset` is negative, or `limit` not between 1 and 1000.
    """
    check_window(offset, limit)
    total = await count_rows(session, statement)
    if offset >= total:
        return Page([], total, offset, limit)
    result = await session.execute(statement.offset(offset).limit(limit))
    return Page(_items(statement, result), total, offset, limit)


async def count_rows(session: AsyncSession, statement: Select[Any]) -> int:
    """Return how many rows the statement has, with its DISTINCT and GROUP BY taken into account."""
    rows = statement.order_by(None).subquery()
    total = await session.scalar(select(func.count()).select_from(rows))
    return total or 0


async def paginate_by_key(
    session: AsyncSession,
    statement: Select[Any],
    *,
    order_by: Sequence[OrderBy] = (),
    limit: int = 50,
    cursor: str | None = None,
) -> CursorPage[Any]:
    """Return the page that a cursor of another page points to, or the first one.

    `statement` selects one entity. The rows come in the order of `order_by` (columns, or
    `column.desc()`), to which the primary key is added so that no two rows are equal. NULL counts
    as the greatest value, on every database. A cursor is plain text for a URL; it holds the sort
    values of one row, so do not sort by a column that the client may not see.

    :raises ValueError: `limit` is not between 1 and 1000, or the statement selects no entity.
    :raises InvalidCursorError: the cursor is damaged, or was made by another order.
    """
    check_window(0, limit)
    keyset = Keyset.of(order_by, primary_key_of(statement))
    position = None if cursor is None else decode_cursor(cursor, keyset)
    statement = keyset.ordered(statement, backwards=position is not None and position.backwards)
    if position is not None:
        statement = statement.where(keyset.beyond(position))
    result = await session.execute(statement.add_columns(*keyset.columns).limit(limit + 1))
    rows = [(row[0], tuple(row[1:])) for row in result.unique()]
    return make_cursor_page(rows, keyset, limit, position)


def make_cursor_page(
    rows: Sequence[tuple[ItemT, tuple[Any, ...]]],
    keyset: Keyset,
    limit: int,
    position: Position | None,
) -> CursorPage[ItemT]:
    """Build the page of up to `limit + 1` rows (item, sort values), read in reading direction."""
    more = len(rows) > limit
    rows = rows[:limit]
    backwards = position is not None and position.backwards
    if backwards:
        rows = rows[::-1]
    items = [item for item, _ in rows]
    if not rows:
        return CursorPage(items, None, None)
    # On the side the reader came from, there is at least the row of the cursor.
    has_next = backwards or more
    has_previous = more if backwards else position is not None
    return CursorPage(
        items,
        encode_cursor(Position(rows[-1][1]), keyset) if has_next else None,
        encode_cursor(Position(rows[0][1], backwards=True), keyset) if has_previous else None,
    )


def check_window(offset: int, limit: int) -> None:
    """:raises ValueError: `offset` is negative, or `limit` not between 1 and 1000."""
    if offset < 0:
        raise ValueError(f"offset must not be negative, got {offset}")
    if not 1 <= limit <= MAX_LIMIT:
        raise ValueError(f"limit must be between 1 and {MAX_LIMIT}, got {limit}")


def primary_key_of(statement: Select[Any]) -> list[Any]:
    """Return the primary key attributes of the entity, aliased or not, which is selected.

    :raises ValueError: the statement selects something else than one entity.
    """
    descriptions = statement.column_descriptions
    entity = descriptions[0].get("entity") if len(descriptions) == 1 else None
    if entity is None or descriptions[0]["expr"] is not entity:
        raise ValueError("keyset pagination needs a statement that selects one entity")
    mapper: Mapper[Any] = inspect(entity).mapper
    keys = [mapper.get_property_by_column(column).key for column in mapper.primary_key]
    return [getattr(entity, key) for key in keys]


def _items(statement: Select[Any], result: Result[Any]) -> Sequence[Any]:
    descriptions = statement.column_descriptions
    if len(descriptions) != 1:
        return result.all()
    if descriptions[0]["expr"] is descriptions[0].get("entity"):
        return result.scalars().unique().all()  # a joined eager load repeats its parents
    return result.scalars().all()
