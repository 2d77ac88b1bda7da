"""One line for each finding, as editors and `grep` like it."""

from __future__ import annotations

from migrate_async.report.findings.report import Report, fix_option, place
from migrate_async.report.words import visible


def render(report: Report) -> str:
    """`path:line:column: CODE message [option that mends it]`; columns count from 1."""
    lines = []
    for finding in report.result.findings:
        option = fix_option(finding)
        mark = f" [{option}]" if option else ""
        lines.append(f"{place(finding)}: {finding.code} {finding.message}{mark}")
    for found in report.result.diagnostics:
        where = f"{found.path}:{found.line or 1}:{found.column + 1}"
        lines.append(f"{where}: {found.code} {found.message}")
    return "".join(f"{visible(line)}\n" for line in lines)
