"""The line length that a project asks its formatter for: in the settings of ruff, or of black."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import msgspec.toml

_PYPROJECT = "pyproject.toml"
_KEY = "line-length"
_DEFAULT = 88
"""What black and `ruff format` keep to where their settings do not say."""


def written_limit(root: Path) -> int | None:
    """What the project at `root` asks for; None where it does not say.

    As with ruff, the nearest folder with settings counts, up to that of the repository. A file that
    cannot be read says nothing.
    """
    found = (limit for folder in _folders(root) for limit in _limits(folder))
    return next(found, None)


def _folders(root: Path) -> tuple[Path, ...]:
    """`root`, and the folders around it in its repository."""
    around = (root, *root.parents)
    for number, folder in enumerate(around, start=1):
        if (folder / ".git").exists():
            return around[:number]
    return (root,)


def _limits(folder: Path) -> Iterator[int]:
    """What the files in `folder` say, the one that counts first."""
    tools = _table(_read(folder / _PYPROJECT), "tool")
    ruffs = [*_ruffs(folder, tools)]
    for settings in ruffs:
        yield from _of_ruff(settings, folder)
    black = _table(tools, "black")
    yield from _valid(black.get(_KEY, black.get(_KEY.replace("-", "_"))))
    if black or any(_table(settings, "format") for settings in ruffs):
        yield _DEFAULT


def _ruffs(folder: Path, tools: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The settings of ruff in `folder`, the one that counts first."""
    yield from (_read(folder / name) for name in (".ruff.toml", "ruff.toml"))
    yield _table(tools, "ruff")


def _of_ruff(settings: Mapping[str, Any], folder: Path, depth: int = 5) -> Iterator[int]:
    """What `settings` of ruff say, or the file that they extend."""
    yield from _valid(settings.get(_KEY))
    extended = settings.get("extend")
    if isinstance(extended, str) and depth:
        path = folder / extended
        found = _read(path)
        if path.name == _PYPROJECT:
            found = _table(_table(found, "tool"), "ruff")
        yield from _of_ruff(found, path.parent, depth - 1)


def _valid(value: object) -> Iterator[int]:
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        yield value


def _table(settings: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = settings.get(name)
    return found if isinstance(found, Mapping) else {}


def _read(path: Path) -> Mapping[str, Any]:
    try:
        return msgspec.toml.decode(path.read_bytes(), type=dict[str, Any])
    except (OSError, UnicodeDecodeError, msgspec.DecodeError):
        return {}
