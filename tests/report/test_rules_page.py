"""The page about the rules has each under its heading."""

from __future__ import annotations

from migrate_async.lint.registry import rules
from migrate_async.report.pages.rules import page


def test_each_rule_stands_under_its_heading() -> None:
    """Its code says which it is."""
    _, *groups = page(rules()).split("\n## ")
    contents = {text.partition("\n")[0]: text for text in groups if "| code |" in text}
    for rule in rules():
        (title,) = [title for title, text in contents.items() if f"[{rule.CODE}]" in text]
        assert title == _title(rule.CODE)


def _title(code: str) -> str:
    if code.startswith(("MA6", "MA7")):
        return "Leaks" if code.startswith("MA6") else "Async hazards"
    number = int(code.removeprefix("MA8"))
    return "Legacy API" if number < 50 else "Migration" if number < 90 else "The linter itself"
