"""Comments are replaced where they are, and nothing else moves."""

from __future__ import annotations

import pytest

from migrate_async.errors import InternalError
from migrate_async.model.plan import FilePlan, ReplaceComment, ReplaceExpression
from migrate_async.rewrite.engine import rewrite_text


def replaced(text: str, code: str, span: tuple[int, int, int, int]) -> str:
    edit = ReplaceComment(span=span, codemod="x", code=code)
    return rewrite_text(FilePlan("a.py", "", (edit,)), text)


def test_a_comment_gets_another_text() -> None:
    assert replaced("x = 1  # a\ny = 2\n", "# b", (1, 7, 1, 10)) == "x = 1  # b\ny = 2\n"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", ""])
def test_a_comment_goes_with_the_blanks_before_it(end: str) -> None:
    assert replaced(f"x = 1  # ñ{end}", "", (1, 7, 1, 10)) == f"x = 1{end}"


def test_blanks_after_a_comment_do_not_matter() -> None:
    assert replaced("x = 1  # a \t\n", "# b", (1, 7, 1, 10)) == "x = 1  # b\n"


def test_other_edits_of_the_line_are_made_too() -> None:
    edits = (
        ReplaceComment(span=(1, 7, 1, 10), codemod="x"),
        ReplaceExpression(span=(1, 4, 1, 5), codemod="x", code="longer"),
    )
    assert rewrite_text(FilePlan("a.py", "", edits), "x = 1  # a\n") == "x = longer\n"


@pytest.mark.parametrize("span", [(1, 6, 1, 10), (1, 7, 1, 9), (1, 0, 1, 10)])
def test_what_is_no_comment_is_left(span: tuple[int, int, int, int]) -> None:
    with pytest.raises(InternalError, match="no comment"):
        replaced("x = 1  # a\n", "", span)
