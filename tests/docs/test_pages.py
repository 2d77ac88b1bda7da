"""The pages that are made of code are current, and say what the code says."""

from __future__ import annotations

from pathlib import Path

import pytest

from migrate_async.knowledge.query_api import MEMBERS, Kind
from migrate_async.lint.registry import rules
from migrate_async.report.pages import __main__ as pages
from migrate_async.report.pages import codemods as codemods_page
from migrate_async.report.pages import query_methods
from migrate_async.report.pages import rules as rules_page
from migrate_async.rewrite.registry import codemods
from support.linting import split_files

DOCS = Path(__file__).parents[2] / "docs"


def test_the_pages_are_current() -> None:
    """`make docs` makes them anew."""
    assert pages.main(["--check", str(DOCS)]) == 0


def test_a_page_that_is_not_current_is_told_and_left(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "rules.md"
    page.write_text("old\n")
    assert pages.main(["--check", str(tmp_path)]) == 1
    assert page.read_text() == "old\n"
    assert "-old" in capsys.readouterr().err
    assert pages.main([str(tmp_path)]) == 0
    assert pages.main(["--check", str(tmp_path)]) == 0


def test_every_rule_and_every_example_is_there() -> None:
    page = rules_page.page(rules())
    for rule in rules():
        assert f"\n## {rule.CODE} {rule.name()}\n" in page
        assert f"](#{rule.CODE}-{rule.name()})".lower() in page
        for example in rule.EXAMPLES:
            texts = split_files(example.code).values()
            assert all(text.strip() in page for text in texts), example.title


def test_every_codemod_and_every_example_is_there() -> None:
    page = codemods_page.page(codemods())
    for codemod in codemods():
        assert f"\n## {codemod.NAME}\n" in page
        for example in codemod.EXAMPLES:
            assert example.before.strip() in page, example.title
            assert (example.after or "").strip() in page, example.title


def test_every_translated_method_of_query_has_a_use() -> None:
    translated = {name for name, member in MEMBERS.items() if member.kind is not Kind.REFUSE}
    assert set(query_methods.USES) == translated


@pytest.mark.parametrize("use", [use for uses in query_methods.USES.values() for use in uses])
def test_every_use_is_translated(use: str) -> None:
    assert "db.query" not in query_methods.converted(use)
