"""Results on disk: found again, or missing; never wrong and never in the way."""

from __future__ import annotations

import os
import time
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


DAY = 86_400


def _age(path: Path, days: float) -> None:
    at = time.time() - days * DAY
    os.utime(path, (at, at))


def test_what_nobody_used_for_a_month_goes(tmp_path: Path) -> None:
    """Whoever wrote it; what was read since stays."""
    store = Store(tmp_path, "a", ages=True)
    for name in ("1/old", "1/read", "1/new", "0/of another version", "1/half.1234"):
        store.put(name, b"data")
    for name in ("1/old", "1/read", "0/of another version", "1/half.1234"):
        _age(tmp_path / "a" / name, 40)
    assert store.get("1/read") == b"data"
    store.sweep()
    left = {p.relative_to(tmp_path / "a").as_posix() for p in (tmp_path / "a").rglob("*")}
    assert left == {"0", "1", "1/read", "1/new", "swept"}


def test_unused_entries_are_looked_for_once_a_day(tmp_path: Path) -> None:
    """And a folder that is not there, or is no store that ages, is left alone."""
    store = Store(tmp_path, "a", ages=True)
    store.sweep()
    store.put("x", b"data")
    store.sweep()
    _age(tmp_path / "a" / "x", 40)
    Store(tmp_path, "a", ages=True).sweep()
    Store(tmp_path, "a").sweep()
    assert (tmp_path / "a" / "x").exists()
    _age(tmp_path / "a" / "swept", 1.5)
    Store(tmp_path, "a", ages=True).sweep()
    assert not (tmp_path / "a" / "x").exists()


def test_an_entry_that_goes_while_it_is_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a run at the same time: the others are looked at all the same."""
    store = Store(tmp_path, "a", ages=True)
    for name in ("x", "y"):
        store.put(name, b"data")
        _age(tmp_path / "a" / name, 40)
    real = os.unlink

    def gone(path: str) -> None:
        real(path)
        raise FileNotFoundError(path)

    monkeypatch.setattr(os, "unlink", gone)
    store.sweep()
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["swept"]


def test_key_depends_on_every_part() -> None:
    """And is the same for the same parts; names that UTF-8 lacks are parts too."""
    parts = [("a", {"x": "1"}), ("a", {"x": "2"}), ("b", {"x": "1"}), ("a", {"\udcff": "1"})]
    assert len({key_of(*part) for part in parts}) == len(parts)
    assert key_of("a", ("b",)) == key_of("a", ("b",))
