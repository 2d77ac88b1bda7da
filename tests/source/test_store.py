"""Results on disk: found again, or missing; never wrong and never in the way."""

from __future__ import annotations

from pathlib import Path

import pytest

from migrate_async.source.memo import Memo, key_of
from migrate_async.source.store import Store


def test_what_was_put_is_found(tmp_path: Path) -> None:
    """By a later run too, and kept out of version control."""
    Store(tmp_path / "cache", "a").put("x/y", b"data")
    assert Store(tmp_path / "cache", "a").get("x/y") == b"data"
    assert Store(tmp_path / "cache", "b").get("x/y") is None
    assert (tmp_path / "cache" / ".gitignore").read_text() == "*\n"


@pytest.mark.parametrize("damage", [b"", b"\0", b"\0" * 50, b"wrong!!!data"])
def test_damaged_entries_are_missing(tmp_path: Path, damage: bytes) -> None:
    """A half-written or foreign file is no result."""
    store = Store(tmp_path, "a")
    store.put("x", b"data")
    (tmp_path / "a" / "x").write_bytes(damage)
    assert store.get("x") is None


def test_without_a_folder_nothing_is_kept(tmp_path: Path) -> None:
    """Neither without a cache nor where a file stands in its place."""
    (tmp_path / "file").touch()
    for store in (Store(None, "a"), Store(tmp_path / "file", "a")):
        store.put("x", b"data")
        store.keep_newest(1)
        assert store.get("x") is None


def test_only_the_newest_results_stay(tmp_path: Path) -> None:
    """The folder of results does not grow with every run."""
    memo = Memo(tmp_path)
    for number in range(40):
        memo.put(f"{number}", b"%d" % number)
    assert len(list((tmp_path / "results").iterdir())) == 32
    assert memo.get("39") == b"39"


def test_key_depends_on_every_part() -> None:
    """And is the same for the same parts; names that UTF-8 lacks are parts too."""
    parts = [("a", {"x": "1"}), ("a", {"x": "2"}), ("b", {"x": "1"}), ("a", {"\udcff": "1"})]
    assert len({key_of(*part) for part in parts}) == len(parts)
    assert key_of("a", ("b",)) == key_of("a", ("b",))
