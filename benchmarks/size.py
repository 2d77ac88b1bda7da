"""`python -m benchmarks.size`: cost against the size of a repository.

For each size: CPU seconds and peak memory of `lint`, `plan` and `migrate --diff`, cold and with a
warm cache, and of a warm run after one file was edited, for several kinds of edits. Ratios tell
whether cost grows with size (cost per file against the smallest) and what an edit costs (against
the cold run):

- `helper`: a function that nobody mentions, in a file without a database;
- `import`: another one there, which uses a module that the file did not import;
- `comment`: a line more in a file with queries;
- `query`: a function more there, with a query;
- `line`: another statement in the body of a function there.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import trees

_CLEAN = {key: os.environ[key] for key in os.environ if key != "PYTHONDONTWRITEBYTECODE"}
_COMMANDS = {
    "lint": ("lint", "--quiet"),
    "plan": ("plan", "--quiet"),
    "migrate --diff": ("migrate", "--diff", "--quiet"),
}
_MEGABYTE = 1024
_QUERY = "db.query("

Edit = Callable[[str], str]
"""From the text of a file to that after the edit."""

EDITS: dict[str, tuple[bool, Edit]] = {
    "helper": (False, lambda text: text + "\n\ndef added():\n    return 1\n"),
    "import": (False, lambda text: f"{text}\n\nimport json\n\n\ndef dump(x):\n    json.dumps(x)\n"),
    "comment": (True, lambda text: f"# about the database\n{text}"),
    "query": (True, lambda text: f"{text}\n\ndef more(db: Session):\n    db.query(int).all()\n"),
    "line": (True, lambda text: text.replace("db.commit()", "db.flush()\n    db.commit()", 1)),
}
"""Edits by name, and whether they are made to a file with queries."""

SHAPES = {"sparse": trees.SPARSE, "dense": trees.DENSE}


@dataclass(frozen=True)
class Cost:
    """CPU seconds of a command with all that it starts, and its peak memory in MB."""

    seconds: float
    memory: float


@dataclass(frozen=True)
class Row:
    """One command on one tree."""

    files: int
    command: str
    cold: Cost
    warm: Cost
    edited: dict[str, Cost]
    """By the kind of the edit; without those that no file of the tree is for."""


def measure(root: Path, name: str, arguments: Sequence[str], *, files: int) -> Row:
    """The command without a cache, with one, and with one after each edit of one file."""
    shutil.rmtree(root / ".migrate-async", ignore_errors=True)
    command = [sys.executable, "-m", "migrate_async", *arguments]
    cold = _run(command, root)
    warm = _run(command, root)
    edited = {}
    for kind, (is_query, edit) in EDITS.items():
        path = _file_for(root, is_query=is_query)
        if path is not None:
            edited[kind] = _after(path, edit, command, root)
    return Row(files, name, cold, warm, edited)


def _file_for(root: Path, *, is_query: bool) -> Path | None:
    paths = sorted(root.glob("app/part_*/module_*.py"))
    return next((path for path in paths if (_QUERY in path.read_text("utf-8")) is is_query), None)


def _after(path: Path, edit: Edit, command: Sequence[str], root: Path) -> Cost:
    """The cost of a run after the edit; the next one begins where this one began."""
    before = path.read_text("utf-8")
    path.write_text(edit(before), "utf-8")
    try:
        return _run(command, root)
    finally:
        path.write_text(before, "utf-8")
        _run(command, root)


def _run(command: Sequence[str], root: Path) -> Cost:
    """Runs it in a child of a child, so that the peak of one run is not that of another."""
    program = "import json, resource, subprocess, sys\n"
    program += "done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL)\n"
    program += "use = resource.getrusage(resource.RUSAGE_CHILDREN)\n"
    program += "print(use.ru_utime + use.ru_stime, use.ru_maxrss, done.returncode)"
    done = subprocess.run(
        [sys.executable, "-c", program, *command],
        cwd=root,
        env=_CLEAN,
        capture_output=True,
        text=True,
        check=True,
    )
    seconds, memory, code = done.stdout.split()
    if code not in ("0", "1"):
        raise RuntimeError(f"{' '.join(command)} ended with {code}:\n{done.stderr[-2000:]}")
    return Cost(float(seconds), float(memory) / _MEGABYTE)


def rows(
    folder: Path, shape: trees.Shape, sizes: Sequence[int], commands: Sequence[str]
) -> Iterator[Row]:
    """Each command on a tree of each size, the smallest first."""
    for size in sorted(sizes):
        root = trees.make_tree(folder, shape, size * trees.LINES_PER_FILE)
        files, _ = trees.count_lines(root)
        for name in commands:
            yield measure(root, name, _COMMANDS[name], files=files)
        shutil.rmtree(root)


_HEAD = ("files", "command", "cold s", "ms/file", "growth", "MB", "edit MB", "warm", *EDITS)


def _cells(row: Row, smallest: Row) -> tuple[str, ...]:
    """Seconds, memory, and ratios: per file against the smallest tree, others against cold."""
    edited = [row.edited.get(kind) for kind in EDITS]
    per_file = row.cold.seconds / row.files
    return (
        f"{row.files:,}",
        row.command,
        f"{row.cold.seconds:.1f}",
        f"{1000 * per_file:.2f}",
        f"{per_file / (smallest.cold.seconds / smallest.files):.2f}",
        f"{row.cold.memory:.0f}",
        f"{max((cost.memory for cost in row.edited.values()), default=0):.0f}",
        *(
            "-" if cost is None else f"{cost.seconds / row.cold.seconds:.3f}"
            for cost in (row.warm, *edited)
        ),
    )


def _line(cells: Sequence[str]) -> str:
    name = 1
    return "  ".join(
        cell.ljust(15) if number == name else cell.rjust(8) for number, cell in enumerate(cells)
    )


def main() -> None:
    """Make the trees, measure, print a table for each shape, line by line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.size", description=__doc__)
    parser.add_argument("--files", type=int, nargs="+", default=[1_000, 5_000, 20_000])
    parser.add_argument("--shape", choices=list(SHAPES), nargs="+", default=list(SHAPES))
    parser.add_argument("--command", choices=list(_COMMANDS), nargs="+", default=list(_COMMANDS))
    options = parser.parse_args()
    for name in options.shape:
        print(f"\n{name}\n{_line(_HEAD)}", flush=True)
        smallest: dict[str, Row] = {}
        with tempfile.TemporaryDirectory(prefix="migrate-async-benchmark-") as folder:
            for row in rows(Path(folder), SHAPES[name], options.files, options.command):
                first = smallest.setdefault(row.command, row)
                print(_line(_cells(row, first)), flush=True)


if __name__ == "__main__":
    main()
