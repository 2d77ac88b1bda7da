"""Findings as failed tests, for servers that show JUnit reports."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape

from migrate_async.report.findings.report import Report, place, whole_message
from migrate_async.report.words import visible

_PASSED = ("migrate-async", "no findings", "", "")

Case = tuple[str, str, str, str]
"""Class name (the file), name, message, text; a message that is empty: passed."""


def render(report: Report) -> str:
    """One suite, one test for each finding and message; where there are none, one that passed."""
    cases = list(_cases(report)) or [_PASSED]
    failures = sum(bool(message) for _, _, message, _ in cases)
    counts = f'tests="{len(cases)}" failures="{failures}" errors="0" skipped="0"'
    opening = f'<testsuite name="migrate-async lint" {counts}>'
    lines = [
        '<?xml version="1.0" encoding="utf-8"?>',
        "<testsuites>",
        opening,
        *(_case(case) for case in cases),
        "</testsuite>",
        "</testsuites>",
    ]
    return "".join(f"{line}\n" for line in lines)


def _cases(report: Report) -> Iterable[Case]:
    return (*_findings(report), *_diagnostics(report))


def _findings(report: Report) -> Iterator[Case]:
    for found in report.result.findings:
        name = f"{found.code} {found.rule} line {found.span[0]} column {found.span[1] + 1}"
        yield found.path, name, found.message, f"{place(found)}: {whole_message(found)}"


def _diagnostics(report: Report) -> Iterator[Case]:
    for found in report.result.diagnostics:
        yield found.path, f"{found.code} line {found.line}", found.message, found.next_step


def _case(case: Case) -> str:
    path, name, message, text = map(_xml, case)
    opening = f'<testcase classname="{path}" name="{name}" file="{path}"'
    if not message:
        return f"{opening}/>"
    return f'{opening}><failure message="{message}">{text}</failure></testcase>'


def _xml(text: str) -> str:
    """Escaped; XML 1.0 has no way to say most control characters, nor lone surrogates."""
    return escape(visible(text))
