"""Which rules run: codes, beginnings of codes and names, the longest that matches counts."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from migrate_async.config import LintSettings
from migrate_async.errors import UsageError
from migrate_async.lint.registry import rules
from migrate_async.lint.rule import Rule
from migrate_async.model.lint import Selection

ALL = "MA"


def chosen(settings: LintSettings, selection: Selection | None = None) -> tuple[type[Rule], ...]:
    """The rules to run, by code.

    `select` of the command line takes the place of what the settings select and ignore;
    `extend_select` and `ignore` come on top. Raises `UsageError` for what no rule matches.
    """
    given = selection or Selection()
    configured = LintSettings() if given.select else settings
    wanted = (*(given.select or configured.select), *configured.extend_select)
    wanted = (*wanted, *given.extend_select)
    unwanted = (*configured.ignore, *given.ignore)
    for key in (*wanted, *unwanted):
        check_key(key)
    return tuple(rule for rule in rules() if _is_chosen(rule, wanted, unwanted))


def matches(key: str, rule: type[Rule]) -> bool:
    """Whether `key` is the name, the code or the beginning of the code of `rule`."""
    return key == rule.name() or rule.CODE.startswith(key.upper())


def check_key(key: str) -> None:
    """Raise `UsageError` when no rule has that name, code or beginning of a code."""
    if key and (key.upper() == ALL or any(matches(key, rule) for rule in rules())):
        return
    known = [name for rule in rules() for name in (rule.CODE, rule.name())]
    near = difflib.get_close_matches(key, known, n=1)
    advice = f"did you mean {near[0]}?" if near else "`migrate-async rules` lists them"
    raise UsageError(f"no rule is selected by {key!r}: {advice}")


def _is_chosen(rule: type[Rule], wanted: Sequence[str], unwanted: Sequence[str]) -> bool:
    """On a tie the rule is not run: ignoring is what one does to a selection."""
    return _weight(rule, wanted) > _weight(rule, unwanted)


def _weight(rule: type[Rule], keys: Sequence[str]) -> int:
    weights = (
        len(rule.CODE) if key == rule.name() else len(key) for key in keys if matches(key, rule)
    )
    return max(weights, default=0)
