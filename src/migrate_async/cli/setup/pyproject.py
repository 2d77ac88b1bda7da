"""`[tool.migrate-async]` at the end of `pyproject.toml`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from migrate_async.config import FILE_NAME, TABLE
from migrate_async.model.proposal import Proposal


@dataclass(frozen=True)
class Found:
    """What reading the project told: only what the tool could not find out by itself each time."""

    baseline: str
    exclude: tuple[str, ...] = ()
    get_db: str = ""


def propose(before: str, found: Found) -> Proposal:
    """The table, unless there is one; `before` is the file's text, empty when there is none."""
    if f"[{TABLE}" in before:
        return Proposal(FILE_NAME, before, None, f"it has a table [{TABLE}]")
    newline = "\r\n" if "\r\n" in before else "\n"
    table = newline.join(_table(found)) + newline
    gap = newline * (1 if not before or before.endswith("\n") else 2)
    after = before + (gap if before else "") + table
    return Proposal(FILE_NAME, before, after, f"the settings ({', '.join(_told(found))})")


def _told(found: Found) -> Iterator[str]:
    """What the settings say, for somebody who wonders why so many findings are gone."""
    yield f"baseline {found.baseline}"
    yield from (f"without {folder}" for folder in found.exclude)
    if found.get_db:
        yield f"sessions by {found.get_db}"


def _table(found: Found) -> Iterator[str]:
    if found.exclude or found.get_db:
        yield f"[{TABLE}]"
    if found.exclude:
        yield f"exclude = {_list(found.exclude)}"
    if found.get_db:
        yield f"get-db = {json.dumps(found.get_db)}"
    if found.exclude or found.get_db:
        yield ""
    yield f"[{TABLE}.lint]"
    yield f"baseline = {json.dumps(found.baseline)}"


def _list(items: Sequence[str]) -> str:
    return json.dumps(list(items))
