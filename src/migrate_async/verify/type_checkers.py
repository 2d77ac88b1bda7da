"""Run an installed type checker on two trees and tell which errors are new.

Type checkers parse and read; none of these imports the code that it checks.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from migrate_async.errors import UsageError
from migrate_async.model.diagnostic import Diagnostic, Severity
from migrate_async.model.verification import TypeComparison

NEW_TYPE_ERROR = "MA290"


class Checker(msgspec.Struct, frozen=True):
    """How a type checker is called in a folder, and how it writes an error."""

    name: str
    arguments: Callable[[Path], tuple[str, ...]]
    error: re.Pattern[str]
    """Groups `path`, `line`, `message` and `code`."""


def _mypy(_folder: Path) -> tuple[str, ...]:
    flags = ("--no-error-summary", "--no-color-output", "--no-pretty", "--show-error-codes")
    return (*flags, "--cache-dir", "/dev/null" if sys.platform != "win32" else "nul", ".")


def _ty(_folder: Path) -> tuple[str, ...]:
    return ("check", "--output-format", "concise", "--python", sys.prefix, ".")


def _pyrefly(folder: Path) -> tuple[str, ...]:
    """Without a configuration it checks next to nothing unless a preset is named."""
    settings = folder / "pyproject.toml"
    configured = (folder / "pyrefly.toml").exists() or (
        settings.exists() and "[tool.pyrefly" in settings.read_text("utf-8", "replace")
    )
    preset = () if configured else ("--preset", "default")
    interpreter = ("--python-interpreter-path", sys.executable)
    return ("check", *preset, *interpreter, "--output-format", "min-text", ".")


CHECKERS = {
    checker.name: checker
    for checker in (
        Checker(
            "ty",
            _ty,
            re.compile(
                r"(?P<path>[^:]+):(?P<line>\d+):\d+: error\[(?P<code>[^]]+)\] (?P<message>.*)"
            ),
        ),
        Checker(
            "pyrefly",
            _pyrefly,
            re.compile(
                r"ERROR (?P<path>[^:]+):(?P<line>\d+):\S+ (?P<message>.*) \[(?P<code>[^]]+)\]$"
            ),
        ),
        Checker(
            "mypy",
            _mypy,
            re.compile(
                r"(?P<path>[^:]+):(?P<line>\d+): error: (?P<message>.*?)  \[(?P<code>[^]]+)\]$"
            ),
        ),
    )
}


def find(name: str) -> str | None:
    """The program, beside this interpreter or on the PATH."""
    beside = Path(sys.executable).with_name(name)
    return str(beside) if beside.exists() else shutil.which(name)


def compare(program: str, name: str, old: Path, new: Path, baseline: str) -> TypeComparison:
    """What the checker says of the tree `new` and not of the tree `old`.

    Raises `UsageError` when it cannot be run.
    """
    checker = CHECKERS[name]
    before = list(_errors(checker, program, old))
    after = list(_errors(checker, program, new))
    return TypeComparison(
        tool=name,
        baseline=baseline,
        errors_before=len(before),
        errors_after=len(after),
        new=tuple(sorted(_new(before, after))),
    )


def _new(before: list[Diagnostic], after: list[Diagnostic]) -> Iterator[Diagnostic]:
    """Those of `after` that are more than `before` has of the same message in the same file."""
    known = Counter((found.path, found.message) for found in before)
    for found in after:
        key = (found.path, found.message)
        if known[key]:
            known[key] -= 1
        else:
            yield found


def _errors(checker: Checker, program: str, folder: Path) -> Iterator[Diagnostic]:
    try:
        done = subprocess.run(  # noqa: S603 - the type checker that was asked for, no shell
            [program, *checker.arguments(folder)],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError as error:
        raise UsageError(f"{checker.name} cannot be run: {error}") from None
    found = [match for line in done.stdout.splitlines() if (match := checker.error.match(line))]
    if done.returncode and not found:
        said = (done.stderr or done.stdout).strip().splitlines() or ["no output"]
        raise UsageError(f"{checker.name} ended with {done.returncode}: {said[-1]}")
    for match in found:
        yield Diagnostic(
            path=Path(match["path"]).as_posix(),
            line=int(match["line"]),
            code=NEW_TYPE_ERROR,
            message=f"{match['message']} [{match['code']}]",
            next_step=f"{checker.name} did not say this of the tree before the migration",
            severity=Severity.WARNING.value,
        )
