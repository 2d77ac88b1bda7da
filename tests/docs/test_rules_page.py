"""The page about the rules is what the rules say."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from migrate_async.lint.registry import rules
from migrate_async.report import rules_page
from migrate_async.report.findings.json import schema
from support.linting import split_files

DOCS = Path(__file__).parents[2] / "docs"


def test_the_page_is_current() -> None:
    """`make docs` makes it anew."""
    assert rules_page.main(["--check", str(DOCS / "rules.md")]) == 0


def test_the_schema_is_current() -> None:
    """`make docs` makes it anew."""
    committed = msgspec.json.decode((DOCS / "lint.schema.json").read_bytes())
    assert committed == msgspec.json.decode(msgspec.json.encode(schema()))


def test_a_page_that_is_not_current_is_told_and_left(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "rules.md"
    page.write_text("old\n")
    assert rules_page.main(["--check", str(page)]) == 1
    assert page.read_text() == "old\n"
    assert "-old" in capsys.readouterr().err
    assert rules_page.main([str(page)]) == 0
    assert rules_page.main(["--check", str(page)]) == 0


def test_every_rule_and_every_example_is_there() -> None:
    page = rules_page.page(rules())
    for rule in rules():
        assert f"\n## {rule.CODE} {rule.name()}\n" in page
        assert f"](#{rule.CODE}-{rule.name()})".lower() in page
        for example in rule.EXAMPLES:
            texts = split_files(example.code).values()
            assert all(text.strip() in page for text in texts), example.title
