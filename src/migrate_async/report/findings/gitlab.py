"""Findings as a Code Quality report of GitLab."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from migrate_async.model.diagnostic import Diagnostic
from migrate_async.model.finding import Finding
from migrate_async.report.findings.report import Report, from_top, gravity, whole_message

_SEVERITIES = ("major", "minor", "info")


def render(report: Report) -> str:
    """A list with an object for each finding and each message."""
    result = from_top(report)
    issues = [*map(_finding, result.findings), *map(_diagnostic, result.diagnostics)]
    return msgspec.json.format(msgspec.json.encode(issues), indent=2).decode() + "\n"


def _finding(found: Finding) -> dict[str, Any]:
    return {
        "description": f"{found.code} {whole_message(found)}",
        "check_name": found.rule,
        "fingerprint": found.fingerprint,
        "severity": _SEVERITIES[gravity(found)],
        "location": {
            "path": found.path,
            "lines": {"begin": found.span[0], "end": found.span[2]},
        },
    }


def _diagnostic(found: Diagnostic) -> dict[str, Any]:
    name = f"{found.path}\0{found.code}\0{found.message}"
    return {
        "description": f"{found.code} {found.message}. {found.next_step}",
        "check_name": found.code,
        "fingerprint": hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()[:32],
        "severity": _SEVERITIES[gravity(found)],
        "location": {"path": found.path, "lines": {"begin": found.line or 1}},
    }
