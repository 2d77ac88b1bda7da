"""CPU seconds of whole processes, interleaved, so that a busy machine disturbs all alike."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

# Compiled modules are part of an installation; a shell that forbids them would be measured too.
_ENVIRONMENT = {key: os.environ[key] for key in os.environ if key != "PYTHONDONTWRITEBYTECODE"}


@dataclass(frozen=True)
class Contestant:
    """A command line to measure. `expected` are the exit codes that mean it did its work.

    `path` is put on Python's import path; `needs` are the modules without which it cannot run.
    `first` is run before each measurement and not measured: it leaves what caches have to hold.
    """

    name: str
    command: tuple[str, ...]
    cwd: Path
    expected: frozenset[int] = frozenset({0, 1})
    path: Path | None = None
    needs: tuple[str, ...] = ()
    first: tuple[str, ...] = ()


@dataclass
class Timing:
    """The runs of one contestant, in CPU seconds of its process and all that it started."""

    contestant: Contestant
    seconds: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)


def measure(contestants: Sequence[Contestant], rounds: int) -> list[Timing]:
    """Run all contestants one after the other, `rounds` times after a first one to warm up.

    Raises `RuntimeError` with the output when one ends with an unexpected code.
    """
    timings = [Timing(contestant) for contestant in contestants]
    for warm in range(rounds + 1):
        for timing in timings:
            seconds = _cpu_seconds(timing.contestant)
            if warm:
                timing.seconds.append(seconds)
    return timings


def _cpu_seconds(contestant: Contestant) -> float:
    if contestant.first:
        _run(contestant, contestant.first)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    _run(contestant, contestant.command)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def _run(contestant: Contestant, command: Sequence[str]) -> None:
    extra = {} if contestant.path is None else {"PYTHONPATH": str(contestant.path)}
    done = subprocess.run(
        command,
        cwd=contestant.cwd,
        env=_ENVIRONMENT | extra,
        capture_output=True,
        check=False,
    )
    if done.returncode not in contestant.expected:
        tail = done.stderr.decode(errors="replace")[-2000:]
        raise RuntimeError(f"{contestant.name} ended with {done.returncode}:\n{tail}")
