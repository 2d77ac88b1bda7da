"""Run rules over a project."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from migrate_async.index.project import Project
from migrate_async.lint.rule import Rule
from migrate_async.lint.view import View
from migrate_async.model.finding import Finding, order


def check(
    project: Project, rules: Iterable[type[Rule]], selection: Sequence[str] = ()
) -> tuple[Finding, ...]:
    """The findings of `rules` in the files under `selection` (none: everywhere), in order.

    Suppressions, baselines and confidence are not looked at here.
    """
    view = View(project, selection)
    return tuple(sorted((f for rule in rules for f in rule().check(view)), key=order))
