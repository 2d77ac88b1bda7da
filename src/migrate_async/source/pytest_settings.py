"""What a project tells pytest about the names of its tests.

Of the files that pytest reads, the first with a table for it counts (https://docs.pytest.org/en/
stable/reference/customize.html#configuration-file-formats).
"""

from __future__ import annotations

import configparser
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import msgspec.toml

_CLASSES = "python_classes"
_TOML = {
    "pytest.toml": ("pytest",),
    ".pytest.toml": ("pytest",),
    "pyproject.toml": ("tool", "pytest"),
}
_INI = {
    "pytest.ini": "pytest",
    ".pytest.ini": "pytest",
    "tox.ini": "pytest",
    "setup.cfg": "tool:pytest",
}
_ORDER = (
    *("pytest.toml", ".pytest.toml", "pytest.ini", ".pytest.ini"),
    *("pyproject.toml", "tox.ini", "setup.cfg"),
)


def python_classes(root: Path) -> tuple[str, ...]:
    """The patterns of `python_classes`; empty if the project sets none, or nobody can read it."""
    for table in _tables(root):
        found = table.get(_CLASSES, ())
        names = found.split() if isinstance(found, str) else found
        return tuple(name for name in names if isinstance(name, str))
    return ()


def _tables(root: Path) -> Iterator[Mapping[str, Any]]:
    for name in _ORDER:
        try:
            text = (root / name).read_text(encoding="utf-8")
            found = _of_toml(text, _TOML[name]) if name in _TOML else _of_ini(text, _INI[name])
        except (OSError, UnicodeDecodeError, msgspec.DecodeError, configparser.Error):
            continue
        if found is not None:
            yield found


def _of_toml(text: str, keys: tuple[str, ...]) -> Mapping[str, Any] | None:
    table: Any = msgspec.toml.decode(text)
    for key in keys:
        table = table.get(key) if isinstance(table, Mapping) else None
    if not isinstance(table, Mapping):
        return None
    older = table.get("ini_options")
    return older if isinstance(older, Mapping) else table


def _of_ini(text: str, section: str) -> Mapping[str, Any] | None:
    parser = configparser.RawConfigParser(strict=False)
    parser.read_string(text)
    return dict(parser[section]) if parser.has_section(section) else None
