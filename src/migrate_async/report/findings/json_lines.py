"""Each finding and each message as JSON on a line of its own."""

from __future__ import annotations

import msgspec

from migrate_async.report.findings.report import Report


def render(report: Report) -> str:
    """Objects with `kind` (`finding` or `message`) and the fields of the JSON document's items."""
    result = report.result
    items = [
        *({"kind": "finding", **msgspec.to_builtins(found)} for found in result.findings),
        *({"kind": "message", **msgspec.to_builtins(found)} for found in result.diagnostics),
    ]
    return "".join(f"{msgspec.json.encode(item).decode()}\n" for item in items)
