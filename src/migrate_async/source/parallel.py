"""Map a function over many items, in this process or in others, results in input order."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:  # importing it takes longer than small projects take in all
    from concurrent.futures import Executor

Item = TypeVar("Item")
Result = TypeVar("Result")

_CHUNKS_PER_WORKER = 4


def cpu_count() -> int:
    """The processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@dataclasses.dataclass(frozen=True)
class Workers:
    """Who does the work: `jobs` processes (0: one for each processor), or an `executor`."""

    jobs: int = 0
    executor: Executor | None = None

    @classmethod
    def of(cls, jobs: int | Executor) -> Workers:
        """`jobs` processes, or the executor that is given in their place."""
        return cls(jobs) if isinstance(jobs, int) else cls(executor=jobs)

    def map(
        self,
        function: Callable[[Item], Result],
        items: Sequence[Item],
        weight: Callable[[Item], float] = lambda _: 1,
        threshold: float = 0,
    ) -> list[Result]:
        """`[function(item) for item in items]`.

        Work of less than `threshold` in all (by `weight`) is done in this process, as starting
        others would take longer; an `executor` gets it whatever the amount. `function` and the
        items have to survive pickling unless it is done here.

        Raises what `function` raises, for the first item for which it does.
        """
        if self.executor is not None:
            return _submitted(function, _chunks(items, weight, 16), self.executor)
        jobs = min(self.jobs or cpu_count(), len(items))
        if jobs <= 1 or sum(map(weight, items)) < threshold:
            return [function(item) for item in items]
        chunks = _chunks(items, weight, jobs * _CHUNKS_PER_WORKER)
        return _in_processes(function, items, chunks, jobs)


def _in_processes(
    function: Callable[[Item], Result],
    items: Sequence[Item],
    chunks: Sequence[Sequence[Item]],
    jobs: int,
) -> list[Result]:
    import multiprocessing  # noqa: PLC0415 - see above
    from concurrent.futures import BrokenExecutor, ProcessPoolExecutor  # noqa: PLC0415 - see above

    context = multiprocessing.get_context("spawn")
    try:
        with ProcessPoolExecutor(jobs, mp_context=context) as pool:
            return _submitted(function, chunks, pool)
    except (BrokenExecutor, PermissionError):
        # No processes to be had (a sandbox, no memory left): slower, but done.
        return [function(item) for item in items]


def _submitted(
    function: Callable[[Item], Result], chunks: Sequence[Sequence[Item]], executor: Executor
) -> list[Result]:
    futures = [executor.submit(_map_chunk, function, chunk) for chunk in chunks]
    try:
        return [result for future in futures for result in future.result()]
    finally:
        for future in futures:
            future.cancel()


def _map_chunk(function: Callable[[Item], Result], chunk: Sequence[Item]) -> list[Result]:
    return [function(item) for item in chunk]


def _chunks(
    items: Sequence[Item], weight: Callable[[Item], float], count: int
) -> list[Sequence[Item]]:
    """About `count` pieces of `items` of like weight, in order."""
    return list(_cut(items, weight, sum(map(weight, items)) / max(1, count)))


def _cut(
    items: Sequence[Item], weight: Callable[[Item], float], limit: float
) -> Iterator[Sequence[Item]]:
    start, total = 0, 0.0
    for index, item in enumerate(items):
        total += weight(item)
        if total >= limit:
            yield items[start : index + 1]
            start, total = index + 1, 0.0
    if start < len(items):
        yield items[start:]
