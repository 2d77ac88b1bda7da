"""`python -m benchmarks`: measure the tooling and print ratios."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks import tooling, trees
from benchmarks.measure import measure


def main() -> None:
    """Make the trees (or take those given), measure, print one table for each."""
    options = _arguments()
    with tempfile.TemporaryDirectory(prefix="migrate-async-benchmark-") as name:
        folder = Path(name)
        empty = folder / "empty"
        empty.mkdir()
        (empty / "nothing.py").touch()
        print("Start-up")
        print(tooling.table(measure(tooling.startup_contestants(empty), options.rounds)))
        for root in options.tree or _made(folder, options.sparse_lines, options.dense_lines):
            files, lines = trees.count_lines(root)
            print(f"\n{root.name}: {files:,} files, {lines:,} lines")
            with_libcst = lines <= options.libcst_lines
            timings = tooling.run_tree(
                root,
                options.rounds,
                command=options.command,
                with_libcst=with_libcst,
                python=options.linters,
            )
            print(tooling.table(timings))
            reasons = tooling.left_out(root, options.linters)
            for reason in reasons if with_libcst else [_too_large(options)]:
                print(f"  ({reason})")


def _too_large(options: argparse.Namespace) -> str:
    return f"no LibCST, flake8 and fixit above {options.libcst_lines:,} lines: they take minutes"


def _made(folder: Path, sparse_lines: int, dense_lines: int) -> list[Path]:
    return [
        trees.make_tree(folder, trees.SPARSE, sparse_lines),
        trees.make_tree(folder, trees.DENSE, dense_lines),
    ]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--tree",
        type=lambda text: Path(text).resolve(strict=True),
        action="append",
        metavar="PATH",
        help="measure on this tree instead of made ones (may be repeated)",
    )
    parser.add_argument(
        "--command", default="scan", metavar="NAME", help="what to measure of ours (default: scan)"
    )
    parser.add_argument(
        "--linters",
        default=sys.executable,
        metavar="PYTHON",
        help="the interpreter that has flake8, flake8-async and fixit (default: this one)",
    )
    parser.add_argument("--rounds", type=int, default=3, help="runs of each command (default: 3)")
    parser.add_argument("--sparse-lines", type=int, default=1_300_000, metavar="N")
    parser.add_argument("--dense-lines", type=int, default=84_000, metavar="N")
    parser.add_argument(
        "--libcst-lines",
        type=int,
        default=100_000,
        metavar="N",
        help="run LibCST, flake8 and fixit on trees of up to N lines only (default: 100000)",
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
