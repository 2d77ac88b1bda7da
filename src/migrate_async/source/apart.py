"""Files of a large project that have nothing to do with database code, by any name.

A plan is made of the whole project, because a function can be called from anywhere. Yet nobody
calls what nobody names. A file stands apart when

- it says none of the words that databases, web frameworks and tests go by, sessions' names of the
  settings included, and its path no `test`;
- no file that does not stand apart says the name of its module, in whatever way: in code, a string
  or a comment; nor that of a class in it, in a file with relationships, which name classes in
  strings;
- its imports say the name of no module that does not stand apart.

Nothing can flow between such a file and the others: not a value, which takes an import on one of
both sides; not a call; not a fixture of pytest, a class that a string names or an attribute of
`app.state`. So it is the names that are looked at, and not what they mean: a file too many costs
time, one too few a caller that is not seen.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import msgspec

from migrate_async.config import Settings
from migrate_async.source.imports import imports_of
from migrate_async.source.memo import key_of
from migrate_async.source.needles import DATABASE_PACKAGES
from migrate_async.source.table import Table

_WORDS = (
    *(".state", "__import__", "alembic", "async", "celery", "commit", "conn", "cursor", "database"),
    *("engine", "fastapi", "fixture", "flask", "import_string", "importlib", "migrate_async"),
    *("declarative", "postgres", "pytest", "query", "relationship", "session", "sql", "starlette"),
    "unittest",
)

_FOLDER = "traits"

_WORD = re.compile(rb"[A-Za-z_0-9]+")
_CLASS = re.compile(rb"\bclass[ \t\\\r\n]+([A-Za-z_0-9]+)")
_RELATES = re.compile(rb"relationship|mapped|backref", re.IGNORECASE)

SMALL = 200
"""With fewer files than this none stands apart: there is nothing to win."""

_HEAD = 200
"""Bytes that hold the first two lines, which may declare an encoding."""


class Traits(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What the content of a file says of its part in the project.

    `speaks`: it is no candidate, whatever others say. `said` are the words of its imports, `bound`
    those of them that are names in the file, `classes` the names of its classes.
    """

    speaks: bool
    is_empty: bool = False
    is_relative: bool = False
    said: tuple[bytes, ...] = ()
    bound: tuple[bytes, ...] = ()
    classes: tuple[bytes, ...] = ()


def signs_of(settings: Settings) -> tuple[bytes, ...]:
    """The words, in small letters, that make a file matter."""
    resolvers = (text.partition("(")[0] for text in settings.session_resolvers)
    get_db = settings.get_db.rpartition(".")[2]
    of_settings = (*settings.session_names, *settings.registry_keys, *resolvers, get_db)
    words = (*_WORDS, *DATABASE_PACKAGES, *of_settings)
    return tuple(sorted({word.lower().encode() for word in words if word}))


def traits_of(data: bytes, signs: Sequence[bytes]) -> Traits:
    """The traits of the content `data`."""
    if not data.strip():
        return Traits(speaks=False, is_empty=True)
    lower = data.lower()
    if b"coding" in lower[:_HEAD] or any(sign in lower for sign in signs):
        return Traits(speaks=True)
    imports = list(imports_of(data))
    said = {word for item in imports for word in (*item.module.split("."), item.name)}
    bound = {word for item in imports for word in (item.name or item.module).split(".")}
    said_elsewhere = {word for word in said | bound if word not in ("", "*", "__future__")}
    if not data.isascii() and not all(word.isascii() for word in said_elsewhere):
        return Traits(speaks=True)
    classes = set(_CLASS.findall(data))
    if not data.isascii() and re.search(rb"\bclass\s+[A-Za-z_0-9]*[\x80-\xff]", data):
        return Traits(speaks=True)
    return Traits(
        speaks=False,
        is_relative=any(item.level for item in imports),
        said=_sorted(said_elsewhere),
        bound=_sorted(bound & said_elsewhere),
        classes=tuple(sorted(classes)),
    )


def _sorted(words: Iterable[str]) -> tuple[bytes, ...]:
    return tuple(sorted(word.encode() for word in words))


def apart(traits: Mapping[str, Traits], content: Callable[[str], bytes]) -> frozenset[str]:
    """Those of the paths in `traits` whose files stand apart; `content` gives that of a path."""
    return _Apart(traits, content).paths


def files_apart(
    root: Path,
    paths: Sequence[str],
    settings: Settings,
    cache: Path | None = None,
    digests: Mapping[str, str] | None = None,
) -> frozenset[str]:
    """Those of `paths` (relative to `root`) whose files stand apart.

    A file that cannot be read or is larger than allowed does not. Of files with known `digests`,
    what is in the folder `cache` is believed.
    """
    if settings.reach == "all" or len(paths) < SMALL:
        return frozenset()
    signs = signs_of(settings)
    table = Table(cache, _FOLDER, Traits, key_of(_FOLDER, signs))
    traits: dict[str, Traits] = {}
    for path in paths:
        digest = (digests or {}).get(path, "")
        found = table.get(digest)
        if found is None:
            data = _read(root, path, settings.max_file_size)
            found = Traits(speaks=True) if data is None else traits_of(data, signs)
            if digest:
                table.put(digest, found)
        traits[path] = found
    table.save()
    return apart(traits, lambda path: _read(root, path, settings.max_file_size) or b"")


def _read(root: Path, path: str, max_size: int) -> bytes | None:
    """The content; None of a file that cannot be read or is too large."""
    try:
        with open(f"{root}/{path}", "rb") as stream:  # noqa: PTH123 - thousands of them
            data = stream.read(max_size + 1)
    except OSError:
        return None
    return data if len(data) <= max_size else None


class _Apart:
    def __init__(self, traits: Mapping[str, Traits], content: Callable[[str], bytes]) -> None:
        self._traits = traits
        self._content = content
        self._folders = _folders(traits)
        self._left = {path for path in traits if self._is_candidate(path)}
        self._by_name: dict[bytes, list[str]] = {}
        self._by_class: dict[bytes, list[str]] = {}
        self._by_import: dict[bytes, list[str]] = {}
        for path in self._left:
            self._by_name.setdefault(_module(path), []).append(path)
            for word in traits[path].classes:
                self._by_class.setdefault(word, []).append(path)
            for word in self._imported(path):
                self._by_import.setdefault(word, []).append(path)
        self._said: set[bytes] = set()
        pending = sorted(traits.keys() - self._left)
        while pending:
            self._spread(pending)
            pending = self._hollow_folders()

    @property
    def paths(self) -> frozenset[str]:
        return frozenset(self._left)

    def _is_candidate(self, path: str) -> bool:
        traits = self._traits[path]
        if traits.speaks or traits.is_empty or "test" in path.lower() or not path.isascii():
            return False
        # What is below a folder that is a name in the file can be reached by attributes.
        return not any(word in self._folders for word in traits.bound)

    def _imported(self, path: str) -> set[bytes]:
        """The words that may name modules which the file imports from."""
        traits = self._traits[path]
        around = path.encode().split(b"/")[:-1] if traits.is_relative else []
        return {*traits.said, *around}

    def _spread(self, pending: list[str]) -> None:
        """Take out of those apart what these files name, and what names them."""
        while pending:
            path = pending.pop()
            if self._traits[path].is_empty:
                continue
            data = self._content(path)
            words = _words(data)
            new = words - self._said
            self._said |= new
            near = [other for word in new for other in self._by_name.get(word, ())]
            if _RELATES.search(data):
                near += [other for word in words for other in self._by_class.get(word, ())]
            near += self._by_import.get(_module(path), ())
            for other in near:
                if other in self._left:
                    self._left.discard(other)
                    pending.append(other)

    def _hollow_folders(self) -> list[str]:
        """A file of each folder that is named and holds nothing that is known to matter."""
        full = _around(self._traits.keys() - self._left)
        named = self._folders.keys() & self._said
        hollow = {folder for name in named for folder in self._folders[name]} - full
        found = {min(path for path in self._left if path.startswith(f)) for f in hollow}
        self._left -= found
        return sorted(found)


def _folders(paths: Iterable[str]) -> dict[bytes, list[str]]:
    """The folders around `paths` by their names."""
    by_name: dict[bytes, list[str]] = {}
    for folder in sorted(_around(paths)):
        name = folder[:-1].rpartition("/")[2].encode("utf-8", "surrogateescape")
        by_name.setdefault(name, []).append(folder)
    return by_name


def _around(paths: Iterable[str]) -> set[str]:
    """The folders around `paths`, each with a slash at its end."""
    found: set[str] = set()
    for path in paths:
        folder = path.rpartition("/")[0]
        while folder and f"{folder}/" not in found:
            found.add(f"{folder}/")
            folder = folder.rpartition("/")[0]
    return found


def _module(path: str) -> bytes:
    """The last part of the name that the module at `path` is imported by."""
    parts = path.removesuffix(".py").split("/")
    name = parts[-2] if parts[-1] == "__init__" and len(parts) > 1 else parts[-1]
    return name.encode("utf-8", "surrogateescape")


def _words(data: bytes) -> set[bytes]:
    words = set(_WORD.findall(data))
    if not data.isascii():
        # Python takes names that only look other for the same.
        plain = unicodedata.normalize("NFKC", data.decode("utf-8", "replace"))
        words |= set(_WORD.findall(plain.encode("utf-8", "replace")))
    return words
