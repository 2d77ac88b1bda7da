"""Real Python files, and what becomes of them when a few things go wrong."""

from __future__ import annotations

import ast
import copy
import random
import re
import sysconfig
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
_FOLDERS = (
    REPOSITORY / "fixtures",
    REPOSITORY / "src",
    REPOSITORY / "tests" / "lint",
    Path(sysconfig.get_path("stdlib")),
)
_LARGEST = 40_000
_PIECES = (
    b"# noqa: MA801, MA899 why",
    b"# migrate-async: ignore-file[MA801",
    b"\0",
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    b"\x0c",
    b"\r",
    b"\\\n",
    b"\t",
    b'"""',
    b"(" * 60,
    b"lambda: " * 30,
    b"await ",
    b"async ",
    b"yield ",
    b"db.query(db).filter(",
    "ñ漢😀\u2028".encode(),
    b"# coding: utf-16\n",
    b"# coding: latin-1\n",
)
_NAMES = ("db", "session", "Session", "SessionLocal", "query", "get_db", "close", "commit")


@cache
def seeds() -> tuple[bytes, ...]:
    """Files of this repository and of the standard library, always the same ones."""
    found: list[bytes] = []
    for folder in _FOLDERS:
        files = sorted(p for p in folder.rglob("*.py") if "site-packages" not in p.parts)
        step = max(1, len(files) // 80)
        found += [p.read_bytes() for p in files[::step] if p.stat().st_size < _LARGEST]
    return tuple(found)


def mutant(chance: random.Random) -> bytes:
    """A real file with a few mutations, chosen by `chance`."""
    data = chance.choice(seeds())
    for _ in range(chance.randint(0, 6)):
        data = chance.choice(_MUTATIONS)(data, chance)
    return data


def _splice(data: bytes, chance: random.Random) -> bytes:
    at = chance.randint(0, len(data))
    return data[:at] + chance.choice(_PIECES) + data[at:]


def _cut(data: bytes, chance: random.Random) -> bytes:
    start = chance.randint(0, len(data))
    return data[:start] + data[start + chance.randint(0, 200) :]


def _shuffle_lines(data: bytes, chance: random.Random) -> bytes:
    lines = data.splitlines(keepends=True)
    if len(lines) > 2:
        start = chance.randrange(len(lines) - 1)
        moved = lines[start : start + chance.randint(1, 5)]
        del lines[start : start + len(moved)]
        at = chance.randint(0, len(lines))
        lines[at:at] = moved * chance.randint(1, 2)
    return b"".join(lines)


def _line_ends(data: bytes, chance: random.Random) -> bytes:
    return data.replace(b"\n", chance.choice([b"\r\n", b"\r", b"\n\n"]))


def _comment_lines(data: bytes, chance: random.Random) -> bytes:
    lines = data.split(b"\n")
    for _ in range(10):
        lines[chance.randrange(len(lines))] += b"  # noqa: MA801 x"
    return b"\n".join(lines)


def _rename(data: bytes, chance: random.Random) -> bytes:
    """Some name of the file becomes one that has to do with sessions."""
    names = sorted(set(re.findall(rb"\b[a-z_]\w{1,12}\b", data)))
    if not names:
        return data
    old = re.escape(chance.choice(names))
    return re.sub(rb"\b" + old + rb"\b", chance.choice(_NAMES).encode(), data)


def _cross(data: bytes, chance: random.Random) -> bytes:
    """Expressions, or statements, of a second file take the places of some of the first."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree, other = ast.parse(data), ast.parse(chance.choice(seeds()))
        _exchange(tree, other, chance)
        return ast.unparse(ast.fix_missing_locations(tree)).encode()
    except (SyntaxError, ValueError, RecursionError, UnicodeError, TypeError, AttributeError):
        return data


def _exchange(tree: ast.Module, other: ast.Module, chance: random.Random) -> None:
    kind = chance.choice([ast.expr, ast.stmt])
    donors = [node for node in ast.walk(other) if isinstance(node, kind)]
    places = [
        (items, index)
        for node in ast.walk(tree)
        for _, items in ast.iter_fields(node)
        if isinstance(items, list)
        for index, item in enumerate(items)
        if isinstance(item, kind)
    ]
    for _ in range(min(8, len(places), len(donors))):
        items, index = chance.choice(places)
        if index < len(items):
            items[index] = copy.deepcopy(chance.choice(donors))


_MUTATIONS: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    _splice,
    _cut,
    _shuffle_lines,
    _line_ends,
    _comment_lines,
    _rename,
    _cross,
    _cross,
)
