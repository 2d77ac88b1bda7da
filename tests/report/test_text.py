"""A scan, a plan and a run as text: what is said, and that it fits."""

from __future__ import annotations

import io
from collections.abc import Callable

import msgspec
import pytest
from rich.console import Console

from migrate_async.model.diagnostic import Diagnostic
from migrate_async.model.summary import ChangedFile
from migrate_async.report.page import Page
from migrate_async.report.text import (
    LONG_LIST,
    SHORT_LIST,
    render_diagnostics,
    render_plan,
    render_scan,
    render_summary,
)
from support import samples

Render = Callable[[Page], None]


def text_of(render: Render, *, width: int = 80, terminal: bool = False) -> str:
    stream = io.StringIO()
    render(Page(Console(file=stream, width=width, force_terminal=terminal, color_system=None)))
    return stream.getvalue()


ALL_REPORTS: list[Render] = [
    lambda page: render_scan(samples.SCAN, page, verbose=True),
    lambda page: render_plan(samples.PLAN, page, verbose=True),
    lambda page: render_summary(samples.SUMMARY, page, verbose=True),
]


@pytest.mark.parametrize("render", ALL_REPORTS, ids=["scan", "plan", "summary"])
def test_no_line_is_wider_than_a_terminal_of_80_columns(render: Render) -> None:
    lines = text_of(render, terminal=True).splitlines()
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize("render", ALL_REPORTS, ids=["scan", "plan", "summary"])
def test_a_pipe_gets_the_same_words_unwrapped(render: Render) -> None:
    """Wrapping may only add line breaks: a path is whole in a pipe, whatever the width."""
    piped = text_of(render, width=40)
    assert piped.split() == text_of(render, width=300, terminal=True).split()
    assert not any(line != line.rstrip() for line in piped.splitlines())


def test_scan_says_totals_and_files_busiest_first() -> None:
    text = text_of(lambda page: render_scan(samples.SCAN, page))
    assert "12 files, 7 of them read" in text
    assert text.index(samples.LONG_PATH) < text.index("  app/api.py")
    assert "app/models.py" not in text
    assert "app/broken.py:3:4 error[MA001] invalid syntax" in text


def test_scan_lists_routes_and_definitions_when_verbose() -> None:
    text = text_of(lambda page: render_scan(samples.SCAN, page, verbose=True))
    assert "sync  GET  /users/{id}  app/api.py:12 read_user" in text
    assert "model  User  app/models.py:4" in text


def test_scan_of_a_clean_project_says_so() -> None:
    clean = msgspec.structs.replace(samples.SCAN, files=(), diagnostics=())
    assert "No sync database code found." in text_of(lambda page: render_scan(clean, page))


def test_plan_names_each_function_with_its_nearest_reason() -> None:
    text = text_of(lambda page: render_plan(samples.PLAN, page))
    assert "convert app.api.read_user  GET /users/{id}" in text
    assert "it calls CRUDUser.get (app/api.py:14)" in text
    assert "keep    app.models.User.orders_total" in text
    assert "read_user calls it" not in text


def test_plan_gives_all_reasons_when_verbose() -> None:
    text = text_of(lambda page: render_plan(samples.PLAN, page, verbose=True))
    assert "read_user calls it (app/api.py:14)" in text


def test_plan_counts_edits_by_codemod_and_leaves_out_files_without() -> None:
    text = text_of(lambda page: render_plan(samples.PLAN, page))
    assert "2 async-colour" in text
    assert "untouched" not in text
    assert text.startswith("Step all: 3 query chains (1 left), 2 functions (1 kept sync), 4 awaits")


def test_an_empty_plan_says_so() -> None:
    text = text_of(lambda page: render_plan(samples.EMPTY_PLAN, page))
    assert text == "Step queries: nothing\n\nNothing to change.\n"


def test_a_run_that_writes_nothing_says_how_to() -> None:
    text = text_of(lambda page: render_summary(samples.SUMMARY, page))
    assert "Would change 2 files, +33 -30 lines" in text
    assert "do it with --write" in text


def test_a_run_that_wrote_says_how_to_go_back() -> None:
    written = msgspec.structs.replace(samples.SUMMARY, mode="write", written=True)
    text = text_of(lambda page: render_summary(written, page))
    assert "Changed 2 files" in text
    assert "migrate-async undo" in text
    assert "--write" not in text


def test_a_run_without_changes_says_what_was_read() -> None:
    idle = msgspec.structs.replace(samples.SUMMARY, changed=(), kept=(), diagnostics=(), counts={})
    assert text_of(lambda page: render_summary(idle, page)) == "Nothing to change: 7 files read\n"


def test_a_bug_of_ours_is_called_one() -> None:
    bug = Diagnostic(path="app/api.py", code="MA901", message="output does not parse")
    broken = msgspec.structs.replace(samples.SUMMARY, diagnostics=(bug,))
    text = text_of(lambda page: render_summary(broken, page))
    assert "bug in migrate-async" in text


def test_long_lists_are_cut_unless_verbose() -> None:
    many = tuple(ChangedFile(path=f"app/f{n}.py", added=1, removed=1) for n in range(50))
    long = msgspec.structs.replace(samples.SUMMARY, changed=many)
    short_text = text_of(lambda page: render_summary(long, page))
    assert f"... and {50 - SHORT_LIST} files more" in short_text
    assert "app/f49.py" not in short_text
    assert "app/f49.py" in text_of(lambda page: render_summary(long, page, verbose=True))


def test_graver_messages_come_first() -> None:
    found = [
        Diagnostic(path=f"{severity}.py", code="MA1", message="x", severity=severity)
        for severity in ("note", "warning", "error")
    ]
    text = text_of(lambda page: render_diagnostics(found, page))
    assert "3 messages: 1 error, 1 warning, 1 note" in text
    assert text.index("error.py") < text.index("warning.py") < text.index("note.py")


def test_a_kept_function_that_a_message_is_about_is_told_once() -> None:
    about = Diagnostic(
        path=samples.KEPT.path, line=samples.KEPT.line, code="MA201", message="stays"
    )
    told = msgspec.structs.replace(samples.SUMMARY, diagnostics=(about,))
    assert "1 function kept sync" in text_of(lambda page: render_summary(samples.SUMMARY, page))
    assert "kept sync" not in text_of(lambda page: render_summary(told, page))


def test_a_message_about_a_whole_file_has_no_line_number() -> None:
    found = Diagnostic(
        path="app/big.py", code="MA004", message="too large", next_step="Exclude it."
    )
    text = text_of(lambda page: render_diagnostics([found], page))
    assert text == (
        "\n1 message: 1 warning\n  app/big.py warning[MA004] too large\n      Exclude it.\n"
    )


def test_of_many_messages_each_code_is_shown_and_counted() -> None:
    """Two hundred functions that stay sync do not hide the one query that is left."""
    kept = [Diagnostic(path=f"a{n:03}.py", code="MA201", message="stays") for n in range(200)]
    rare = Diagnostic(path="z.py", code="MA103", message="left")
    broken = Diagnostic(path="y.py", code="MA001", message="syntax", severity="error")
    text = text_of(lambda page: render_diagnostics([*kept, rare, broken], page))
    assert "z.py warning[MA103] left" in text
    assert text.index("y.py error[MA001]") < text.index("a000.py")
    assert f"... and {202 - SHORT_LIST} messages more" in text
    assert "200 MA201, 1 MA001, 1 MA103" in text or "200 MA201, 1 MA103, 1 MA001" in text
    assert "200 MA201" not in text_of(lambda page: render_diagnostics([*kept], page, verbose=True))


def test_a_long_plan_is_cut_unless_verbose() -> None:
    decision = samples.PLAN.functions[0]
    many = [msgspec.structs.replace(decision, line=line) for line in range(1, LONG_LIST + 6)]
    long = msgspec.structs.replace(samples.PLAN, functions=tuple(many))
    text = text_of(lambda page: render_plan(long, page))
    assert "... and 5 functions more (--verbose lists all)" in text
    assert f"  {LONG_LIST + 5}  " in text_of(lambda page: render_plan(long, page, verbose=True))


def test_scan_says_where_to_go_on() -> None:
    text = text_of(lambda page: render_scan(samples.SCAN, page))
    assert "`migrate-async plan --next 1` what the first route takes" in text
    plain = msgspec.structs.replace(samples.SCAN, routes=())
    assert "`migrate-async plan` what to do" in text_of(lambda page: render_scan(plain, page))
