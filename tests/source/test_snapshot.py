"""What files hold, by digest: changed files are seen, unchanged ones are not read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from migrate_async.source import snapshot
from migrate_async.source.read import digest_of
from migrate_async.source.snapshot import take

NAMES = ["a.py", "b.py"]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two files; what changed a moment ago counts as settled, as there is no waiting here."""
    monkeypatch.setattr(snapshot, "_SLACK", -1_000_000_000)
    for name in NAMES:
        (tmp_path / name).write_text(name)
    return tmp_path


def _take(root: Path, names: list[str] = NAMES) -> dict[str, str]:
    return take(names, root, root / "cache", 1000)


def test_digests_are_those_of_the_contents(root: Path) -> None:
    """The first time and later."""
    expected = {name: digest_of(name.encode()) for name in NAMES}
    assert _take(root) == expected
    assert _take(root) == expected


def test_unchanged_files_are_not_read(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their size and times are enough."""
    first = _take(root)
    monkeypatch.setattr(snapshot, "digest_of", lambda _: pytest.fail("read again"))
    assert _take(root) == first


def test_a_change_back_in_time_is_seen(root: Path) -> None:
    """Same size, same date of the content: the inode's own time tells."""
    _take(root)
    status = (root / "a.py").stat()
    (root / "a.py").write_text("A.py")
    os.utime(root / "a.py", ns=(status.st_atime_ns, status.st_mtime_ns))
    assert _take(root)["a.py"] == digest_of(b"A.py")


def test_a_file_that_just_changed_is_read_again(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It could have changed twice within a tick of the file system's clock."""
    monkeypatch.setattr(snapshot, "_SLACK", 2_000_000_000)
    read: list[bytes] = []

    def noted(data: bytes) -> str:
        read.append(data)
        return digest_of(data)

    monkeypatch.setattr(snapshot, "digest_of", noted)
    _take(root)
    _take(root)
    assert read == [b"a.py", b"b.py"] * 2


def test_files_with_dates_to_come_are_read_each_time(root: Path) -> None:
    """A clock that ran ahead makes no entry that outlives a change."""
    far = 4_000_000_000 * 10**9
    os.utime(root / "a.py", ns=(far, far))
    _take(root)
    (root / "a.py").write_text("A.py")
    os.utime(root / "a.py", ns=(far, far))
    assert _take(root)["a.py"] == digest_of(b"A.py")


def test_files_come_and_go(root: Path) -> None:
    """What cannot be read has a digest that no content has."""
    _take(root)
    (root / "a.py").unlink()
    assert _take(root)["a.py"].startswith("unreadable")
    (root / "a.py").write_text("new")
    assert _take(root)["a.py"] == digest_of(b"new")
    assert set(_take(root, ["b.py"])) == {"b.py"}


def test_a_damaged_record_is_no_record(root: Path) -> None:
    """Whatever stands in its place."""
    first = _take(root)
    for path in (root / "cache" / "files").iterdir():
        path.write_bytes(b"\xc1" * 40)
    assert _take(root) == first


def test_names_that_utf8_lacks(root: Path) -> None:
    """Such files are read each time."""
    name = os.fsdecode(b"\xff.py")
    (root / name).write_text("x")
    assert _take(root, [name, "a.py"])[name] == digest_of(b"x")
    assert _take(root, [name, "a.py"])[name] == digest_of(b"x")
