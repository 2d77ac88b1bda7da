"""Findings as SARIF 2.1.0, which code scanning services take."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

import msgspec

from migrate_async import __version__
from migrate_async.lint.rule import Rule
from migrate_async.model.change import Repair
from migrate_async.model.diagnostic import Diagnostic
from migrate_async.model.finding import Finding, RelatedPlace
from migrate_async.model.syntax import Span
from migrate_async.report.findings.report import Report, from_top, gravity, whole_message

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
FINGERPRINT = "migrateAsync/v1"

_ROOT = "%SRCROOT%"
_LEVELS = ("error", "warning", "note")


def render(report: Report) -> str:
    """One run; what could not be read or checked is a notification of its invocation."""
    result = from_top(report)
    run = {
        "tool": {"driver": _driver(report.rules)},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {_ROOT: {"description": {"text": "The top of the repository."}}},
        "invocations": [
            {
                "executionSuccessful": not result.internal_errors,
                "toolExecutionNotifications": [_notification(d) for d in result.diagnostics],
            }
        ],
        "results": [_result(found, report) for found in result.findings],
    }
    document = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"


def _driver(rules: Sequence[type[Rule]]) -> dict[str, Any]:
    return {
        "name": "migrate-async",
        "semanticVersion": __version__,
        "rules": [_rule(rule) for rule in rules],
    }


def _rule(rule: type[Rule]) -> dict[str, Any]:
    documentation = inspect.getdoc(rule) or ""
    return {
        "id": rule.CODE,
        "name": rule.__name__,
        "shortDescription": {"text": rule.summary()},
        "fullDescription": {"text": f"{rule.summary()} Left as it is: {rule.CONSEQUENCE}."},
        "help": {"text": documentation, "markdown": documentation},
        "defaultConfiguration": {"level": "error"},
        "properties": {"tags": ["sqlalchemy", "async"]},
    }


def _result(found: Finding, report: Report) -> dict[str, Any]:
    codes = [rule.CODE for rule in report.rules]
    repair = report.repairs.get(found.fingerprint)
    return {
        "ruleId": found.code,
        **({"ruleIndex": codes.index(found.code)} if found.code in codes else {}),
        "level": _LEVELS[gravity(found)],
        "message": {"text": whole_message(found)},
        "locations": [{"physicalLocation": _location(found.path, found.span)}],
        "relatedLocations": [_related(n, p) for n, p in enumerate(found.related, start=1)],
        "partialFingerprints": {FINGERPRINT: found.fingerprint},
        **({} if repair is None else {"fixes": [_fix(found.path, repair)]}),
        "properties": {"confidence": found.confidence},
    }


def _fix(path: str, repair: Repair) -> dict[str, Any]:
    """One file, one piece of it."""
    location = _location(path, repair.span)
    replacement = {
        "deletedRegion": location["region"],
        "insertedContent": {"text": repair.text},
    }
    change = {"artifactLocation": location["artifactLocation"], "replacements": [replacement]}
    return {"description": {"text": repair.title}, "artifactChanges": [change]}


def _related(number: int, related: RelatedPlace) -> dict[str, Any]:
    return {
        "id": number,
        "message": {"text": related.message},
        "physicalLocation": _location(related.path, related.span),
    }


def _location(path: str, span: Span) -> dict[str, Any]:
    line, column, end_line, end_column = span
    return {
        "artifactLocation": {"uri": quote(path, errors="surrogateescape"), "uriBaseId": _ROOT},
        "region": {
            "startLine": line,
            "startColumn": column + 1,
            "endLine": end_line,
            "endColumn": end_column + 1,
        },
    }


def _notification(found: Diagnostic) -> dict[str, Any]:
    line = max(found.line, 1)
    location = _location(found.path, (line, found.column, line, found.column))
    return {
        "descriptor": {"id": found.code},
        "level": _LEVELS[gravity(found)],
        "message": {"text": f"{found.message}. {found.next_step}".rstrip()},
        "locations": [{"physicalLocation": location}],
    }
