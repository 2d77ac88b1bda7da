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

from migrate_async.lint.registry import rules
from migrate_async.report.findings import json as findings
from migrate_async.report.pages import codemods, query_methods
from migrate_async.report.pages import rules as rules_page
from migrate_async.rewrite.registry import codemods as every_codemod

PAGES: Mapping[str, Callable[[], str]] = {
    "codemods.md": lambda: codemods.page(every_codemod()),
    "lint.schema.json": findings.schema_text,
    "query-methods.md": query_methods.page,
    "rules.md": lambda: rules_page.page(rules()),
}
"""The name of each file, and what makes its text."""


def main(arguments: Sequence[str]) -> int:
    """Write or check the pages; the exit code."""
    is_checking = "--check" in arguments
    folders = [Path(argument) for argument in arguments if argument != "--check"]
    folder = folders[0] if folders else Path("docs")
    stale = [name for name, text in PAGES.items() if not _is_current(folder / name, text())]
    for name in stale:
        if is_checking:
            sys.stderr.write(_difference(folder / name, PAGES[name]()))
        else:
            (folder / name).write_text(PAGES[name](), encoding="utf-8")
    return 1 if stale and is_checking else 0


def _is_current(file: Path, text: str) -> bool:
    return file.is_file() and file.read_text(encoding="utf-8") == text


def _difference(file: Path, text: str) -> str:
    current = file.read_text(encoding="utf-8") if file.is_file() else ""
    diff = difflib.unified_diff(current.splitlines(), text.splitlines(), "now", "due", "", "")
    return "\n".join([f"{file} is not current:", *diff, ""])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
