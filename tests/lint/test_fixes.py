"""Fixes become a plan: together where they can, one after the other where they overlap."""

from __future__ import annotations

from migrate_async.lint.engine import check
from migrate_async.lint.fixes import FixPlan, make_plan
from migrate_async.model.plan import ImportChange
from support.lint_rules import OldCall, OuterCall, RiskyCall
from support.projects import project


def plan(text: str, *, unsafe: bool = False, without: tuple[str, ...] = ()) -> FixPlan:
    found = check(project({"app/a.py": text}), [OldCall, RiskyCall, OuterCall])
    return make_plan(found, lambda _: "digest", unsafe=unsafe, without=without)


def test_fixes_of_a_file_are_made_together() -> None:
    made = plan("old()\nold()\n")
    (file,) = made.plan.files
    assert (file.path, file.digest, len(file.edits)) == ("app/a.py", "digest", 2)
    assert file.imports == (ImportChange("old-call", "app.new", "new"),)
    assert [edit.codemod for edit in file.edits] == ["old-call"] * 2
    assert len(made.fixed["app/a.py"]) == 2


def test_unsafe_fixes_are_made_when_asked_for() -> None:
    assert plan("risky()\n").plan.files == ()
    assert len(plan("risky()\nold()\n", unsafe=True).fixed["app/a.py"]) == 2


def test_of_fixes_that_overlap_the_first_is_made() -> None:
    made = plan("outer(old())\nold()\n")
    assert [(f.code, f.span[0]) for f in made.fixed["app/a.py"]] == [("MA003", 1), ("MA001", 2)]


def test_files_can_be_left_out() -> None:
    assert plan("old()\n", without=("app/a.py",)).plan.files == ()
