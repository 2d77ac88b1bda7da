"""The same values as JSON, in a shape that stays.

Every document is an object that starts with `format` (the version of this shape), `tool` (the
version of migrate-async) and `command`; the fields of the value follow. docs/cli.md lists them.
Fields may be added within a format; none is renamed, removed or given another meaning.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from migrate_async import __version__
from migrate_async.model.journal import JournalRecord
from migrate_async.model.plan import Plan
from migrate_async.model.recording import Recording
from migrate_async.model.scan import ScanResult
from migrate_async.model.status import Snapshot, Status, snapshot
from migrate_async.model.summary import RunSummary
from migrate_async.model.verification import Verification

FORMAT = 1


def scan_document(result: ScanResult) -> str:
    """The fields of a `ScanResult`, and `totals`."""
    totals = {
        "queries": result.queries,
        "operations": result.operations,
        "async_operations": result.async_operations,
        "sessions": result.sessions,
    }
    return document("scan", {**msgspec.to_builtins(result), "totals": totals})


def plan_document(plan: Plan) -> str:
    """The fields of a `Plan`; `model.plan.decode` reads the document, as do the codemods."""
    return document("plan", msgspec.to_builtins(plan))


def summary_document(summary: RunSummary, patch: str | None = None) -> str:
    """The fields of a `RunSummary`, and `patch` when one was asked for.

    JSON is UTF-8: of files in other encodings the patch is for reading, not for `git apply`.
    """
    result = msgspec.to_builtins(summary)
    if patch is not None:
        result["patch"] = patch.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return document("migrate", result)


def verify_document(found: Verification) -> str:
    """The fields of a `Verification`."""
    return document("verify", msgspec.to_builtins(found))


def status_document(status: Status, history: Sequence[Snapshot]) -> str:
    """The fields of a `Status`, `totals` of the same shape as a line of the state file, `trend`."""
    totals = snapshot(status, date="", commit="")
    fields = {
        **msgspec.to_builtins(status),
        "totals": {key: getattr(totals, key) for key in totals.__struct_fields__[2:]},
        "trend": [{key: getattr(item, key) for key in item.__struct_fields__} for item in history],
    }
    return document("status", fields)


def history_document(records: Sequence[JournalRecord]) -> str:
    """The fields of each `JournalRecord`, in `writes`."""
    return document("undo", {"writes": msgspec.to_builtins(list(records))})


def undo_document(restored: Sequence[str]) -> str:
    """The paths put back, in `restored`."""
    return document("undo", {"restored": list(restored)})


def recording_document(found: Recording) -> str:
    """The fields of a `Recording`, and `totals`."""
    totals = {"loads": found.count, "repeated": len(found.repeated)}
    return document("record", {**msgspec.to_builtins(found), "totals": totals})


def document(command: str, fields: dict[str, Any]) -> str:
    """The document of `command` with those fields."""
    whole = {"format": FORMAT, "tool": __version__, "command": command, **fields}
    return msgspec.json.format(msgspec.json.encode(whole), indent=2).decode()
