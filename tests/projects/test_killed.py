"""`migrate --write`, killed from outside: each file is old or new; `undo` restores the old ones."""

from __future__ import annotations

import contextlib
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from support.fixture_apps import fixture_app
from support.migration import command, copy_of, tree, write

pytestmark = pytest.mark.any_sqlalchemy

FOLDER = Path(".migrate-async") / "journal"
WRITE = [sys.executable, "-m", "migrate_async", "migrate", "--all", "--write", "--no-cache"]


@pytest.fixture(scope="module")
def trees(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """The files of the shop before and after a run that nobody kills."""
    folder = copy_of(fixture_app("legacy_shop").before, tmp_path_factory.mktemp("whole"))
    before = tree(folder)
    write(folder, "--all", "--no-cache")
    return before, tree(folder)


def is_writing(folder: Path) -> bool:
    """Whether the run has begun to note what it will write."""
    return any((folder / FOLDER).glob("*/*"))


@pytest.mark.parametrize("seed", range(4))
def test_a_killed_run_leaves_each_file_old_or_new(
    seed: int, tmp_path: Path, trees: tuple[dict[str, bytes], dict[str, bytes]]
) -> None:
    """Some are killed while they read and plan, most within milliseconds of their first write."""
    old, new = trees
    folder = copy_of(fixture_app("legacy_shop").before, tmp_path)
    chance = random.Random(seed)  # noqa: S311  a moment, no secret
    process = subprocess.Popen(WRITE, cwd=folder, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + (chance.uniform(0.2, 1) if seed == 0 else 120)
    while process.poll() is None and time.monotonic() < deadline and not is_writing(folder):
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.001)
    if seed:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(chance.uniform(0, 0.03))
    process.kill()
    process.wait()

    found = tree(folder)
    assert found.keys() == old.keys() == new.keys()
    torn = [path for path, text in found.items() if text not in (old.get(path), new.get(path))]
    assert torn == []
    if seed:
        assert is_writing(folder)
    undone = command(folder, "undo")
    assert undone.returncode in (0, 2), undone.stderr
    assert tree(folder) == old, undone.stdout + undone.stderr
    write(folder, "--all", "--no-cache")
    assert tree(folder) == new, "the next run does it all"
