"""Whatever ends a write: every file is old or new, the journal knows, `undo` takes it back."""

from __future__ import annotations

import contextlib
import json
import os
import random
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from migrate_async.errors import MigrateAsyncError
from migrate_async.model.journal import FileState, WriteState
from migrate_async.source.journal import journals
from migrate_async.source.write import history, latest, undo
from support.faulty_disk import NEW, rewrite

TESTS = Path(__file__).parents[1]
OLD = {
    "a.py": b"x = 1\n",
    "package/b.py": b"\xef\xbb\xbfx = 2\r\ny = 3\r\n",
    "package/deep/c.py": b"# coding: latin-1\nx = '\xe9'\n",
    "package/executable.py": b"x = 4\n",
}
MODES = {"package/executable.py": 0o750}


def new(old: bytes) -> bytes:
    mark = b"\xef\xbb\xbf" if old.startswith(b"\xef\xbb\xbf") else b""
    return mark + NEW.encode() + old.removeprefix(mark)


@pytest.fixture
def template(tmp_path: Path) -> Path:
    root = tmp_path / "template"
    for name, content in OLD.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
        (root / name).chmod(MODES.get(name, 0o644))
    (root / "linked.txt").write_bytes(b"x = 5\n")
    (root / "link.py").symlink_to("linked.txt")
    return root


def contents(root: Path) -> dict[str, bytes]:
    """All files but the tool's own, by path."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and ".migrate-async" not in path.relative_to(root).parts
    }


def modes(root: Path) -> dict[str, int]:
    return {name: (root / name).stat().st_mode & 0o777 for name in OLD}


def check_whole(root: Path) -> None:
    """No file is torn, and the journal tells the truth about each."""
    found = contents(root)
    for name, old in {**OLD, "linked.txt": b"x = 5\n"}.items():
        assert found[name] in (old, new(old)), name
    assert (root / "link.py").is_symlink()
    pending = latest(root)
    if pending is None:
        assert {name: found[name] for name in OLD} == OLD
        return
    for file in history(root)[0].files:
        is_new = found[file.path].removeprefix(b"\xef\xbb\xbf").startswith(NEW.encode())
        assert file.state == (FileState.NEW if is_new else FileState.OLD).value


def check_recovers(root: Path, template: Path) -> None:
    """`undo` gives back every byte, and the next write and its `undo` leave nothing behind."""
    undo(root)
    without_leftovers = {
        name: data for name, data in contents(root).items() if not name.endswith(".migrate-async")
    }
    assert without_leftovers == contents(template)
    rewrite(root)
    assert {name: contents(root)[name] for name in OLD} == {n: new(o) for n, o in OLD.items()}
    assert modes(root) == modes(template)
    undo(root)
    assert contents(root) == contents(template)
    assert modes(root) == modes(template)


def strike(action: str, mode: str, template: Path, folder: Path) -> list[str]:
    """How `action` ended with a fault at operation 0, 1, ... in `folder/0`, `folder/1`, ..."""
    command = [sys.executable, "-m", "support.faulty_disk", action, mode, template, folder]
    done = subprocess.run(command, cwd=TESTS, capture_output=True, text=True, check=True)
    endings: list[str] = json.loads(done.stdout)
    assert "crashed" not in endings, done.stderr
    return endings


@pytest.mark.parametrize("mode", ["kill", "once", "full", "gone"])
def test_fault_at_every_operation_of_a_write(mode: str, template: Path, tmp_path: Path) -> None:
    """Killed, one failure, a full disk, a disk that is gone: at each operation in turn."""
    endings = strike("write", mode, template, tmp_path)
    assert len(endings) > 50
    for number, ending in enumerate(endings):
        root = tmp_path / str(number)
        check_whole(root)
        is_written = contents(root)["a.py"] != OLD["a.py"]
        if ending in ("OSError", "done"):
            # What fails says so, and has changed nothing.
            assert is_written == (ending == "done"), number
        if ending == "OSError" and mode != "gone":
            assert latest(root) is None
        check_recovers(root, template)


@pytest.mark.parametrize("mode", ["kill", "once", "full", "gone"])
def test_fault_at_every_operation_of_an_undo(mode: str, template: Path, tmp_path: Path) -> None:
    """Running it again finishes what was begun."""
    original = tmp_path / "original"
    shutil.copytree(template, original, symlinks=True)
    rewrite(template)
    endings = strike("undo", mode, template, tmp_path)
    assert len(endings) > 25
    for number in range(len(endings)):
        check_whole(tmp_path / str(number))
        check_recovers(tmp_path / str(number), original)


MANY = "from support.faulty_disk import rewrite; from pathlib import Path; import sys\n"
MANY += "print('go', flush=True); rewrite(Path(sys.argv[1]))"


@pytest.mark.parametrize("seed", range(12))
def test_killed_at_a_random_moment(seed: int, tmp_path: Path) -> None:
    """Two hundred files, and SIGKILL from outside after up to a third of a second."""
    root = tmp_path / "many"
    root.mkdir()
    old = {f"m{number:03}.py": f"x = {number}\n".encode() * 200 for number in range(200)}
    for name, content in old.items():
        (root / name).write_bytes(content)
    environment = {**os.environ, "PYTHONPATH": str(TESTS)}
    process = subprocess.Popen(
        [sys.executable, "-c", MANY, root], stdout=subprocess.PIPE, env=environment
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"go\n"
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(random.Random(seed).uniform(0.005, 0.33))  # noqa: S311 - a moment
    process.kill()
    process.communicate()
    states = {n: c for n, c in contents(root).items() if n.endswith(".py")}
    assert all(states[name] in (content, new(content)) for name, content in old.items())
    undo(root)
    assert {n: c for n, c in contents(root).items() if n.endswith(".py")} == old


def test_interrupted_write_is_told(template: Path, tmp_path: Path) -> None:
    """The next write refuses a half-written tree, names the way out, and works after it."""
    rewrite(template)
    (template / "a.py").write_bytes(OLD["a.py"])
    (journals(template)[0].folder / "written").unlink()
    record = history(template)[0]
    assert record.state == WriteState.INTERRUPTED.value
    assert record.count(FileState.OLD) == 1
    with pytest.raises(MigrateAsyncError, match="4 of 5 files have their new content"):
        rewrite(template)
    undo(template)
    rewrite(template)
    assert history(template)[0].state == WriteState.WRITTEN.value


def test_two_runs_at_once(template: Path) -> None:
    """The second one is told; the lock goes with the process, however it ends."""
    held = "import sys; from pathlib import Path; from migrate_async.source.lock import locked\n"
    held += "with locked(Path(sys.argv[1])):\n    print('held', flush=True)\n    sys.stdin.read()"
    process = subprocess.Popen(
        [sys.executable, "-c", held, template], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"held\n"
    with pytest.raises(MigrateAsyncError, match="another migrate-async is writing"):
        rewrite(template)
    process.kill()
    process.communicate()
    rewrite(template)


def test_file_changed_between_the_check_and_its_turn(
    template: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An editor saves while others are being renamed: the edit stays, the others are put back."""
    replace = Path.replace

    def edit_then_replace(path: Path, target: Path) -> Path:
        (template / "package/executable.py").write_bytes(b"edited\n")
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", edit_then_replace)
    with pytest.raises(MigrateAsyncError, match="changed while it was being rewritten"):
        rewrite(template)
    found = contents(template)
    assert found.pop("package/executable.py") == b"edited\n"
    assert found == {
        n: c
        for n, c in {**OLD, "linked.txt": b"x = 5\n", "link.py": b"x = 5\n"}.items()
        if n in found
    }
    assert latest(template) is None


# --- real limits of the system -----------------------------------------------------------------


def run_limited(root: Path, prepare: str) -> subprocess.CompletedProcess[str]:
    """`rewrite` in a process of its own, after the statements in `prepare`."""
    imports = "import os, sys; from pathlib import Path; from support.faulty_disk import rewrite"
    code = f"{imports}\n{prepare}\nrewrite(Path(sys.argv[1]))"
    return subprocess.run(
        [sys.executable, "-B", "-c", code, root],
        env={**os.environ, "PYTHONPATH": str(TESTS)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("limit", [1, 64, 300, 699])
def test_file_size_limit(limit: int, template: Path) -> None:
    """The kernel cuts a file short in the middle of a write."""
    (template / "a.py").write_bytes(b"x = 1\n" * 200)
    before = contents(template)
    limits = "import resource, signal\nsignal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
    limits += f"resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))"
    result = run_limited(template, limits)
    assert "File too large" in result.stderr
    assert contents(template) == before
    assert latest(template) is None


@contextlib.contextmanager
def small_disk(folder: Path, size: int) -> Iterator[None]:
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small file system takes root")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize("free_pages", range(0, 40, 3))
def test_full_disk(free_pages: int, template: Path, tmp_path: Path) -> None:
    """A file system with room for less than the journal, the new files, or only some of them."""
    disk = tmp_path / "disk"
    page = resource.getpagesize()
    with small_disk(disk, (10 + free_pages) * page):
        root = disk / "template"
        shutil.copytree(template, root, symlinks=True)
        result = run_limited(root, "")
        check_whole(root)
        if result.returncode:
            assert "No space left on device" in result.stderr
            assert contents(root) == contents(template)


_DROP_RIGHTS = "import codecs; codecs.lookup('iso-8859-1'); os.setgid(65534); os.setuid(65534)"
AS_NOBODY = _DROP_RIGHTS if os.geteuid() == 0 else ""


def hand_over(root: Path) -> None:
    """Give the tree to the user that the limited process runs as."""
    if AS_NOBODY:
        for path in (root, *root.rglob("*")):
            os.chown(path, 65534, 65534, follow_symlinks=False)
        for folder in (root, *root.parents):
            if folder != Path("/tmp"):  # noqa: S108 - only those that pytest made for this test
                with contextlib.suppress(OSError):
                    folder.chmod(folder.stat().st_mode | 0o011)


def test_read_only_file(template: Path) -> None:
    """Renaming could replace it, but whoever made it read-only meant it: nothing is written."""
    (template / "package/b.py").chmod(0o444)
    hand_over(template)
    before = contents(template)
    result = run_limited(template, AS_NOBODY)
    assert "read-only file" in result.stderr, result.stderr
    assert "package/b.py" in result.stderr
    assert contents(template) == before
    assert latest(template) is None


def test_read_only_folder(template: Path) -> None:
    """The folder of one of the files takes no new file: all stay as they are."""
    hand_over(template)
    (template / "package/deep").chmod(0o555)
    before = contents(template)
    result = run_limited(template, AS_NOBODY)
    assert "Permission denied" in result.stderr
    assert contents(template) == before
    assert latest(template) is None


def test_terminated_politely(template: Path) -> None:
    """An exception in the middle, as Ctrl-C raises one, puts everything back."""
    arm = "import signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"
    arm += "os_replace = Path.replace\ndef interrupted(path, target):\n"
    arm += "    done = os_replace(path, target)\n"
    arm += "    os.kill(os.getpid(), signal.SIGINT)\n    return done\n"
    arm += "Path.replace = interrupted"
    result = run_limited(template, arm)
    assert result.returncode != 0
    check_whole(template)
    undo(template)
    assert {name: contents(template)[name] for name in OLD} == OLD
