"""`python -m benchmarks.recorder`: what the recorder costs, as a ratio of CPU seconds.

    python -m benchmarks.recorder --rounds 5
    python -m benchmarks.recorder --project PATH -- venv/bin/python -m pytest -q

A test suite runs with and without the recorder in turn; without arguments it is that of the legacy
shop in `fixtures/`.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path

from benchmarks.measure import Contestant, Timing, measure
from migrate_async.recording.run import recorded_environment

SHOP = Path(__file__).parents[1] / "fixtures" / "legacy_shop" / "before"
PYTEST = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "ignore")


def contestants(project: Path, command: tuple[str, ...], logs: Path) -> tuple[Contestant, ...]:
    """The command as it is, and the command under the recorder, which writes into `logs`."""
    recorded = recorded_environment({"PATH": os.environ["PATH"]}, project, logs)
    settings = tuple(f"{name}={value}" for name, value in recorded.items())
    return (
        Contestant("alone", ("env", *command), project, frozenset({0})),
        Contestant("recorded", ("env", *settings, *command), project, frozenset({0})),
    )


def report(alone: Timing, recorded: Timing) -> str:
    """Medians, the ratio of each round, and the median of these."""
    ratios = sorted(more / less for less, more in zip(alone.seconds, recorded.seconds, strict=True))
    return (
        f"alone     {alone.median:7.2f} s\n"
        f"recorded  {recorded.median:7.2f} s\n"
        f"ratio     {ratios[len(ratios) // 2]:7.2f}  (rounds: "
        f"{', '.join(f'{ratio:.2f}' for ratio in ratios)})"
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.recorder", description=__doc__)
    parser.add_argument("--project", type=Path, metavar="PATH", help="default: the legacy shop")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("command", nargs="*", default=PYTEST, help="default: pytest")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="migrate-async-benchmark-") as name:
        project = options.project or Path(name, "shop")
        if options.project is None:
            shutil.copytree(SHOP, project)
        logs = Path(name, "logs")
        logs.mkdir()
        timings = measure(
            contestants(project.resolve(), tuple(options.command), logs), options.rounds
        )
    print(report(*timings))


if __name__ == "__main__":
    main()
