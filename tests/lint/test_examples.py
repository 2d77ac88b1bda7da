"""Each rule finds in its examples what their comments say, and nothing else."""

from __future__ import annotations

import pytest

from migrate_async.lint.registry import rules
from migrate_async.lint.rule import Example, Rule
from migrate_async.model.finding import Confidence
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
    assert all(f.span[:2] < f.span[2:] for f in found)


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.CODE)
def test_examples_reach_the_confidence_that_is_promised(rule: type[Rule]) -> None:
    """A rule is skipped where its best confidence is not shown, so that has to be true."""
    levels = list(Confidence)
    found = [f for example in rule.EXAMPLES for f in linting.findings(rule, example.code)]
    assert min(levels.index(Confidence(f.confidence)) for f in found) == levels.index(rule.BEST)


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.CODE)
def test_titles_are_unique(rule: type[Rule]) -> None:
    """Titles name the cases in reports and in the documentation."""
    titles = [example.title for example in rule.EXAMPLES]
    assert len(titles) == len(set(titles))


FIXED = [
    pytest.param(rule, example, id=f"{rule.CODE}-{example.title}")
    for rule in rules()
    for example in rule.EXAMPLES
    if example.fixed is not None
]


@pytest.mark.parametrize(("rule", "example"), FIXED)
def test_fixes_give_what_the_example_says(rule: type[Rule], example: Example) -> None:
    """The text after the fix is the one shown and compiles."""
    result = linting.fixed(rule, linting.without_marks(example.code))
    assert result == example.fixed
    compile(result, example.title, "exec")


@pytest.mark.parametrize(("rule", "example"), FIXED)
def test_fixes_leave_nothing_to_fix(rule: type[Rule], example: Example) -> None:
    """In fixed code the rule finds nothing any more, and a second run changes nothing."""
    assert example.fixed is not None
    assert linting.findings(rule, example.fixed) == ()
    assert linting.fixed(rule, example.fixed) == example.fixed


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.CODE)
def test_fixes_are_shown(rule: type[Rule]) -> None:
    """A rule whose findings have a fix shows in an example what comes of it."""
    found = [linting.findings(rule, example.code) for example in rule.EXAMPLES]
    has_fixes = any(item.fix for findings in found for item in findings)
    assert has_fixes is any(example.fixed is not None for example in rule.EXAMPLES)
