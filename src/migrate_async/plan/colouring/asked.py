"""What the settings ask to stay sync: `keep-sync`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from itertools import accumulate

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function
from migrate_async.model.diagnostic import Diagnostic, at
from migrate_async.model.plan import Reason
from migrate_async.plan.colouring.reasons import at_definition

SETTING = "keep-sync"
NAMES_NOTHING = "MA207"


class Asked:
    """The functions that `patterns` name.

    A pattern with a slash is about paths, another one about dotted names; it names everything in
    the folder, module or class that it matches.
    """

    def __init__(self, patterns: Iterable[str]) -> None:
        self._patterns = tuple(patterns)

    def reason(self, function: Function) -> Reason | None:
        """Why `function` stays sync, if the settings say so."""
        pattern = next((p for p in self._patterns if _names(p, function)), None)
        if pattern is None or function.is_module:
            return None
        return at_definition(function, SETTING, f"`{SETTING}` names it: {pattern}")

    def unused(self, project: Project, file: str) -> Iterator[Diagnostic]:
        """A message for each pattern that names no function; `file` is where they stand."""
        for pattern in self._patterns:
            if not any(_names(pattern, function) for function in project.functions):
                message = f"{pattern!r} in `{SETTING}` names no function that was read"
                yield at(file, (1, 0, 1, 0), NAMES_NOTHING, message, "correct it, or take it out")


def _names(pattern: str, function: Function) -> bool:
    if "/" in pattern or pattern.endswith(".py"):
        return _matches(function.module.path, "/", pattern.rstrip("/"))
    return _matches(function.qualname, ".", pattern)


def _matches(name: str, separator: str, pattern: str) -> bool:
    """Whether `pattern` matches `name`, or what it begins with before a `separator`."""
    beginnings = accumulate(name.split(separator), lambda one, two: f"{one}{separator}{two}")
    return any(fnmatchcase(beginning, pattern) for beginning in beginnings)
