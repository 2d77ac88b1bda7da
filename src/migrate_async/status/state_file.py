"""The committed file that remembers the numbers of each day: one JSON line each, by date."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from pathlib import Path

import msgspec

from migrate_async.errors import UsageError
from migrate_async.model.status import Snapshot, latest_of_each_day
from migrate_async.source.git import head, head_date


def read_history(file: Path) -> tuple[Snapshot, ...]:
    """The snapshots in `file`, one a day; none when there is no file.

    Two branches that recorded the same day, merged with git's `union` driver, leave two lines of
    one date: the later one counts. Raises `UsageError` for a line that is no snapshot.
    """
    try:
        lines = file.read_text("utf-8").splitlines()
    except FileNotFoundError:
        return ()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read {file}: {error}") from None
    decoder = msgspec.json.Decoder(Snapshot)
    found = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            found.append(decoder.decode(line))
        except msgspec.DecodeError as error:
            raise UsageError(f"{file}:{number} is no line of a status file: {error}") from None
    return latest_of_each_day(found)


def write_history(file: Path, snapshots: Sequence[Snapshot]) -> None:
    """Write `file` anew: equal snapshots give equal bytes."""
    lines = [msgspec.json.encode(item).decode() for item in latest_of_each_day(snapshots)]
    file.write_text("".join(f"{line}\n" for line in lines), "utf-8", newline="\n")


def date_and_commit(root: Path) -> tuple[str, str]:
    """Of the last commit, so that an old one can be checked out and recorded; else of today."""
    today = datetime.datetime.now(datetime.timezone.utc).date().isoformat()
    return head_date(root) or today, head(root)
