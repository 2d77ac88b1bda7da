"""Every format is what its readers take, whatever is in names and texts."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest

from migrate_async.lint.registry import rules
from migrate_async.model.diagnostic import Diagnostic
from migrate_async.model.finding import Confidence, Finding, Fix, RelatedPlace
from migrate_async.model.lint import LintResult
from migrate_async.model.plan import AwaitCall
from migrate_async.report.findings.report import FORMATS, Report, render
from migrate_async.source.read import decode
from support.schemas import schema

DOCS = Path(__file__).parents[3] / "docs"
NASTY = 'a "quoted" <tag> & 100%, a:b\x1b[31m \x07 é 漢'
SOURCE = decode("def f(db):\n\tx = db.query('漢字', 1)\n    # the end\n".encode(), "app/a b.py")
FOUND = Finding(
    path="app/a b.py",
    span=(2, 5, 2, 22),
    code="MA801",
    rule="legacy-query",
    message="`db.query(...)` is legacy",
    consequence="the code cannot move",
    remedy="write it with select()",
    function="app.f",
    related=(RelatedPlace("app/a b.py", (1, 4, 1, 5), "opened here"),),
    fix=Fix("await it", "safe", (AwaitCall(span=(2, 5, 2, 22), codemod="legacy-query"),)),
    fingerprint="0" * 32,
)
UNSURE = msgspec.structs.replace(
    FOUND,
    span=(1, 0, 3, 4),
    message=NASTY,
    confidence=Confidence.LOW.value,
    related=(),
    fix=None,
    fingerprint="1" * 32,
)
UNREAD = Diagnostic(
    path="app/broken.py", code="MA001", message=NASTY, next_step="mend it", severity="error"
)
RESULT = LintResult(
    findings=(FOUND, UNSURE), diagnostics=(UNREAD,), files_read=3, suppressed=1, hidden=2
)
REPORT = Report(RESULT, {SOURCE.path: SOURCE}, rules())
EMPTY = Report(LintResult(files_read=2), {}, rules())


def parsed(name: str, report: Report = REPORT) -> Any:
    return json.loads(render(report, name))


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_is_the_same_each_time_and_has_every_finding(name: str) -> None:
    text = render(REPORT, name)
    assert text == render(REPORT, name)
    assert text.endswith("\n")
    assert text.count("is legacy") >= 1
    assert "MA001" in text


@pytest.mark.parametrize("name", FORMATS)
def test_a_terminal_obeys_nothing_in_what_is_printed(name: str) -> None:
    """Names and source of the target may hold escape sequences."""
    assert "\x1b" not in render(REPORT, name)


# --- text --------------------------------------------------------------------------------------


def test_text_has_source_with_carets_at_the_columns() -> None:
    """Tabs are four blanks; wide characters have two carets."""
    lines = render(REPORT, "text").splitlines()
    assert lines[:12] == [
        "app/a b.py:2:6 MA801 legacy-query",
        "  `db.query(...)` is legacy",
        "     2 | x = db.query('漢字', 1)",
        "       |     ^^^^^^^^^^^^^^^^^^^",
        "  app/a b.py:1:5 opened here",
        "     1 | def f(db):",
        "       |     ^",
        "  if left: the code cannot move",
        "  to do:   write it with select()",
        "  `--fix` does it: await it",
        "",
        "app/a b.py:1:1 MA801 legacy-query (low)",
    ]


def test_text_ends_in_numbers() -> None:
    lines = render(REPORT, "text").splitlines()
    assert lines[-3:] == [
        "2 findings in 1 file, 3 files read.",
        "1 of them can be mended with `--fix`.",
        "Left out: 1 suppressed by comments, 2 less sure (`--strict` shows them).",
    ]
    assert render(EMPTY, "text") == "No findings, 2 files read.\n"


@pytest.mark.parametrize("column", [0, 60, 150, 290])
def test_text_fits_80_columns(column: int) -> None:
    """Of a long line the part around the place is shown, marked where it is cut."""
    words = " ".join(f"name{n}" for n in range(50))
    source = decode(f"x = [{words}]\n".encode(), "a.py")
    found = msgspec.structs.replace(
        FOUND, path="a.py", span=(1, column, 1, column + 5), message=words, related=()
    )
    report = Report(LintResult(findings=(found,)), {"a.py": source})
    lines = render(report, "text").splitlines()
    assert max(map(len, lines)) <= 80
    carets = next(line for line in lines if "^" in line)
    excerpt = lines[lines.index(carets) - 1]
    marked = excerpt[carets.index("^") : carets.rindex("^") + 1]
    assert marked == source.text[column : column + 5]


def test_text_has_colour_when_asked_for() -> None:
    coloured = render(Report(RESULT, REPORT.sources, colour=True), "text")
    assert "\x1b[1;31mMA801\x1b[0m" in coloured
    assert "\x1b" not in render(REPORT, "text")


def test_text_without_the_source_has_no_excerpt() -> None:
    assert " | " not in render(Report(RESULT, {}), "text")


# --- for programs ------------------------------------------------------------------------------


def test_concise_is_a_line_each() -> None:
    lines = render(Report(LintResult(findings=(FOUND,)), {}), "concise").splitlines()
    assert lines == ["app/a b.py:2:6: MA801 `db.query(...)` is legacy [--fix]"]
    assert render(EMPTY, "concise") == ""


@pytest.mark.parametrize("report", [REPORT, EMPTY])
def test_json_keeps_to_the_committed_schema(report: Report) -> None:
    committed = json.loads((DOCS / "lint.schema.json").read_text(encoding="utf-8"))
    validator = jsonschema.Draft202012Validator(committed)
    validator.validate(parsed("json", report))


def test_the_schema_refuses_another_shape() -> None:
    committed = json.loads((DOCS / "lint.schema.json").read_text(encoding="utf-8"))
    document = parsed("json")
    del document["findings"][0]["span"]
    assert not jsonschema.Draft202012Validator(committed).is_valid(document)


def test_json_has_the_fields_of_the_result() -> None:
    document = parsed("json")
    assert list(document)[:4] == ["format", "tool", "command", "findings"]
    assert msgspec.convert(document["findings"][0], Finding) == FOUND


def test_json_lines_has_findings_then_messages() -> None:
    items = [json.loads(line) for line in render(REPORT, "json-lines").splitlines()]
    assert [item.pop("kind") for item in items] == ["finding", "finding", "message"]
    assert items == [*parsed("json")["findings"], *parsed("json")["diagnostics"]]


@pytest.mark.parametrize("report", [REPORT, EMPTY])
def test_sarif_is_sarif(report: Report) -> None:
    """By the schema of the standard."""
    standard = schema("https://json.schemastore.org/sarif-2.1.0.json")
    jsonschema.Draft7Validator(standard).validate(parsed("sarif", report))


def test_sarif_points_at_the_characters() -> None:
    """Lines and columns count from 1, in characters; the path is a URI."""
    (run,) = parsed("sarif")["runs"]
    first = run["results"][0]
    location = first["locations"][0]["physicalLocation"]
    assert run["columnKind"] == "unicodeCodePoints"
    assert location["artifactLocation"]["uri"] == "app/a%20b.py"
    assert location["region"] == {"startLine": 2, "startColumn": 6, "endLine": 2, "endColumn": 23}
    assert first["relatedLocations"][0]["message"]["text"] == "opened here"
    assert first["partialFingerprints"] == {"migrateAsync/v1": "0" * 32}
    assert run["tool"]["driver"]["rules"][first["ruleIndex"]]["id"] == "MA801"
    assert run["invocations"][0]["toolExecutionNotifications"][0]["descriptor"]["id"] == "MA001"


def test_github_escapes_what_would_end_a_command() -> None:
    first, second, third = render(REPORT, "github").splitlines()
    assert first == (
        "::error file=app/a b.py,line=2,endLine=2,col=6,endColumn=23,title=MA801 legacy-query::"
        "`db.query(...)` is legacy. Left as it is: the code cannot move. "
        "To do: write it with select()."
    )
    assert second.startswith("::notice file=app/a b.py,line=1,endLine=3,title=")
    assert "100%25, a:b" in second
    assert third.startswith("::error file=app/broken.py,line=1,title=MA001::")
    broken = msgspec.structs.replace(FOUND, path="a,b:c\n.py", message="x\ny")
    text = render(Report(LintResult(findings=(broken,)), {}), "github")
    assert "file=a%2Cb%3Ac%0A.py," in text
    assert "x%0Ay" in text
    assert len(text.splitlines()) == 1


def test_gitlab_has_what_code_quality_wants() -> None:
    issues = parsed("gitlab")
    for issue in issues:
        assert set(issue) == {"description", "check_name", "fingerprint", "severity", "location"}
        assert issue["severity"] in {"info", "minor", "major", "critical", "blocker"}
        assert issue["location"]["lines"]["begin"] >= 1
    assert len({issue["fingerprint"] for issue in issues}) == 3
    assert parsed("gitlab", EMPTY) == []


def test_junit_is_xml_with_a_test_each() -> None:
    suite = ET.fromstring(render(REPORT, "junit")).find("testsuite")  # noqa: S314 - our own
    assert suite is not None
    assert (suite.get("tests"), suite.get("failures")) == ("3", "3")
    cases = suite.findall("testcase")
    assert [case.get("classname") for case in cases] == [
        "app/a b.py",
        "app/a b.py",
        "app/broken.py",
    ]
    failure = cases[1].find("failure")
    assert failure is not None
    assert (failure.get("message") or "").startswith('a "quoted" <tag> & 100%')


def test_junit_without_findings_is_a_test_that_passed() -> None:
    suite = ET.fromstring(render(EMPTY, "junit")).find("testsuite")  # noqa: S314 - our own
    assert suite is not None
    assert (suite.get("tests"), suite.get("failures")) == ("1", "0")
    assert suite.find("testcase/failure") is None
