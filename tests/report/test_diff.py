"""A patch in colour has the same text; a shortened one says what is missing."""

from __future__ import annotations

from migrate_async.report.diff import coloured, shortened

PATCH = """\
diff --git a/app/api.py b/app/api.py
--- a/app/api.py
+++ b/app/api.py
@@ -1,3 +1,3 @@
--- a comment that was removed
+++ a comment that was added
 unchanged
\\ No newline at end of file
diff --git a/app/crud.py b/app/crud.py
--- a/app/crud.py
"""


def test_colour_leaves_the_text_alone() -> None:
    assert "\n".join(line.plain for line in coloured(PATCH)) == PATCH


def test_headers_and_hunk_lines_are_told_apart() -> None:
    """A removed line that starts with `--` looks like a header only outside of a hunk."""
    styles = [str(line.style) for line in coloured(PATCH)]
    headers = ["bold", "bold", "bold", "cyan"]
    assert styles == [*headers, "red", "green", "", "dim", "bold", "bold", ""]


def test_control_characters_of_the_source_do_not_reach_the_terminal() -> None:
    lines = [line.plain for line in coloured("@@ -1 +1 @@\n-a\r\n+\x07b\r\n")]
    assert lines == ["@@ -1 +1 @@", "-a", "+b", ""]


def test_a_short_patch_is_not_cut() -> None:
    assert shortened(PATCH, 10) == PATCH


def test_a_long_patch_says_how_much_is_missing() -> None:
    assert shortened(PATCH, 4) == "".join(PATCH.splitlines(keepends=True)[:4]) + (
        "... 6 more lines\n"
    )
