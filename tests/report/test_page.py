"""Lines keep their shape: one each in a pipe, at a hanging indent on a narrow terminal."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from migrate_async.report.page import Page
from migrate_async.report.words import counted


def page(*, width: int = 80, terminal: bool = False) -> tuple[Page, io.StringIO]:
    stream = io.StringIO()
    console = Console(
        file=stream,
        width=width,
        force_terminal=terminal,
        color_system="truecolor" if terminal else None,
    )
    return Page(console), stream


def test_a_long_line_stays_one_line_in_a_pipe() -> None:
    into, stream = page(width=20)
    into.line("word " * 30, indent=4)
    assert stream.getvalue() == "    " + ("word " * 30).rstrip() + "\n"


def test_a_long_line_continues_below_its_start_on_a_terminal() -> None:
    into, stream = page(width=30, terminal=True)
    into.line("one two three four five six seven eight", indent=2, hang=4)
    lines = stream.getvalue().splitlines()
    assert lines[0].startswith("  one")
    assert all(line.startswith("      ") for line in lines[1:])
    assert max(map(len, lines)) <= 30
    assert "".join(stream.getvalue().split()) == "onetwothreefourfivesixseveneight"


def test_a_word_longer_than_the_terminal_is_not_lost() -> None:
    into, stream = page(width=30, terminal=True)
    into.line("x" * 70)
    assert stream.getvalue().count("x") == 70


def test_styles_are_written_on_terminals_only() -> None:
    plain, plain_stream = page()
    styled, styled_stream = page(terminal=True)
    for into in (plain, styled):
        into.line(("red", "red"))
    assert plain_stream.getvalue() == "red\n"
    assert "\x1b[31m" in styled_stream.getvalue()


def test_brackets_in_text_are_not_markup() -> None:
    into, stream = page()
    into.line("list[int] and [bold]", " [/]")
    assert stream.getvalue() == "list[int] and [bold] [/]\n"


def test_columns_align_numbers_right_and_words_left() -> None:
    into, stream = page()
    into.columns([("1", "a", "x"), ("20", "bbb", "y")], header=("n", "word", "last"))
    assert stream.getvalue().splitlines() == [
        "   n  word  last",
        "   1  a     x",
        "  20  bbb   y",
    ]


def test_columns_without_rows_write_nothing() -> None:
    into, stream = page()
    into.columns([])
    assert stream.getvalue() == ""


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0 files"), (1, "1 file"), (2, "2 files")], ids=str
)
def test_counted(number: int, text: str) -> None:
    assert counted(number, "file") == text


def test_counted_with_a_plural_of_its_own() -> None:
    assert counted(2, "query", "queries") == "2 queries"


def test_the_first_line_goes_as_far_as_the_others() -> None:
    """A table's last column starts far to the right: that is no reason to cut its first line."""
    into, stream = page(width=50, terminal=True)
    into.columns(
        [
            ("sync calls on sessions", "1234567 ab cd 123 567 9"),
            ("x", "one two three four five six"),
        ]
    )
    assert stream.getvalue().splitlines() == [
        "  sync calls on sessions  1234567 ab cd 123 567 9",
        "  x                       one two three four five",
        "                          six",
    ]
