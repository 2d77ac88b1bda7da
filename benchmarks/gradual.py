"""Migrate a project one route at a time, in random orders; run its own tests after each step.

    python -m benchmarks.gradual path/to/project --test "python -m pytest -q" --seed 1 --seed 2

Every state has to pass the tests, without edits by hand, and each order has to end with the files
that one run for everything leaves. The tests run in the folder of the copy that is migrated.
"""

from __future__ import annotations

import argparse
import random
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from migrate_async.cli import use_cases
from migrate_async.cli.progress import Progress
from migrate_async.cli.workspace import Workspace, open_workspace
from migrate_async.errors import UsageError
from migrate_async.model.plan import Step
from migrate_async.model.selection import EVERYTHING, Selection
from migrate_async.model.summary import Mode

_LEFT_OUT = ("__pycache__", ".pytest_cache", ".migrate-async", ".git", "node_modules", ".venv")
_SHOWN = 3000


@dataclass(frozen=True)
class Suite:
    """Commands that say, by their exit code, whether the application in a folder works."""

    commands: Sequence[str]
    timeout: float

    def complaint(self, folder: Path) -> str:
        """The end of what the first failing command wrote; empty if all pass."""
        for command in self.commands:
            try:
                done = subprocess.run(
                    shlex.split(command),
                    cwd=folder,
                    capture_output=True,
                    text=True,
                    timeout=self.timeout,
                    check=False,
                )
            except subprocess.TimeoutExpired:
                return f"{command}: more than {self.timeout:g} seconds"
            if done.returncode:
                return f"{command}:\n{(done.stdout + done.stderr)[-_SHOWN:]}"
        return ""


def main() -> int:
    """One line for each state; 1 if any of them fails or an order makes a difference."""
    options = _arguments()
    suite = Suite(options.test, options.timeout)
    folder = Path(tempfile.mkdtemp(prefix="migrate-async-gradual-"))
    wanted = _copy(options.project, folder / "at-once")
    failures = _step(wanted, "--all at once", suite, check=True)
    for seed in options.seed or [1]:
        copy = _copy(options.project, folder / f"seed-{seed}")
        failures += _sweep(copy, seed, suite, options.every)
        different = _differences(wanted, copy)
        failures += len(different)
        print(f"seed {seed}: {len(different)} files differ from one run {different}", flush=True)
    print(f"{failures} failures; the copies are in {folder}" if failures else "all pass")
    if not failures:
        shutil.rmtree(folder)
    return int(bool(failures))


def _sweep(folder: Path, seed: int, suite: Suite, every: int) -> int:
    """Failures of one order of the routes."""
    failures = 0
    for number, route in enumerate(_routes(folder, seed), start=1):
        check = bool(every) and number % every == 0
        failures += _step(folder, route, suite, check=check)
    return failures + _step(folder, "--all", suite, check=True)


def _step(folder: Path, route: str, suite: Suite, *, check: bool) -> int:
    """Migrate `route` (or everything), run the tests, print a line; 1 for a failure."""
    chosen = EVERYTHING if route.startswith("--all") else Selection(routes=(route,))
    started = time.perf_counter()
    try:
        done = use_cases.migrate(
            _workspace(folder), Step.ALL, Mode.WRITE, Progress(), chosen, allow_dirty=True
        )
    except UsageError as refused:
        print(f"refused  {route}: {refused}", flush=True)
        return 1
    took = time.perf_counter() - started
    problem = "".join(found.message for found in done.summary.internal_errors)
    if check and not problem:
        problem = suite.complaint(folder)
    files = len(done.summary.changed)
    print(f"{'FAILED' if problem else 'ok':8} {route}: {files} files in {took:.1f} s", flush=True)
    if problem:
        print(problem, flush=True)
    return int(bool(problem))


def _routes(folder: Path, seed: int) -> list[str]:
    found = use_cases.scan_project(_workspace(folder), Progress()).routes
    routes = sorted({f"{method} {route.url}" for route in found for method in route.methods})
    random.Random(seed).shuffle(routes)  # noqa: S311  an order, no secret
    return routes


def _differences(one: Path, other: Path) -> list[str]:
    first, second = dict(_files(one)), dict(_files(other))
    return sorted(path for path in first | second if first.get(path) != second.get(path))


def _files(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in folder.rglob("*.py"):
        if ".migrate-async" not in path.parts:
            yield path.relative_to(folder).as_posix(), path.read_bytes()


def _copy(project: Path, target: Path) -> Path:
    return Path(shutil.copytree(project, target, ignore=shutil.ignore_patterns(*_LEFT_OUT)))


def _workspace(folder: Path) -> Workspace:
    return open_workspace([folder], jobs=1, cache=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.gradual",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("project", type=lambda text: Path(text).resolve(strict=True))
    parser.add_argument(
        "--test", action="append", default=[], metavar="COMMAND", help="may be repeated"
    )
    parser.add_argument("--seed", type=int, action="append", metavar="N", help="may be repeated")
    parser.add_argument("--every", type=int, default=1, help="test each N-th state; 0: the last")
    parser.add_argument("--timeout", type=float, default=600, help="seconds for one command")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
