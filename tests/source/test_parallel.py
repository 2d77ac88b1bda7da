"""Results in input order, whoever did the work."""

from __future__ import annotations

import os
from concurrent.futures import BrokenExecutor, ThreadPoolExecutor

import pytest

from migrate_async.source.parallel import Workers, cpu_count
from support.work import fail_on_three, process_of, square

ITEMS = list(range(50))
SQUARES = [square(number) for number in ITEMS]


@pytest.mark.parametrize("jobs", [0, 1, 2])
def test_in_order(jobs: int) -> None:
    """Below the threshold everything happens here."""
    assert Workers(jobs).map(square, ITEMS, threshold=1e9) == SQUARES
    assert Workers(jobs).map(process_of, [1, 2], threshold=1e9) == [os.getpid()] * 2


def test_in_other_processes() -> None:
    """Above it, elsewhere, with the same result."""
    workers = Workers(2)
    assert workers.map(square, ITEMS) == SQUARES
    assert os.getpid() not in workers.map(process_of, [1, 2])


def test_by_an_executor() -> None:
    """A given executor does all the work, however little."""
    with ThreadPoolExecutor(3) as executor:
        workers = Workers.of(executor)
        assert workers.map(square, ITEMS, weight=float, threshold=1e9) == SQUARES
        assert workers.map(square, []) == []
        with pytest.raises(ValueError, match="three"):
            workers.map(fail_on_three, ITEMS)


def test_error_comes_through() -> None:
    """As it was raised."""
    with pytest.raises(ValueError, match="three"):
        Workers(1).map(fail_on_three, ITEMS)


def test_without_processes_the_work_is_done_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sandbox that forbids them only makes it slower."""

    class Forbidden:
        def __init__(self, *_: object, **__: object) -> None:
            raise BrokenExecutor

    monkeypatch.setattr("concurrent.futures.ProcessPoolExecutor", Forbidden)
    assert Workers(2).map(square, ITEMS) == SQUARES


def test_number_of_processors() -> None:
    """At least this one."""
    assert cpu_count() >= 1
    assert Workers.of(3) == Workers(3)
