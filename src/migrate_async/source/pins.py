"""Which versions of a package a project allows: `pyproject.toml`, requirements and their like.

They are read as text, line by line, so that a message can name the line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import Version

_FILES = ("pyproject.toml", "setup.cfg", "setup.py", "Pipfile")
_REQUIREMENTS = ("requirements*.txt", "requirements*.in", "requirements/*.txt", "requirements/*.in")
_NAMED = r"""
    (?<![\w.-])["']?%s(?![\w.-])["']?   # the name, quoted as the key of a table perhaps
        (?:\[[^\]]*\])?\s*                # extras
        (?:=\s*(?:\{[^}]*?version\s*=\s*)?["'])?  # Poetry: `= "^1.4"`, `= {version = "^1.4"}`
        (?P<versions>[\^~=<>!][^"';\#}\n\\]*|\d[\w.*]*)"""
_COMMENT = re.compile(r"(^|\s)#")


@dataclass(frozen=True)
class Pin:
    """One requirement: where it stands, relative to the project, and what it allows."""

    path: str
    line: int
    column: int
    text: str
    versions: SpecifierSet

    def allows(self, minimum: str) -> bool:
        """Whether it allows the version `minimum` or a later one."""
        least = Version(minimum)
        named = [Version(spec.version.removesuffix(".*")) for spec in self.versions]
        near = [Version(f"{v.major}.{v.minor}.999") for v in (*named, least)]
        candidates = {least, *named, *near, Version("999")}
        return any(v >= least and self.versions.contains(v) for v in candidates)


def pins_of(package: str, root: Path, modules: Iterable[str] = ()) -> Iterator[Pin]:
    """The requirements of `package` in the files at `root`, in a stable order.

    And in the folders on the way down to the `modules`, of which a repository may have several.
    """
    spelt = re.sub(r"[-_.]+", "[-_.]+", package)
    named = re.compile(_NAMED % spelt, re.IGNORECASE | re.VERBOSE)
    folders = {root, *(root / folder for path in modules for folder in Path(path).parents)}
    paths: list[Path] = []
    for folder in sorted(folders):
        paths += [folder / name for name in _FILES]
        for pattern in _REQUIREMENTS:
            paths += sorted(folder.glob(pattern))
    for path in paths:
        if path.is_file():
            yield from _in_file(path, path.relative_to(root).as_posix(), named)


def _in_file(path: Path, name: str, named: re.Pattern[str]) -> Iterator[Pin]:
    text = path.read_text("utf-8", errors="replace")
    for number, line in enumerate(text.splitlines(), 1):
        comment = _COMMENT.search(line)
        found = named.search(line[: comment.start()] if comment else line)
        versions = _specifiers(found["versions"]) if found is not None else None
        if found is not None and versions is not None:
            yield Pin(name, number, found.start(), found.group().strip().strip("\"'"), versions)


def _specifiers(text: str) -> SpecifierSet | None:
    """What pip, Poetry or Pipenv mean by `text`; None if that is unknown."""
    text = text.strip().rstrip(",")
    if text.startswith("^"):
        text = f">={text[1:]},{_below_next(text[1:])}"
    elif text.startswith("~") and not text.startswith("~="):
        text = f"~={text[1:]}" if text.count(".") > 1 else f"=={text[1:]}.*"
    elif text[:1].isdigit():
        text = f"=={text}"
    try:
        return SpecifierSet(text, prereleases=True)
    except InvalidSpecifier:
        return None


def _below_next(version: str) -> str:
    """What a caret forbids: the next number in the place of the first that is not zero."""
    numbers = re.findall(r"\d+", version)[:3]
    place = next((i for i, number in enumerate(numbers) if int(number)), len(numbers) - 1)
    return "<" + ".".join([*numbers[:place], numbers[place], "999999"]) if numbers else ""
