"""Paths in, parsed modules and messages out; the cache makes no difference but to time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest

from migrate_async.config import Settings
from migrate_async.index import load as load_module
from migrate_async.index.cache import FactsCache, decode, encode
from migrate_async.index.extract import extract
from migrate_async.index.load import load
from migrate_async.source.read import digest_of

GOOD = {"app/__init__.py": b"", "app/a.py": b"import app.b\n", "app/b.py": "ñ = 'ü'\n".encode()}
BAD = {
    "latin.py": (b"x = '\xe9'\n", "MA002"),
    "nul.py": (b"x\0\n", "MA003"),
    "large.py": (b"#" * 2000, "MA004"),
    "syntax.py": (b"x = 1\nx = (\n", "MA001"),
    "deep.py": (b"x = " + b"(" * 900 + b")" * 900, "MA001"),
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, data in {**GOOD, **{name: data for name, (data, _) in BAD.items()}}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(data)
    return tmp_path


def test_modules(root: Path) -> None:
    """In the order asked for, with their names and sources."""
    modules, problems = load(list(GOOD), root)
    assert problems == []
    assert [(module.path, module.name, module.is_package) for module in modules] == [
        ("app/__init__.py", "app", True),
        ("app/a.py", "app.a", False),
        ("app/b.py", "app.b", False),
    ]
    assert [module.source.data for module in modules] == list(GOOD.values())


def test_bad_files_are_reported_and_left_out(root: Path) -> None:
    """Each with its code and a next step; the others are loaded."""
    names = [*BAD, "missing.py", *GOOD]
    modules, problems = load(names, root, settings=Settings(max_file_size=1900))
    assert [module.path for module in modules] == list(GOOD)
    expected = {name: code for name, (_, code) in BAD.items()} | {"missing.py": "MA005"}
    assert {problem.path: problem.code for problem in problems} == expected
    assert all(problem.next_step and problem.severity == "error" for problem in problems)
    assert {problem.path: problem.line for problem in problems}["syntax.py"] == 2
    assert problems == sorted(problems)


def test_cache_gives_the_same(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And spares the parsing."""
    cache = root / "cache"
    first, _ = load(list(GOOD), root, cache=cache)
    monkeypatch.setattr(load_module, "extract", lambda *_: pytest.fail("parsed again"))
    second, _ = load(list(GOOD), root, cache=cache)
    assert _facts(first) == _facts(second)


def _facts(modules: list[load_module.LoadedModule]) -> list[bytes]:
    return [msgspec.json.encode(module.syntax) for module in modules]


@pytest.mark.parametrize("damage", [b"", b"\xc1", b"\x00" * 100, b"\x91\x90"])
def test_damaged_entries_are_made_anew(root: Path, damage: bytes) -> None:
    """A half-written or foreign file in the cache does no harm."""
    cache = root / "cache"
    first, _ = load(list(GOOD), root, cache=cache)
    files = [path for path in cache.rglob("*") if path.is_file()]
    entries = [path for path in files if path.name not in (".gitignore", "swept")]
    for path in entries:
        path.write_bytes(damage)
    second, problems = load(list(GOOD), root, cache=cache)
    assert problems == []
    assert _facts(first) == _facts(second)
    assert all(path.read_bytes() != damage for path in entries)


def test_cache_that_cannot_be_written_is_no_error(root: Path) -> None:
    """Say, because there is a file where the folder should be."""
    (root / "cache").touch()
    modules, problems = load(list(GOOD), root, cache=root / "cache")
    assert len(modules) == len(GOOD)
    assert problems == []


def test_executor(root: Path) -> None:
    """Whoever parses, the result is the same; errors come back as messages."""
    names = [*GOOD, *BAD]
    with ThreadPoolExecutor(2) as executor:
        modules, problems = load(names, root, executor)
    expected, messages = load(names, root, 1)
    assert _facts(modules) == _facts(expected)
    assert problems == messages


def test_lone_surrogates_are_cached() -> None:
    """A string that UTF-8 cannot hold does not keep a file from being loaded."""
    syntax = decode(encode(extract("x = '\\udcff', 1\n")))
    assert "?" in msgspec.json.encode(syntax).decode()


def test_cache_by_digest(tmp_path: Path) -> None:
    """What was put under a digest is what is found under it; without a folder, nothing."""
    digest = digest_of(b"x")
    syntax = extract("x = 1\n")
    cache = FactsCache(tmp_path)
    assert cache.get(digest) is None
    cache.put(digest, syntax)
    found = cache.get(digest)
    assert found is not None
    assert encode(found) == encode(syntax)
    nothing = FactsCache(None)
    nothing.put(digest, syntax)
    assert nothing.get(digest) is None


def test_content_can_be_given_instead_of_a_file(root: Path) -> None:
    """Of files on disk and of files that are not there; with the same checks."""
    given = {"app/a.py": b"z = 3\n", "app/new.py": b"x = 1\n", "big.py": b"#" * 99, "bad.py": b"("}
    names = ["app/a.py", "app/b.py", *list(given)[1:]]
    modules, problems = load(names, root, settings=Settings(max_file_size=50), instead=given)
    assert [(m.path, m.source.data) for m in modules] == [
        ("app/a.py", b"z = 3\n"),
        ("app/b.py", GOOD["app/b.py"]),
        ("app/new.py", b"x = 1\n"),
    ]
    assert {problem.path: problem.code for problem in problems} == {
        "big.py": "MA004",
        "bad.py": "MA001",
    }
    assert (root / "app" / "a.py").read_bytes() == GOOD["app/a.py"]
