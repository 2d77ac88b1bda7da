"""A rule that fails is told of, and costs nothing but its findings in the files where it fails."""

from __future__ import annotations

from migrate_async.config import Settings
from migrate_async.lint.engine import check_all
from migrate_async.lint.run import run
from support.lint_rules import FailingRule, OldCall
from support.projects import project

FILES = {
    "app/a.py": "def good():\n    fail()\n    old()\n",
    "app/b.py": "def bad():\n    fail()\n",
    "app/c.py": "def bad():\n    fail()\n",
}


def test_the_others_go_on() -> None:
    found, problems = check_all(project(FILES), [FailingRule, OldCall])
    assert [(f.path, f.code) for f in found] == [("app/a.py", "MA006"), ("app/a.py", "MA001")]
    (problem,) = problems
    assert (problem.path, problem.code, problem.severity) == ("app/b.py", "MA907", "error")
    assert "MA006 failing-rule failed here (and in 1 more file" in problem.message
    assert "ZeroDivisionError: no" in problem.message


def test_only_files_selected_are_looked_at() -> None:
    found, problems = check_all(project(FILES), [FailingRule], ["app/a.py"])
    assert (len(found), problems) == (1, ())


def test_the_outcome_has_the_messages() -> None:
    outcome = run(project(FILES), Settings(), (FailingRule,))
    assert [d.code for d in outcome.diagnostics] == ["MA907"]
