"""What all formats are made of."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

import msgspec

from migrate_async.model.change import Repair
from migrate_async.model.diagnostic import Diagnostic, Severity
from migrate_async.model.finding import Applicability, Confidence, Finding, RelatedPlace
from migrate_async.model.lint import LintResult
from migrate_async.source.read import SourceFile

if TYPE_CHECKING:
    from migrate_async.lint.rule import Rule

FORMATS = {
    "text": "text",
    "concise": "concise",
    "json": "json",
    "json-lines": "json_lines",
    "sarif": "sarif",
    "github": "github",
    "gitlab": "gitlab",
    "junit": "junit",
}
"""The formats by the name of their module, each with a function `render(report) -> str`."""


@dataclass(frozen=True)
class Report:
    """A run of the linter, and how it is to look where people read it.

    `sources` are the files that findings are in; `rules` the rules chosen, and `repairs` what fixes
    do, by the fingerprint of their findings, for formats that show them. `prefix` leads from the
    top of the repository, which is what servers know, to the project.
    """

    result: LintResult
    sources: Mapping[str, SourceFile]
    rules: tuple[type[Rule], ...] = ()
    colour: bool = False
    width: int = 80
    prefix: str = ""
    repairs: Mapping[str, Repair] = field(default_factory=dict)


def render(report: Report, name: str) -> str:
    """`report` in the format `name`."""
    module = importlib.import_module(f"{__package__}.{FORMATS[name]}")
    text: str = module.render(report)
    return text


def from_top(report: Report) -> LintResult:
    """The result with all paths from the top of the repository."""
    prefix, result = report.prefix, report.result
    if not prefix:
        return result

    def moved(value: _Placed) -> _Placed:
        return msgspec.structs.replace(value, path=prefix + value.path)

    findings = tuple(
        msgspec.structs.replace(moved(found), related=tuple(map(moved, found.related)))
        for found in result.findings
    )
    diagnostics = tuple(map(moved, result.diagnostics))
    return msgspec.structs.replace(result, findings=findings, diagnostics=diagnostics)


_Placed = TypeVar("_Placed", Finding, RelatedPlace, Diagnostic)


def place(finding: Finding) -> str:
    """`path:line:column`, as editors take it: both count from 1."""
    return f"{finding.path}:{finding.span[0]}:{finding.span[1] + 1}"


def whole_message(finding: Finding) -> str:
    """Everything that is said about a finding, in one paragraph."""
    return f"{finding.message}. Left as it is: {finding.consequence}. To do: {finding.remedy}."


def gravity(found: Finding | Diagnostic) -> int:
    """0 for what is sure or an error, 1 for what is less so, 2 for the rest."""
    return _GRAVITY[found.confidence if isinstance(found, Finding) else found.severity]


_GRAVITY = {
    Confidence.HIGH.value: 0,
    Confidence.MEDIUM.value: 1,
    Confidence.LOW.value: 2,
    Severity.ERROR.value: 0,
    Severity.WARNING.value: 1,
    Severity.NOTE.value: 2,
}


def fix_option(finding: Finding) -> str:
    """The option that mends the finding; empty when none does."""
    if finding.fix is None:
        return ""
    is_safe = finding.fix.applicability == Applicability.SAFE.value
    return "--fix" if is_safe else "--unsafe-fixes"
