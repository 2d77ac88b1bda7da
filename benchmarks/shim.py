"""What the sync shim costs: each mode against the legacy thread pool, in one run.

    MIGRATE_ASYNC_TEST_POSTGRESQL=postgresql://... python -m benchmarks.shim

Every variant of `shim_app` is a server process of its own on loopback, with one worker and a pool
of ten connections. In each round all variants are measured one after the other; the numbers are
medians over the rounds of the ratio to the baseline in the same round, so that a busy machine
disturbs all alike. Throughput: higher is better; p99 and CPU per request: lower is better.

What else runs on the machine does not disturb all alike, though: the scheduler may share the
processor out among threads, and the baseline has forty of them where the others have one. Such a
run is marked; of its numbers the CPU time per request, of the server process, says the most.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import os
import socket
import statistics
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from sqlalchemy import NullPool, create_engine, make_url, text

from benchmarks.http_load import Measured, get, load
from benchmarks.shim_app import BASELINE, ROWS, VARIANTS, fill
from migrate_async.runtime.urls import to_sync_url

SERVER_VARIABLE = "MIGRATE_ASYNC_TEST_POSTGRESQL"
PATHS = {"read": "/read/{}", "write": "/write/{}"}
START_SECONDS = 30.0
WARM_UP_SECONDS = 0.5
BUSY = 0.3
"""Runnable processes per core before the run, from which on it is disturbed."""


@dataclass(frozen=True)
class Result:
    """One variant under one load in one round."""

    per_second: float
    p99: float
    cpu: float
    """Seconds of the server's CPU time for each request."""


Results = dict[tuple[str, str, int], list[Result]]
"""By variant, kind of request and concurrency; one result for each round."""


async def run(options: argparse.Namespace, url: str) -> Results:
    """Start all servers, then measure them round by round."""
    results: Results = {}
    async with AsyncExitStack() as stack:
        ports = {
            variant: await stack.enter_async_context(_server(variant, url))
            for variant in options.variant
        }
        for _ in range(options.rounds):
            for kind in options.kind:
                for concurrency in options.concurrency:
                    for variant, port in ports.items():
                        found = await _measure(port, kind, concurrency, options.seconds)
                        results.setdefault((variant, kind, concurrency), []).append(found)
    return results


async def _measure(port: int, kind: str, concurrency: int, seconds: float) -> Result:
    def path(number: int) -> str:
        return PATHS[kind].format(number % ROWS)

    await load(port, path, concurrency=concurrency, seconds=WARM_UP_SECONDS)
    before = float(await get(port, "/cpu"))
    measured = await load(port, path, concurrency=concurrency, seconds=seconds)
    cpu = float(await get(port, "/cpu")) - before
    _check(measured)
    return Result(measured.per_second, measured.p99, cpu / len(measured.latencies))


def _check(measured: Measured) -> None:
    if measured.errors or not measured.latencies:
        raise RuntimeError(f"{measured.errors} of {len(measured.latencies)} requests failed")


def table(results: Results, options: argparse.Namespace) -> str:
    """The ratios to the baseline, and the baseline itself in absolute numbers."""
    lines = ["", _conditions(options)]
    for kind in options.kind:
        for concurrency in options.concurrency:
            lines += ["", _title(results, kind, concurrency)]
            lines += [f"  {'':<12}{'throughput':>12}{'p99':>8}{'CPU':>8}"]
            lines += [_row(results, name, kind, concurrency) for name in options.variant]
    return "\n".join(lines[1:])


def _conditions(options: argparse.Namespace) -> str:
    loop = "uvloop" if find_spec("uvloop") else "asyncio's loop"
    parser = "httptools" if find_spec("httptools") else "h11"
    per_core = options.load_before / (os.cpu_count() or 1)
    busy = f"; BUSY MACHINE, load {per_core:.1f} per core before" if per_core > BUSY else ""
    return f"{options.rounds} rounds, {loop}, {parser}{busy}"


def _title(results: Results, kind: str, concurrency: int) -> str:
    rounds = results[BASELINE, kind, concurrency]
    per_second = statistics.median(result.per_second for result in rounds)
    p99 = statistics.median(result.p99 for result in rounds)
    cpu = statistics.median(result.cpu for result in rounds)
    return (
        f"{kind}, {concurrency} at a time (baseline: {per_second:.0f} requests/s, "
        f"p99 {p99 * 1000:.0f} ms, CPU {cpu * 1000:.2f} ms)"
    )


def _row(results: Results, variant: str, kind: str, concurrency: int) -> str:
    pairs = list(
        zip(
            results[variant, kind, concurrency],
            results[BASELINE, kind, concurrency],
            strict=True,
        )
    )
    throughput = statistics.median(own.per_second / base.per_second for own, base in pairs)
    p99 = statistics.median(own.p99 / base.p99 for own, base in pairs)
    cpu = statistics.median(own.cpu / base.cpu for own, base in pairs)
    return f"  {variant:<12}{throughput:>12.2f}{p99:>8.2f}{cpu:>8.2f}"


@asynccontextmanager
async def _server(variant: str, url: str) -> AsyncIterator[int]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    process = subprocess.Popen(  # noqa: ASYNC220  it only starts
        [
            sys.executable,
            *("-m", "uvicorn", "benchmarks.shim_app:from_environment", "--factory"),
            *("--port", str(port), "--log-level", "warning"),
        ],
        cwd=Path(__file__).parents[1],
        env={**os.environ, "VARIANT": variant, "BENCHMARK_URL": url},
        # Linux then gives each server the same share of a busy machine, whatever its threads.
        start_new_session=True,
    )
    try:
        await asyncio.wait_for(_answers(port), START_SECONDS)
        yield port
    finally:
        process.terminate()
        process.wait()


async def _answers(port: int) -> None:
    while True:
        try:
            await get(port, "/cpu")
        except OSError:  # noqa: PERF203  not yet
            await asyncio.sleep(0.1)
        else:
            return


@contextmanager
def _database(server: str) -> Iterator[str]:
    """A database of our own, dropped afterwards."""
    name = f"migrate_async_shim_{os.getpid()}"
    admin = create_engine(to_sync_url(server), poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    try:
        yield make_url(server).set(database=name).render_as_string(hide_password=False)
    finally:
        with admin.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


def main() -> None:
    """Measure and print."""
    options = _arguments()
    options.load_before = os.getloadavg()[0]
    if BASELINE not in options.variant:
        options.variant = [BASELINE, *options.variant]
    with _database(os.environ[SERVER_VARIABLE]) as url:
        fill(url)
        results = asyncio.run(run(options, url))
    print(table(results, options))
    if any(math.isinf(result.p99) for rounds in results.values() for result in rounds):
        raise SystemExit("a variant answered nothing")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.shim",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0, help="for each load (default: 3)")
    parser.add_argument("--concurrency", type=int, nargs="+", default=[1, 32, 256])
    parser.add_argument("--variant", nargs="+", choices=VARIANTS, default=list(VARIANTS))
    parser.add_argument("--kind", nargs="+", choices=list(PATHS), default=list(PATHS))
    return parser.parse_args()


if __name__ == "__main__":
    main()
