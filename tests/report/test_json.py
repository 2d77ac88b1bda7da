"""The JSON documents: complete, readable back, and as docs/cli.md describes them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from migrate_async import __version__
from migrate_async.model import plan as plan_model
from migrate_async.model.scan import ScanResult
from migrate_async.model.summary import RunSummary
from migrate_async.report.json import FORMAT, plan_document, scan_document, summary_document
from support import samples

DOCUMENTS = {
    "scan": scan_document(samples.SCAN),
    "plan": plan_document(samples.PLAN),
    "migrate": summary_document(samples.SUMMARY, "diff --git\n"),
}


@pytest.mark.parametrize("command", DOCUMENTS)
def test_a_document_starts_with_format_tool_and_command(command: str) -> None:
    head = list(json.loads(DOCUMENTS[command]).items())[:3]
    assert head == [("format", FORMAT), ("tool", __version__), ("command", command)]


def fields_of(command: str) -> dict[str, Any]:
    """The fields that are peculiar to the command."""
    document: dict[str, Any] = json.loads(DOCUMENTS[command])
    return {name: document[name] for name in list(document)[3:]}


def test_a_scan_reads_back() -> None:
    result = fields_of("scan")
    assert result.pop("totals") == {
        "queries": 11,
        "operations": 27,
        "async_operations": 0,
        "sessions": 1,
    }
    assert msgspec.convert(result, ScanResult) == samples.SCAN


def test_a_plan_is_what_the_codemods_read() -> None:
    assert plan_model.decode(DOCUMENTS["plan"]) == samples.PLAN


def test_a_summary_reads_back() -> None:
    result = fields_of("migrate")
    assert result.pop("patch") == "diff --git\n"
    assert msgspec.convert(result, RunSummary) == samples.SUMMARY


def test_a_summary_has_a_patch_only_when_one_was_asked_for() -> None:
    assert "patch" not in json.loads(summary_document(samples.SUMMARY))


@pytest.mark.parametrize("command", DOCUMENTS)
def test_the_page_lists_exactly_the_fields(command: str) -> None:
    page = (Path(__file__).parents[2] / "docs" / "cli.md").read_text(encoding="utf-8")
    section = page.split(f"### Fields of `{command}`\n", 1)[1].split("\n#", 1)[0]
    documented = re.findall(r"^\| `(\w+)` \|", section, flags=re.MULTILINE)
    assert documented == list(fields_of(command))
