"""The same work, whoever does it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import Executor

import pytest

from migrate_async.errors import UsageError
from migrate_async.source.executors import opened
from migrate_async.source.parallel import Workers
from support.work import fail_on_three, process_of, square

ITEMS = list(range(50))


def test_processes_are_a_number() -> None:
    with opened("processes", 3) as jobs:
        assert jobs == 3


def test_dask_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the extra that brings it."""
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(UsageError, match=r"migrate-async\[dask\]"), opened("dask", 1):
        pass


def test_a_cluster_that_does_not_answer_is_a_usage_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It names the address; nothing is done instead."""
    distributed = pytest.importorskip("distributed")

    def refuse(address: str, **_options: object) -> None:
        raise OSError(f"Timed out trying to connect to {address}")

    monkeypatch.setattr(distributed, "Client", refuse)
    with (
        pytest.raises(UsageError, match=r"tcp://127\.0\.0\.1:1"),
        opened("dask", 1, "tcp://127.0.0.1:1"),
    ):
        pass


@pytest.fixture(scope="module")
def cluster() -> Iterator[Executor]:
    """A cluster of one process on this machine."""
    pytest.importorskip("distributed")
    with opened("dask", 1) as executor:
        assert isinstance(executor, Executor)
        yield executor


def test_a_cluster_does_the_work_elsewhere(cluster: Executor) -> None:
    """In order, and equal items are still worked on one by one."""
    workers = Workers.of(cluster)
    assert workers.map(square, ITEMS) == [square(number) for number in ITEMS]
    (process,) = set(workers.map(process_of, [1, 1, 1]))
    assert process != Workers.of(1).map(process_of, [1])[0]


def test_an_error_comes_through(cluster: Executor) -> None:
    with pytest.raises(ValueError, match="three"):
        Workers.of(cluster).map(fail_on_three, ITEMS)
