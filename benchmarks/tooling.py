"""What a command and `migrate --diff` cost, next to `ruff check`, other linters and LibCST."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.measure import Contestant, Timing, measure

_REPOSITORY = Path(__file__).parents[1]
RUFF = "ruff check --no-cache"
RUFF_WARM = "ruff check, cached"
_RULES = ("--select", "ASYNC,F", "--quiet", ".")
LIBCST = "libcst.tool codemod (no-op)"
PYTHON = "python -c pass"
_SHORT = {PYTHON: "python", RUFF: "ruff", RUFF_WARM: "ruff cached", LIBCST: "libcst.tool"}


def tree_contestants(
    root: Path, *, command: str, with_libcst: bool, python: str = sys.executable
) -> list[Contestant]:
    """Everything that is measured on one tree; `root` is its folder, `command` ours.

    `python` is the interpreter that has the other linters.
    """
    ours = (*_tool_command(), command, "--quiet")
    changed = (sys.executable, "-m", "benchmarks.touch", str(root), *ours)
    contestants = [
        Contestant(RUFF, (_tool("ruff"), "check", "--no-cache", *_RULES), root),
        Contestant(RUFF_WARM, (_tool("ruff"), "check", *_RULES), root),
        Contestant(f"{command} --no-cache", (*ours, "--no-cache"), root),
        Contestant(f"{command}, nothing changed", ours, root, first=ours),
        Contestant(f"{command}, one file changed", changed, root, path=_REPOSITORY),
        Contestant(
            "migrate --all --diff --no-cache",
            (*_tool_command(), "migrate", "--all", "--diff", "--no-cache", "--quiet"),
            root,
        ),
    ]
    if with_libcst:
        contestants.append(Contestant(LIBCST, _libcst_command(root), _REPOSITORY))
        contestants += [linter for linter in _linters(root, python) if _is_installed(linter)]
    return contestants


def left_out(root: Path, python: str = sys.executable) -> list[str]:
    """Why each of the other linters that is not measured is not."""
    missing = [linter for linter in _linters(root, python) if not _is_installed(linter)]
    return [f"no {linter.name}: it is not installed" for linter in missing]


def _linters(root: Path, python: str) -> tuple[Contestant, ...]:
    """Linters that Python runs, which take minutes on large trees."""
    flake8 = (python, "-m", "flake8", "-j1", "--select", "ASYNC", ".")
    fixit = (python, "-m", "fixit", "--quiet", "lint", ".")
    return (
        Contestant("flake8 with flake8-async", flake8, root, needs=("flake8", "flake8_async")),
        Contestant("fixit lint", fixit, root, needs=("fixit",)),
    )


def _is_installed(linter: Contestant) -> bool:
    code = f"import {', '.join(linter.needs)}"
    command = (linter.command[0], "-c", code)
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def startup_contestants(empty: Path) -> list[Contestant]:
    """Start-up: what is paid before the first file is read."""
    return [
        Contestant(PYTHON, (sys.executable, "-c", "pass"), empty),
        Contestant("--version", (*_tool_command(), "--version"), empty),
        Contestant("scan of nothing", (*_tool_command(), "scan", "--no-cache"), empty),
        Contestant(RUFF, (_tool("ruff"), "check", "--no-cache", *_RULES), empty),
        Contestant("import libcst", (sys.executable, "-c", "import libcst"), empty),
    ]


def run_tree(
    root: Path, rounds: int, *, command: str, with_libcst: bool, python: str = sys.executable
) -> list[Timing]:
    """Measure `command` on the tree at `root`; the first, unmeasured round fills the caches."""
    contestants = tree_contestants(root, command=command, with_libcst=with_libcst, python=python)
    return measure(contestants, rounds)


def table(timings: Sequence[Timing]) -> str:
    """One line per contestant: median, spread, and the ratios to ruff and LibCST."""
    medians = {timing.contestant.name: timing.median for timing in timings}
    bases = [name for name in (PYTHON, RUFF, LIBCST) if name in medians]
    width = max(map(len, medians))
    lines = [_row("", width, ["CPU s", "min-max", *(f"/ {_SHORT[base]}" for base in bases)])]
    for timing in timings:
        spread = f"{min(timing.seconds):.2f}-{max(timing.seconds):.2f}"
        ratios = [f"{timing.median / max(medians[base], 0.001):.2f}" for base in bases]
        lines.append(_row(timing.contestant.name, width, [f"{timing.median:.2f}", spread, *ratios]))
    return "\n".join(lines)


def _row(name: str, width: int, cells: Sequence[str]) -> str:
    return f"  {name:<{width}}  " + "  ".join(f"{cell:>13}" for cell in cells)


def _tool_command() -> tuple[str, ...]:
    return (sys.executable, "-m", "migrate_async")


def _libcst_command(root: Path) -> tuple[str, ...]:
    command = (sys.executable, "-m", "libcst.tool", "codemod", "-x", "benchmarks.noop.NoOpCommand")
    return (*command, "--no-format", "--hide-progress", str(root))


def _tool(name: str) -> str:
    beside = Path(sys.executable).with_name(name)
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        raise RuntimeError(f"{name} is not installed; `make bench` installs it")
    return found
