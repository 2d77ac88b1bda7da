"""Parts that need not know each other and together are the whole."""

from __future__ import annotations

import pytest

from migrate_async.errors import UsageError
from migrate_async.source.shards import WHOLE, Shard, parse_shard

PATHS = [f"app/part_{number % 7}/module_{number}.py" for number in range(1_000)]


@pytest.mark.parametrize("count", [1, 2, 5, 16])
def test_each_file_is_in_one_part(count: int) -> None:
    """And the parts are of like size."""
    parts = [[path for path in PATHS if Shard(n + 1, count).has(path)] for n in range(count)]
    assert sorted(path for part in parts for path in part) == sorted(PATHS)
    assert min(map(len, parts)) > len(PATHS) / count * 0.6


def test_a_part_depends_on_the_path_alone() -> None:
    """So that a new file moves no other; not on the hash seed of the process either."""
    assert [Shard(n, 5).has("app/crud.py") for n in (1, 2, 3, 4, 5)].count(True) == 1
    assert parse_shard("2/5") == Shard(2, 5)
    assert all(WHOLE.has(path) for path in PATHS)


def test_known_parts() -> None:
    """Machines of different versions and systems agree."""
    parts = [next(n for n in (1, 2, 3) if Shard(n, 3).has(path)) for path in PATHS[:6]]
    assert parts == [2, 2, 1, 3, 1, 3]


@pytest.mark.parametrize("text", ["", "1", "0/3", "4/3", "1/0", "a/b", "1/2/3", "-1/3"])
def test_no_part_of_a_whole(text: str) -> None:
    with pytest.raises(UsageError, match="expected I/N"):
        parse_shard(text)
