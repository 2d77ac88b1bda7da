"""Which rules run, and what is said when none does."""

from __future__ import annotations

import pytest

from migrate_async.config import LintSettings
from migrate_async.errors import UsageError
from migrate_async.lint.registry import rules
from migrate_async.lint.selection import Selection, chosen

EVERY = {rule.CODE for rule in rules()}
EIGHT = {code for code in EVERY if code.startswith("MA8")}


def codes(settings: LintSettings | None = None, **selection: tuple[str, ...]) -> set[str]:
    return {rule.CODE for rule in chosen(settings or LintSettings(), Selection(**selection))}


def test_all_rules_run_by_default() -> None:
    assert codes() == EVERY


def test_codes_beginnings_and_names_select() -> None:
    assert codes(select=("MA801",)) == {"MA801"}
    assert codes(select=("ma8",)) == EIGHT
    assert codes(select=("legacy-query", "MA899")) == {"MA801", "MA899"}


def test_the_longer_of_two_that_match_counts() -> None:
    assert codes(select=("MA801",), ignore=("MA8",)) == {"MA801"}
    assert codes(ignore=("MA8",), extend_select=("legacy-query",)) == EVERY - EIGHT | {"MA801"}
    assert codes(select=("MA8",), ignore=("MA801",)) == EIGHT - {"MA801"}
    assert codes(select=("MA801",), ignore=("legacy-query",)) == set()


def test_the_command_line_takes_the_place_of_the_settings() -> None:
    """What it ignores or selects besides comes on top of them."""
    settings = LintSettings(select=("MA899",), extend_select=("MA898",), ignore=("MA801",))
    assert codes(settings) == {"MA898", "MA899"}
    assert codes(settings, select=("MA801",)) == {"MA801"}
    assert codes(settings, extend_select=("legacy-query",)) == {"MA898", "MA899"}
    assert codes(settings, ignore=("MA898",)) == {"MA899"}


@pytest.mark.parametrize(("key", "advice"), [("legacy-quer", "legacy-query"), ("", "rules")])
def test_what_selects_nothing_is_an_error(key: str, advice: str) -> None:
    with pytest.raises(UsageError, match=advice):
        codes(select=(key,))
    with pytest.raises(UsageError, match=advice):
        codes(LintSettings(ignore=(key,)))
