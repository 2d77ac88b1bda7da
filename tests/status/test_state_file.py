"""One line a day, that merges and does not change without reason."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from migrate_async.errors import UsageError
from migrate_async.model.status import Snapshot
from migrate_async.status.state_file import date_and_commit, read_history, write_history
from support.git import git, repository

DAYS = (
    Snapshot(date="2026-11-01", commit="a", functions=10, functions_left=9, done=10.0),
    Snapshot(date="2026-11-08", commit="b", functions=10, functions_left=4, done=60.0),
)


def test_written_and_read(tmp_path: Path) -> None:
    """Sorted by date, whatever the order; a second time the same bytes."""
    file = tmp_path / "status.jsonl"
    write_history(file, DAYS[::-1])
    before = file.read_bytes()
    assert before.count(b"\n") == 2
    assert read_history(file) == DAYS
    write_history(file, read_history(file))
    assert file.read_bytes() == before


def test_no_file_is_no_history(tmp_path: Path) -> None:
    assert read_history(tmp_path / "status.jsonl") == ()


def test_the_same_day_counts_once(tmp_path: Path) -> None:
    """As after a merge of two branches with git's `union` driver."""
    file = tmp_path / "status.jsonl"
    repository(tmp_path)
    (tmp_path / ".gitattributes").write_text("status.jsonl merge=union\n")
    write_history(file, DAYS[:1])
    git(tmp_path, "add", "--all")
    git(tmp_path, "commit", "-q", "-m", "one")
    git(tmp_path, "checkout", "-q", "-b", "other")
    write_history(file, DAYS)
    git(tmp_path, "commit", "-qam", "other")
    git(tmp_path, "checkout", "-q", "-")
    mine = Snapshot(date="2026-11-08", commit="c", functions=10, functions_left=5, done=50.0)
    write_history(file, (*DAYS[:1], mine))
    git(tmp_path, "commit", "-qam", "mine")
    git(tmp_path, "merge", "-q", "other")
    assert file.read_text().count("2026-11-08") == 2
    assert [item.date for item in read_history(file)] == ["2026-11-01", "2026-11-08"]


def test_a_broken_line_is_named(tmp_path: Path) -> None:
    file = tmp_path / "status.jsonl"
    file.write_text('{"date": "2026-11-01"}\n<<<<<<< HEAD\n')
    with pytest.raises(UsageError, match=r"status\.jsonl:2"):
        read_history(file)


def test_the_day_is_that_of_the_last_commit(tmp_path: Path) -> None:
    """So an old commit can be checked out and recorded; without git it is today."""
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", date_and_commit(tmp_path)[0])
    repository(tmp_path)
    date, commit = date_and_commit(tmp_path)
    assert git(tmp_path, "rev-parse", "HEAD").decode().startswith(commit)
    assert len(commit) == 12
    assert date == date_and_commit(tmp_path)[0]
