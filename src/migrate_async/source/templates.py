"""Jinja templates: text files that the code names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
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
    folders = list(_folders(root, files))
    known: dict[str, tuple[str, ...]] = {}

    def find(name: str) -> tuple[str, ...]:
        if name not in known:
            texts = (_text(folder, name) for folder in folders)
            known[name] = tuple(text for text in texts if text is not None)
        return known[name]

    return find


def state_of(root: Path, files: Iterable[str]) -> tuple[tuple[str, int, int], ...]:
    """Path, time and size of every template, to tell whether one has changed."""
    found: list[tuple[str, int, int]] = []
    for folder in _folders(root, files):
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                stat = path.stat()
                found.append((path.relative_to(root).as_posix(), stat.st_mtime_ns, stat.st_size))
    return tuple(found)


def _folders(root: Path, files: Iterable[str]) -> Iterator[Path]:
    around = sorted(_around(files), key=lambda folder: folder.split("/"))
    places = (root / folder / kind for folder in around for kind in _FOLDERS)
    return (place for place in places if place.is_dir())


def _around(files: Iterable[str]) -> set[str]:
    """The folders of `files` and those above them, up to the root, which is the empty text."""
    found = {""}
    for file in files:
        folder = file.rpartition("/")[0]
        while folder not in found:
            found.add(folder)
            folder = folder.rpartition("/")[0]
    return found


def _text(folder: Path, name: str) -> str | None:
    path = folder / name
    try:
        if ".." in PurePosixPath(name).parts or path.stat().st_size > _MAX_BYTES:
            return None
        return path.read_text("utf-8")
    except (OSError, ValueError):  # not there, or no text
        return None
