"""Write the pages that are made of code.

    python -m migrate_async.report.pages [--check] [FOLDER]

writes them into FOLDER, by default `docs`; with `--check` it writes nothing, shows what differs and
exits with 1 when a page is not current.
"""

from __future__ import annotations

import difflib
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from migrate_async.lint.registry import rules
from migrate_async.report.findings import json as findings
from migrate_async.report.pages import codemods, query_methods
from migrate_async.report.pages import rules as rules_page
from migrate_async.rewrite.registry import codemods as every_codemod
from migrate_async.source import profiles

PAGES: Mapping[str, Callable[[], str]] = {
    "codemods.md": lambda: codemods.page(every_codemod()),
    "lint.schema.json": lambda: _json(findings.schema()),
    "profile.schema.json": lambda: _json(profiles.schema()),
    "query-methods.md": query_methods.page,
    "rules.md": lambda: rules_page.page(rules()),
}
"""The name of each file, and what makes its text."""


def main(arguments: Sequence[str]) -> int:
    """Write or check the pages; the exit code."""
    is_checking = "--check" in arguments
    folders = [Path(argument) for argument in arguments if argument != "--check"]
    folder = folders[0] if folders else Path("docs")
    due = {folder / name: make() for name, make in PAGES.items()}
    stale = {file: text for file, text in due.items() if _current(file) != text}
    for file, text in stale.items():
        if is_checking:
            sys.stderr.write(_difference(file, text))
        else:
            file.write_text(text, encoding="utf-8")
    return 1 if stale and is_checking else 0


def _json(schema: dict[str, Any]) -> str:
    encoded = msgspec.json.encode(schema, order="deterministic")
    return msgspec.json.format(encoded, indent=2).decode() + "\n"


def _current(file: Path) -> str | None:
    return file.read_text(encoding="utf-8") if file.is_file() else None


def _difference(file: Path, text: str) -> str:
    current = _current(file) or ""
    diff = difflib.unified_diff(current.splitlines(), text.splitlines(), "now", "due", "", "")
    return "\n".join([f"{file} is not current:", *diff, ""])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
