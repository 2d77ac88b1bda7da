"""Findings as commands of a GitHub Actions log, shown beside the changed lines."""

from __future__ import annotations

from migrate_async.model.diagnostic import Diagnostic
from migrate_async.model.finding import Finding
from migrate_async.report.findings.report import Report, from_top, gravity, whole_message
from migrate_async.report.words import visible

_LEVELS = ("error", "warning", "notice")


def render(report: Report) -> str:
    """One command a line."""
    result = from_top(report)
    lines = [*map(_finding, result.findings), *map(_diagnostic, result.diagnostics)]
    return "".join(f"{visible(line)}\n" for line in lines)


def _finding(found: Finding) -> str:
    line, column, end_line, end_column = found.span
    properties = {"file": found.path, "line": line, "endLine": end_line}
    if line == end_line:  # columns are of one line, or GitHub refuses the annotation
        properties |= {"col": column + 1, "endColumn": end_column + 1}
    title = f"{found.code} {found.rule}"
    return _command(_LEVELS[gravity(found)], {**properties, "title": title}, whole_message(found))


def _diagnostic(found: Diagnostic) -> str:
    properties = {"file": found.path, "line": found.line or 1, "title": found.code}
    return _command(_LEVELS[gravity(found)], properties, f"{found.message}. {found.next_step}")


def _command(level: str, properties: dict[str, object], message: str) -> str:
    listed = ",".join(f"{key}={_escaped(str(value))}" for key, value in properties.items())
    return f"::{level} {listed}::{_data(message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _escaped(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
