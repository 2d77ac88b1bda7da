"""What `scan` and `migrate --diff` cost, next to `ruff check` and LibCST's own runner."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.measure import Contestant, Timing, measure

_REPOSITORY = Path(__file__).parents[1]
RUFF = "ruff check --no-cache"
LIBCST = "libcst.tool codemod (no-op)"
SCAN = "scan --no-cache"
PYTHON = "python -c pass"


def tree_contestants(root: Path, *, with_libcst: bool) -> list[Contestant]:
    """Everything that is measured on one tree; `root` is its folder."""
    contestants = [
        Contestant(RUFF, (_tool("ruff"), "check", "--no-cache", "--quiet", "."), root),
        Contestant(SCAN, (*_tool_command(), "scan", "--no-cache", "--quiet"), root),
        Contestant("scan, cached", (*_tool_command(), "scan", "--quiet"), root),
        Contestant(
            "migrate --all --diff --no-cache",
            (*_tool_command(), "migrate", "--all", "--diff", "--no-cache", "--quiet"),
            root,
        ),
    ]
    if with_libcst:
        contestants.append(Contestant(LIBCST, _libcst_command(root), _REPOSITORY))
    return contestants


def startup_contestants(empty: Path) -> list[Contestant]:
    """Start-up: what is paid before the first file is read."""
    return [
        Contestant(PYTHON, (sys.executable, "-c", "pass"), empty),
        Contestant("--version", (*_tool_command(), "--version"), empty),
        Contestant("scan of nothing", (*_tool_command(), "scan", "--no-cache"), empty),
        Contestant(RUFF, (_tool("ruff"), "check", "--no-cache", "--quiet", "."), empty),
        Contestant("import libcst", (sys.executable, "-c", "import libcst"), empty),
    ]


def run_tree(root: Path, rounds: int, *, with_libcst: bool) -> list[Timing]:
    """Measure on the tree at `root`; the first, unmeasured round fills the cache of facts."""
    return measure(tree_contestants(root, with_libcst=with_libcst), rounds)


def table(timings: Sequence[Timing]) -> str:
    """One line per contestant: median, spread, and the ratios to ruff and LibCST."""
    medians = {timing.contestant.name: timing.median for timing in timings}
    bases = [name for name in (PYTHON, RUFF, LIBCST) if name in medians]
    width = max(map(len, medians))
    lines = [_row("", width, ["CPU s", "min-max", *(f"/ {base.split()[0]}" for base in bases)])]
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
