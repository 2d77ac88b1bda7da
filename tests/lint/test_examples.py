"""Each rule finds in its examples what their comments say, and nothing else."""

from __future__ import annotations

import pytest

from migrate_async.lint.registry import rules
from migrate_async.lint.rule import Example, Rule
from support import linting

EXAMPLES = [
    pytest.param(rule, example, id=f"{rule.CODE}-{example.title}")
    for rule in rules()
    for example in rule.EXAMPLES
]


@pytest.mark.parametrize(("rule", "example"), EXAMPLES)
def test_findings_are_where_the_example_says(rule: type[Rule], example: Example) -> None:
    """Path, line and confidence of every finding are those of the `# error` comments."""
    found = linting.findings(rule, example.code)
    places = sorted((f.path, f.span[0], f.confidence) for f in found)
    assert places == linting.expected(linting.split_files(example.code))


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.CODE)
def test_titles_are_unique(rule: type[Rule]) -> None:
    """Titles name the cases in reports and in the documentation."""
    titles = [example.title for example in rule.EXAMPLES]
    assert len(titles) == len(set(titles))
