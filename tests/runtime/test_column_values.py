"""Texts become what a column takes, and nothing else changes."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta, timezone

import pytest
from sqlalchemy import DateTime, String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from migrate_async import as_column_values


class Base(DeclarativeBase):
    pass


class Event(Base):
    __tablename__ = "events"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(String(20))
    day: Mapped[date] = mapped_column("day_of_event")
    starts: Mapped[datetime]
    noted: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    opens: Mapped[time]


UTC = timezone.utc


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        ("day", "2030-01-31", date(2030, 1, 31)),
        ("day", "2030-01-31T10:00:00", date(2030, 1, 31)),
        ("day", "31.1.2030", "31.1.2030"),
        ("day", "", ""),
        ("day", None, None),
        ("day", date(2030, 1, 31), date(2030, 1, 31)),
        ("title", "2030-01-31", "2030-01-31"),
        ("other", "2030-01-31", "2030-01-31"),
        ("id", "7", "7"),
        ("starts", "2030-01-31T09:30:00", datetime(2030, 1, 31, 9, 30)),
        ("starts", "2030-01-31", datetime(2030, 1, 31)),
        ("starts", "2030-01-31T09:30:00Z", datetime(2030, 1, 31, 9, 30)),
        ("starts", "2030-01-31T09:30:00+02:00", datetime(2030, 1, 31, 9, 30)),
        ("noted", "2030-01-31T09:30:00Z", datetime(2030, 1, 31, 9, 30, tzinfo=UTC)),
        ("noted", "2030-01-31T09:30:00", "2030-01-31T09:30:00"),
        ("opens", "08:15:00", time(8, 15)),
        ("opens", "08:15:00+02:00", time(8, 15)),
    ],
)
def test_values(name: str, given: object, expected: object) -> None:
    assert as_column_values(Event, {name: given}) == {name: expected}


def test_an_offset_is_kept_where_the_column_has_one() -> None:
    found = as_column_values(Event, {"noted": "2030-01-31T09:30:00+02:00"})["noted"]
    assert found.utcoffset() == timedelta(hours=2)


def test_the_mapping_given_stays_as_it_is() -> None:
    given = {"day": "2030-01-31"}
    as_column_values(Event, given)
    assert given == {"day": "2030-01-31"}
