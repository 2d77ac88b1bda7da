"""How many findings each rule has."""

from __future__ import annotations

from collections import Counter

from migrate_async.report.findings.report import Report, fix_option
from migrate_async.report.json import document


def render(report: Report) -> str:
    """A line for each rule that found something, the most frequent first."""
    rows = _rows(report)
    width = max((len(str(row["count"])) for row in rows), default=0)
    lines = [
        f"{row['count']:>{width}}  {row['code']}  {row['rule']}{_mark(row['fixable'])}"
        for row in rows
    ]
    return "".join(f"{line}\n" for line in lines) or "No findings.\n"


def render_json(report: Report) -> str:
    """The same numbers as a JSON document."""
    return document("lint", {"statistics": _rows(report)}) + "\n"


def _rows(report: Report) -> list[dict[str, str | int]]:
    findings = report.result.findings
    counts = Counter((found.code, found.rule) for found in findings)
    fixable = Counter(found.code for found in findings if fix_option(found))
    return [
        {"count": count, "code": code, "rule": rule, "fixable": fixable[code]}
        for (code, rule), count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    ]


def _mark(fixable: str | int) -> str:
    return f"  ({fixable} fixable)" if fixable else ""
