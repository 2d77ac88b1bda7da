"""The flake8 plugin: those rules of the linter for which one file is enough.

flake8 shows a plugin one file at a time, so a session that is opened in one file and closed in
another is beyond it: `migrate-async lint` sees the whole project. Nothing is imported before a file
is checked, because flake8 loads plugins even where the tools are not installed.
"""

from __future__ import annotations

import ast
import functools
import os
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from migrate_async import __version__

if TYPE_CHECKING:
    from migrate_async.config import Settings
    from migrate_async.lint.rule import Rule

Line = tuple[int, int, str, type]
"""What flake8 takes: line from 1, column from 0, code and message, the plugin."""


class Checker:
    """One file of one flake8 run."""

    name: ClassVar[str] = "migrate-async"
    version: ClassVar[str] = __version__

    def __init__(
        self,
        tree: ast.AST,  # noqa: ARG002 - its name is how flake8 tells that a file is parsed first
        filename: str,
        lines: Sequence[str],
    ) -> None:
        self._filename = filename
        self._text = "".join(lines)

    def run(self) -> Iterator[Line]:
        """The findings of high confidence, and what kept rules from running."""
        if find_spec("msgspec") is None or find_spec("pathspec") is None:
            return  # the bare runtime is installed, whose users asked for no linter
        from migrate_async.errors import SourceError

        try:
            yield from self._findings()
        except SourceError as error:
            yield error.line or 1, 0, f"{error.code} {error.message}", type(self)

    def _findings(self) -> Iterator[Line]:
        from migrate_async.index.extract import extract
        from migrate_async.index.project import ModuleInput, build
        from migrate_async.lint.run import run

        root, settings, rules = _configured(Path.cwd())
        path = Path(os.path.relpath(self._filename, root)).as_posix()
        name = Path(path).stem
        module = ModuleInput(path, name, name == "__init__", extract(self._text, path))
        outcome = run(build([module], settings), settings, rules)
        for found in outcome.findings:
            if found.confidence == "high":
                text = f"{found.code} {found.message} ({found.rule})"
                yield found.span[0], found.span[1], text, type(self)
        for problem in outcome.diagnostics:
            yield problem.line or 1, 0, f"{problem.code} {problem.message}", type(self)


@functools.cache
def _configured(folder: Path) -> tuple[Path, Settings, tuple[type[Rule], ...]]:
    """The project that flake8 was started in, its settings, and the rules for single files."""
    from migrate_async import config
    from migrate_async.lint.selection import chosen

    root = config.find_root(folder)
    settings = config.load(root)
    return root, settings, tuple(rule for rule in chosen(settings.lint) if rule.PER_FILE)
