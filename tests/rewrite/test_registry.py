"""Codemods are found, not listed by hand."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from migrate_async.errors import UsageError
from migrate_async.rewrite import registry
from migrate_async.rewrite.codemod import Example, PlannedCodemod

MODULE = '''
"""A codemod."""
from migrate_async.rewrite.codemod import Example, PlannedCodemod


class {name}(PlannedCodemod):
    """Doc."""

    NAME = "{name}"
    CODE = "MA1"
    EXAMPLES = (Example("a", before="x", after="y"), Example("b", before="x"))
    AFTER = {after}
'''


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An importable package that is the only one with codemods."""
    folder = tmp_path / "some_codemods"
    folder.mkdir()
    (folder / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    entry = EntryPoint("some", "some_codemods", registry.GROUP)
    monkeypatch.setattr(registry, "entry_points", lambda group: [entry] if group else [])
    registry.codemods.cache_clear()
    yield folder
    registry.codemods.cache_clear()
    for name in [name for name in sys.modules if name.startswith("some_codemods")]:
        del sys.modules[name]


def add(package: Path, file: str, name: str, after: tuple[str, ...] = ()) -> None:
    (package / file).write_text(MODULE.format(name=name, after=after))


def names() -> list[str]:
    return [codemod.NAME for codemod in registry.codemods()]


def test_every_module_of_the_package(package: Path) -> None:
    """Those with a leading underscore are not for finding; imported classes are not new ones."""
    add(package, "one.py", "one")
    add(package, "two.py", "two")
    add(package, "_helper.py", "helper")
    (package / "three.py").write_text("from some_codemods.one import one\n")
    assert names() == ["one", "two"]


def test_order(package: Path) -> None:
    """`AFTER` first, then by name; a name that is not there does not matter."""
    add(package, "a.py", "a", after=("c", "unknown"))
    add(package, "b.py", "b")
    add(package, "c.py", "c")
    assert names() == ["b", "c", "a"]


def test_circular_order_is_refused(package: Path) -> None:
    """With the names."""
    add(package, "a.py", "a", after=("b",))
    add(package, "b.py", "b", after=("a",))
    with pytest.raises(UsageError, match=r"circular.*'a'"):
        names()


def test_two_of_a_name_are_refused(package: Path) -> None:
    """Edits could belong to either."""
    add(package, "a.py", "same")
    add(package, "b.py", "same")
    with pytest.raises(UsageError, match="two codemods are called same"):
        names()


def test_broken_package_is_named(package: Path) -> None:
    """A codemod that cannot be imported is not silently missing."""
    (package / "bad.py").write_text("import does_not_exist_anywhere\n")
    with pytest.raises(UsageError, match=r"some_codemods cannot be imported.*does_not_exist"):
        names()


def test_find(package: Path) -> None:
    """A misspelt name gets the nearest."""
    add(package, "one.py", "query-to-select".replace("-", "_"))
    assert registry.find("query_to_select").CODE == "MA1"
    with pytest.raises(UsageError, match="did you mean query_to_select"):
        registry.find("query_to_selekt")
    with pytest.raises(UsageError, match="there are query_to_select"):
        registry.find("zzz")


def test_one_package_of_our_own() -> None:
    """The entry point of this distribution."""
    registry.codemods.cache_clear()
    assert all(issubclass(found, PlannedCodemod) for found in registry.codemods())
    assert all(isinstance(e, Example) for found in registry.codemods() for e in found.EXAMPLES)
