"""Writing: all or nothing, nothing lost on the way, and a way back."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from migrate_async.errors import SourceError, StalePlanError, UsageError
from migrate_async.model.change import FileChange
from migrate_async.source.read import SourceFile, read
from migrate_async.source.write import JOURNALS, history, latest, undo, write

NAMES = ("a.py", "pkg/b.py", "pkg/c.py")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in NAMES:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"old\n")
    return tmp_path


def sources(root: Path) -> dict[str, SourceFile]:
    return {name: read(root, name) for name in NAMES}


def changes(root: Path, after: str = "new\n") -> list[FileChange]:
    return [FileChange(name, read(root, name).text, after) for name in NAMES]


def contents(root: Path) -> set[bytes]:
    return {(root / name).read_bytes() for name in NAMES}


def leftovers(root: Path) -> list[Path]:
    return [path for path in root.rglob("*migrate-async*") if path.is_file()]


def test_written(root: Path) -> None:
    """Nothing else is left in the folders."""
    journal = write(changes(root), sources(root), root)
    assert contents(root) == {b"new\n"}
    assert journal == root / JOURNALS / "1"
    assert leftovers(root) == []
    assert {path.name for path in (root / "pkg").iterdir()} == {"b.py", "c.py"}


def test_unchanged_files_are_left_alone(root: Path) -> None:
    """Not even their time changes; without any change there is no journal."""
    before = {name: (root / name).stat().st_mtime_ns for name in NAMES}
    assert write(changes(root, "old\n"), sources(root), root) is None
    assert {name: (root / name).stat().st_mtime_ns for name in NAMES} == before
    assert not (root / JOURNALS).exists()


def test_journal_is_not_for_git(root: Path) -> None:
    """The folder ignores itself."""
    write(changes(root), sources(root), root)
    assert (root / ".migrate-async/.gitignore").read_text() == "*\n"


@pytest.mark.parametrize("mode", [0o644, 0o755, 0o600])
def test_permissions_are_kept(root: Path, mode: int) -> None:
    """An executable script stays one."""
    (root / "a.py").chmod(mode)
    write(changes(root), sources(root), root)
    assert stat.S_IMODE((root / "a.py").stat().st_mode) == mode


def test_link_stays_a_link(root: Path) -> None:
    """Its target gets the new content."""
    target = root / "real.txt"
    target.write_bytes(b"old\n")
    (root / "a.py").unlink()
    (root / "a.py").symlink_to("real.txt")
    write(changes(root), sources(root), root)
    assert (root / "a.py").is_symlink()
    assert target.read_bytes() == b"new\n"


def test_encoding_and_mark_are_kept(root: Path) -> None:
    """The bytes are those of the file's own encoding."""
    (root / "a.py").write_bytes(b"\xef\xbb\xbfx\r\n")
    (root / "pkg/b.py").write_bytes(b"# coding: latin-1\n'\xe9'\n")
    known = sources(root)
    changed = [
        FileChange("a.py", known["a.py"].text, "y\r\n"),
        FileChange("pkg/b.py", known["pkg/b.py"].text, "# coding: latin-1\n'é', 1\n"),
    ]
    write(changed, known, root)
    assert (root / "a.py").read_bytes() == b"\xef\xbb\xbfy\r\n"
    assert (root / "pkg/b.py").read_bytes() == b"# coding: latin-1\n'\xe9', 1\n"


def test_file_changed_meanwhile(root: Path) -> None:
    """Nothing is written when one is not what was read."""
    known, planned = sources(root), changes(root)
    (root / "pkg/c.py").write_bytes(b"edited\n")
    with pytest.raises(StalePlanError, match=r"pkg/c\.py"):
        write(planned, known, root)
    assert contents(root) == {b"old\n", b"edited\n"}


def test_text_that_cannot_be_encoded(root: Path) -> None:
    """Found before anything is written."""
    (root / "pkg/c.py").write_bytes(b"# coding: latin-1\n")
    with pytest.raises(SourceError):
        write(changes(root, "# coding: latin-1\n'€'\n"), sources(root), root)
    assert (root / "a.py").read_bytes() == b"old\n"


@pytest.mark.parametrize("failing", [1, 2, 3])
def test_failure_half_way_restores_all(
    root: Path, monkeypatch: pytest.MonkeyPatch, failing: int
) -> None:
    """Whichever rename fails, every file is as it was and no journal claims otherwise."""
    known, planned = sources(root), changes(root)
    rename = Path.replace
    calls = []

    def replace(path: Path, target: Path) -> Path:
        if not path.name.endswith("-back"):
            calls.append(target)
            if len(calls) == failing:
                raise OSError(28, "No space left on device")
        return rename(path, target)

    monkeypatch.setattr(Path, "replace", replace)
    with pytest.raises(OSError, match="No space"):
        write(planned, known, root)
    assert contents(root) == {b"old\n"}
    assert latest(root) is None
    assert leftovers(root) == []


def test_crash_half_way_can_be_undone(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The journal is complete before the first rename; each file is old or new."""
    known, planned = sources(root), changes(root)
    rename = Path.replace
    states: list[set[bytes]] = []

    def replace(path: Path, target: Path) -> Path:
        states.append(contents(root))
        assert latest(root) is not None
        return rename(path, target)

    monkeypatch.setattr(Path, "replace", replace)
    write(planned, known, root)
    assert all(state <= {b"old\n", b"new\n"} for state in states)
    (root / "a.py").write_bytes(b"old\n")  # as if it had not been reached
    assert undo(root) == list(NAMES)
    assert contents(root) == {b"old\n"}


def test_undo(root: Path) -> None:
    """The newest first, each once."""
    write(changes(root, "1\n"), sources(root), root)
    write(changes(root, "2\n"), sources(root), root)
    assert undo(root) == list(NAMES)
    assert contents(root) == {b"1\n"}
    assert undo(root) == list(NAMES)
    assert contents(root) == {b"old\n"}
    assert undo(root) == []
    assert sorted(path.name for path in (root / JOURNALS).iterdir()) == ["1.undone", "2.undone"]


def test_undo_of_several_writes(root: Path) -> None:
    """All since a number at once; a number that is not there to undo is refused."""
    for text in ("1\n", "2\n", "3\n"):
        write(changes(root, text), sources(root), root)
    assert undo(root, back_to=2) == list(NAMES)
    assert contents(root) == {b"1\n"}
    with pytest.raises(UsageError, match="no write 2"):
        undo(root, back_to=2)
    states = [(record.number, record.state) for record in history(root)]
    assert states == [(3, "undone"), (2, "undone"), (1, "written")]


def test_undo_of_several_writes_refuses_as_one(root: Path) -> None:
    """An edit between two writes is in the way of the first one only: nothing is put back."""
    write(changes(root, "1\n"), sources(root), root)
    (root / "a.py").write_bytes(b"edited\n")
    write(changes(root, "2\n"), sources(root), root)
    with pytest.raises(UsageError, match=r"edited since.*\n  a\.py"):
        undo(root, back_to=1)
    assert contents(root) == {b"2\n"}
    undo(root)
    assert contents(root) == {b"1\n", b"edited\n"}


def test_damaged_journal_restores_nothing(root: Path) -> None:
    """Bytes that are not those that were kept are never put back."""
    journal = write(changes(root), sources(root), root)
    assert journal is not None
    (journal / "00001.old").write_bytes(b"other\n")
    with pytest.raises(UsageError, match="damaged"):
        undo(root)
    assert contents(root) == {b"new\n"}


def test_journals_are_numbered_on(root: Path) -> None:
    """A number is not used twice."""
    write(changes(root, "1\n"), sources(root), root)
    undo(root)
    assert write(changes(root, "2\n"), sources(root), root) == root / JOURNALS / "2"


def test_undo_refuses_edited_files(root: Path) -> None:
    """Work done since would be lost; `force` says that it may be."""
    write(changes(root), sources(root), root)
    (root / "pkg/b.py").write_bytes(b"edited\n")
    with pytest.raises(UsageError, match=r"pkg/b\.py"):
        undo(root)
    assert contents(root) == {b"new\n", b"edited\n"}
    assert undo(root, force=True) == list(NAMES)
    assert contents(root) == {b"old\n"}


def test_undo_restores_a_deleted_file(root: Path) -> None:
    """Deleted is edited."""
    write(changes(root), sources(root), root)
    (root / "a.py").unlink()
    with pytest.raises(UsageError, match=r"a\.py"):
        undo(root)
    undo(root, force=True)
    assert contents(root) == {b"old\n"}


def test_unfinished_journal_does_not_count(root: Path) -> None:
    """A crash while the journal was written left all files alone."""
    (root / JOURNALS / "7").mkdir(parents=True)
    assert latest(root) is None
    assert undo(root) == []
    assert write(changes(root), sources(root), root) == root / JOURNALS / "8"


def test_broken_journal_is_named(root: Path) -> None:
    """It is not ours to guess what was in it."""
    journal = write(changes(root), sources(root), root)
    assert journal is not None
    (journal / "manifest.json").write_text("{")
    with pytest.raises(UsageError, match="not a journal"):
        undo(root)


def test_leftover_of_a_crash_is_in_nobody_s_way(root: Path) -> None:
    """A temporary file that a crash left is replaced, not followed."""
    victim = root / "victim"
    victim.write_bytes(b"precious")
    (root / ".a.py.migrate-async").symlink_to(victim)
    write(changes(root), sources(root), root)
    assert victim.read_bytes() == b"precious"
    assert leftovers(root) == []
