"""SARIF offers the fixes: what a viewer makes of them is what `lint --fix` writes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from migrate_async.cli import lint_repairs
from migrate_async.cli.exit_codes import ExitCode
from support.cli import invoke
from support.schemas import schema

OLD = "from sqlalchemy import create_engine\n\nengine = create_engine('sqlite://')\n"
CASES = {
    "one line": b"with engine.connect() as c:\n    c.execute('SELECT 1')\n",
    "without an end of line": b"with engine.connect() as c:\n    c.execute('SELECT 1')",
    "ends of Windows": b"with engine.connect() as c:\r\n    c.execute('SELECT 1')\r\n",
}


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "pyproject.toml").touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def sarif() -> dict[str, Any]:
    result = invoke("lint", "--format", "sarif", "--select", "MA809", "--no-cache")
    assert result.exit_code == ExitCode.FINDINGS
    document: dict[str, Any] = json.loads(result.stdout)
    standard = schema("https://json.schemastore.org/sarif-2.1.0.json")
    jsonschema.Draft7Validator(standard).validate(document)
    return document


def made(text: str, replacement: dict[str, Any]) -> str:
    """`text` with the replacement, as a viewer does it: lines and columns from 1."""
    lines = text.splitlines(keepends=True)
    region = replacement["deletedRegion"]

    def offset(line: int, column: int) -> int:
        return sum(map(len, lines[: line - 1])) + column - 1

    start = offset(region["startLine"], region["startColumn"])
    end = offset(region["endLine"], region["endColumn"])
    return text[:start] + replacement["insertedContent"]["text"] + text[end:]


@pytest.mark.parametrize("case", CASES)
def test_a_viewer_makes_of_it_what_fix_writes(root: Path, case: str) -> None:
    old = OLD.encode()
    old = old.replace(b"\n", b"\r\n") if b"\r" in CASES[case] else old
    file = root / "db.py"
    file.write_bytes(old + CASES[case])
    (result,) = sarif()["runs"][0]["results"]
    (fix,) = result["fixes"]
    (change,) = fix["artifactChanges"]
    (replacement,) = change["replacements"]
    assert fix["description"]["text"].startswith("MA809: ")
    assert (
        change["artifactLocation"] == result["locations"][0]["physicalLocation"]["artifactLocation"]
    )
    offered = made(file.read_bytes().decode(), replacement)
    assert invoke("lint", "--fix", "--select", "MA809").exit_code == ExitCode.CLEAN
    assert "text(" in offered
    assert file.read_bytes().decode() == offered


def test_what_cannot_be_mended_offers_nothing(root: Path) -> None:
    """Neither a finding without a fix, nor one whose fix fails."""
    (root / "db.py").write_text("def get(db):\n    return db.query(1).all()\n")
    result = invoke("lint", "--format", "sarif", "--strict", "--select", "MA801", "--no-cache")
    (found,) = json.loads(result.stdout)["runs"][0]["results"]
    assert "fixes" not in found


def test_a_fix_that_fails_offers_nothing(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "db.py").write_bytes(OLD.encode() + CASES["one line"])
    monkeypatch.setattr(lint_repairs, "rewrite", lambda *_: ())
    (found,) = sarif()["runs"][0]["results"]
    assert "fixes" not in found
