"""Findings as one JSON document, whose schema is `docs/lint.schema.json`."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from migrate_async.model.lint import LintResult
from migrate_async.model.schema import json_schema
from migrate_async.report.findings.report import Report
from migrate_async.report.json import document


class LintDocument(LintResult, frozen=True, kw_only=True):
    """The shape of the document."""

    format: Literal[1]
    tool: str
    command: Literal["lint"]


def render(report: Report) -> str:
    """The fields of a `LintResult`, after those that every document has."""
    return document("lint", msgspec.to_builtins(report.result)) + "\n"


def schema() -> dict[str, Any]:
    """The JSON schema of the document; all fields are always there."""
    return json_schema(LintDocument, "The output of migrate-async lint --format json")
