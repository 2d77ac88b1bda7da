"""Comments take findings away exactly where they speak."""

from __future__ import annotations

import pytest

from migrate_async.config import LintSettings, Settings
from migrate_async.index.extract import extract
from migrate_async.lint.comments import suppressions, without
from migrate_async.lint.places import comment_lines, lines_of
from migrate_async.lint.rules.legacy_query import LegacyQuery
from migrate_async.lint.rules.unused_suppression import UnusedSuppression
from migrate_async.lint.run import Outcome, run
from support.projects import project

HEAD = "from sqlalchemy.orm import Session\n\n\n"


def outcome(body: str, settings: Settings | None = None, head: str = HEAD) -> Outcome:
    made = project({"app/crud.py": head + body})
    return run(made, settings or Settings(), (LegacyQuery, UnusedSuppression))


def codes(body: str, head: str = HEAD) -> list[str]:
    return [finding.code for finding in outcome(body, head=head).findings]


@pytest.mark.parametrize(
    "comment",
    [
        "# noqa",
        "# NOQA",
        "#noqa",
        "# noqa: MA801",
        "# noqa:ma801",
        "# noqa : MA801",
        "# noqa: E501, MA801 because of the report",
        "# noqa: E501 MA801",
        "# type: ignore  # noqa: MA801",
        "# noqa: MA801,F401",
    ],
)
def test_a_comment_on_the_line_suppresses(comment: str) -> None:
    """In every spelling that flake8 and ruff take."""
    found = outcome(f"def f(db: Session):\n    return db.query(1)  {comment}\n")
    assert (found.findings, found.suppressed) == ((), 1)


@pytest.mark.parametrize(
    "comment", ["# noqa: E501", "# noqaX", "# noqa: XMA801", "# no qa", "# noqa: MA80"]
)
def test_other_comments_do_not(comment: str) -> None:
    assert "MA801" in codes(f"def f(db: Session):\n    return db.query(1)  {comment}\n")


STATEMENTS = {
    "the first line": "x = [  {here}\n        1,\n        db.query(1),\n    ]",
    "the last line": "x = [\n        1,\n        db.query(1),\n    ]  {here}",
    "the line of the finding": "x = [\n        1,\n        db.query(1),  {here}\n    ]",
    "the header of a block": "if (\n        db.query(1)\n    ):  {here}\n        pass",
    "a line of the finding": "x = db.query(\n        1,  {here}\n        2,\n    )",
    "the end of a text": 'x = db.query("""\n    # noqa: MA000\n    """)  {here}',
}
ELSEWHERE = {
    "another line of the statement": "x = [\n        1,  {here}\n        db.query(1),\n    ]",
    "the line before": "y = 1  {here}\n    x = db.query(1)",
    "the body of the block": "if db.query(1):\n        pass  {here}",
    "inside of a text": 'x = db.query("""\n    {here}\n    """)',
}


@pytest.mark.parametrize("place", STATEMENTS)
def test_statements_of_several_lines(place: str) -> None:
    """The first and the last line of the statement, and the lines of the finding, count."""
    text = STATEMENTS[place].format(here="# noqa: MA801")
    assert codes(f"def f(db: Session):\n    {text}\n") == []


@pytest.mark.parametrize("place", ELSEWHERE)
def test_places_that_do_not_count(place: str) -> None:
    text = ELSEWHERE[place].format(here="# noqa: MA801")
    assert "MA801" in codes(f"def f(db: Session):\n    {text}\n")


@pytest.mark.parametrize(
    ("comment", "expected"),
    [
        ("# migrate-async: ignore-file", []),
        ("# migrate-async: ignore-file[MA801]", []),
        ("# Migrate-Async: ignore-file[MA009, MA801] generated", ["MA899"]),
        ("# migrate-async: ignore-file[MA009]", ["MA801", "MA899"]),
        ("# migrate-async: ignore-files", ["MA801"]),
    ],
)
def test_whole_files(comment: str, expected: list[str]) -> None:
    body = "def f(db: Session):\n    return db.query(1)\n"
    assert sorted(codes(body, head=f"{comment}\n{HEAD}")) == expected


def test_an_unused_code_is_found_at_its_columns() -> None:
    """Of several codes only the one that suppresses nothing."""
    body = "def f(db: Session):\n    return db.query(1)  # noqa: E501, MA801, MA009 why\n"
    (found,) = outcome(body).findings
    line = body.splitlines()[1]
    assert (found.code, found.span) == (
        "MA899",
        (5, line.index("MA009"), 5, line.index("MA009") + 5),
    )
    assert "no rule has that code" in found.message


def test_codes_of_rules_that_did_not_run_are_not_unused() -> None:
    made = project({"app/crud.py": "x = 1  # noqa: MA801\n"})
    assert run(made, Settings(), (UnusedSuppression,)).findings == ()
    assert [f.code for f in run(made, Settings(), (LegacyQuery, UnusedSuppression)).findings] == [
        "MA899"
    ]


def test_an_unused_suppression_can_be_suppressed() -> None:
    assert codes("x = 1  # noqa: MA801, MA899\n") == []


def test_a_finding_that_is_not_shown_uses_its_suppression() -> None:
    """Whether a comment is stale does not depend on `--strict`."""
    assert codes("def f(db):\n    return db.query(1)  # noqa: MA801\n") == []


def test_findings_are_left_out_by_file() -> None:
    body = "def f(db: Session):\n    return db.query(1)\n"
    for pattern, keys, left in (
        ("app/", ("MA8",), 0),
        ("*.py", ("legacy-query",), 0),
        ("tests/", ("MA8",), 1),
        ("app/", ("MA899",), 1),
    ):
        settings = Settings(lint=LintSettings(per_file_ignores={pattern: keys}))
        assert len(outcome(body, settings).findings) == left, pattern


def test_lines_of_a_block_end_before_its_body() -> None:
    """A finding that spans a whole function is at its header, decorators included."""
    module = extract("@a\n@b(\n)\ndef f(\n    x,\n):\n    '''text'''\n    return x\n")
    span = module.body[0].span
    assert lines_of(module, span) == range(4, 7)
    assert comment_lines(module, span) == frozenset({1, 4, 5, 6})


def test_a_block_on_one_line() -> None:
    module = extract("if x: f(\n  1)\n")
    assert lines_of(module, module.body[0].span) == range(1, 2)


def test_comments_of_other_tools_say_nothing() -> None:
    assert suppressions(extract("x = 1  # noqa: E501,F401\ny = 2  # migrate-async: hello\n")) == ()


@pytest.mark.parametrize(
    ("comment", "code", "left"),
    [
        ("# noqa: MA801", "MA801", ""),
        ("# noqa: MA801 a reason", "MA801", ""),
        ("# noqa: MA801, MA009 why", "MA801", "# noqa: MA009 why"),
        ("# noqa: MA801, MA009 why", "MA009", "# noqa: MA801 why"),
        ("# noqa: E501 MA801, MA009", "MA801", "# noqa: E501, MA009"),
        ("# type: ignore  # noqa: MA801", "MA801", "# type: ignore"),
        ("# noqa: MA801 why  # type: ignore", "MA801", "# type: ignore"),
        ("# a # noqa: MA801 # b", "MA801", "# a  # b"),
        ("# migrate-async: ignore-file[MA801]", "MA801", ""),
        (
            "# migrate-async: ignore-file[MA801, MA009] why",
            "MA009",
            "# migrate-async: ignore-file[MA801] why",
        ),
    ],
)
def test_a_code_is_taken_out_of_a_comment(comment: str, code: str, left: str) -> None:
    """With the last one goes the reason; other comments stay."""
    (found,) = extract(f"x = 'ñ'  {comment}\n").suppressions
    assert without(found, {code}) == left


def test_all_unused_codes_of_a_comment_go_at_once() -> None:
    """However many there are: fixing has a limited number of rounds."""
    codes = ", ".join(f"MA0{number}" for number in range(10, 40))
    (found,) = extract(f"x = 1  # noqa: E501, {codes} why  # noqa: MA010\n").suppressions
    unwanted = {each.code for each in suppressions(extract(f"x = 1  {found.text}\n"))}
    assert without(found, unwanted) == "# noqa: E501 why  # noqa: MA010"
    (first, *_) = outcome(f"x = 1  # noqa: {codes}\n").findings
    assert first.fix is not None
    assert first.fix.title == "remove the comment"


def test_a_comment_alone_on_its_line_is_not_emptied() -> None:
    """The line would stay, or all lines below would move."""
    found = outcome("x = 1\n", head="# migrate-async: ignore-file[MA801]\n").findings
    assert [(f.code, f.fix) for f in found] == [("MA899", None)]
