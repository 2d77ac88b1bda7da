"""Jinja templates: text files that the code names."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path, PurePosixPath

_FOLDERS = ("templates", "template", "views")
_MAX_BYTES = 1_000_000

Templates = Callable[[str], tuple[str, ...]]
"""The texts of the templates of a name, one for each folder that has it."""


def no_templates(_name: str) -> tuple[str, ...]:
    """For projects of which nothing but modules is known."""
    return ()


def templates_of(root: Path, files: Iterable[str]) -> Templates:
    """Finds templates in the `templates` folders beside the modules `files` and above them.

    Nothing is read until a name is asked for. Files that are too large, or no UTF-8, are left out.
    """
    folders = {folder for file in files for folder in PurePosixPath(file).parents}
    known: dict[str, tuple[str, ...]] = {}

    def find(name: str) -> tuple[str, ...]:
        if name not in known:
            places = (root / folder / kind for folder in sorted(folders) for kind in _FOLDERS)
            texts = (_text(place, name) for place in places)
            known[name] = tuple(text for text in texts if text is not None)
        return known[name]

    return find


def _text(folder: Path, name: str) -> str | None:
    path = folder / name
    try:
        if ".." in PurePosixPath(name).parts or path.stat().st_size > _MAX_BYTES:
            return None
        return path.read_text("utf-8")
    except (OSError, ValueError):  # not there, or no text
        return None
