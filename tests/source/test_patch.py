"""The patch is one that `git apply` takes, and gives exactly the new bytes."""

from __future__ import annotations

from pathlib import Path

import pytest

from migrate_async.model.change import FileChange
from migrate_async.source.patch import unified
from migrate_async.source.read import decode
from support.git import git, repository

LINES = [f"line {number}\n" for number in range(30)]


def test_nothing_changed_is_left_out() -> None:
    """No header without a hunk."""
    assert unified([FileChange("a.py", "x\n", "x\n")]) == ""


def test_text() -> None:
    """What a reader knows from git."""
    assert unified([FileChange("a b.py", "x\ny\n", "x\nz")]) == (
        "diff --git a/a b.py b/a b.py\n--- a/a b.py\t\n+++ b/a b.py\t\n"
        "@@ -1,2 +1,2 @@\n x\n-y\n+z\n"
        "\\ No newline at end of file\n"
    )


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"x\n", b"y\n"),
        (b"x", b"y"),
        (b"x\n", b"x"),
        (b"x", b"x\n"),
        (b"x\r\ny\r\n", b"x\r\nz\r\n"),
        (b"x\ry\r\nz\n", b"x\ry\r\nw\n"),
        (b"a\n\x0c\nb\n", b"a\n\x0c\nc\n"),
        (b"\xef\xbb\xbfx\ny\n", b"\xef\xbb\xbfx\nz\n"),
        (b"# coding: latin-1\n'\xe9'\nx\n", b"# coding: latin-1\n'\xe9'\ny\n"),
        ("'\u2028'\nx\n".encode(), "'\u2028'\ny\n".encode()),
        (b"x\n", b"x\ny\n"),
        (b"", b"x\n"),
        (b"x\n", b""),
        (
            "".join(LINES).encode(),
            "".join(["new\n", *LINES[:10], *LINES[12:], "end\n"]).encode(),
        ),
    ],
)
def test_git_applies_it(tmp_path: Path, before: bytes, after: bytes) -> None:
    """Byte for byte, whatever the encoding, the line ends and the end of the file."""
    name = "sub folder/ñ a.py"
    path = tmp_path / name
    path.parent.mkdir()
    path.write_bytes(before)
    repository(tmp_path)
    source = decode(before, name)
    new = decode(after, name)
    patch = unified([FileChange(name, source.text, new.text)], {name: source})
    git(tmp_path, "apply", "--whitespace=nowarn", stdin=patch.encode("utf-8", "surrogateescape"))
    assert (path.read_bytes() if path.exists() else b"") == after


def test_several_files_and_a_quoted_name(tmp_path: Path) -> None:
    """One patch for all of them."""
    names = ['a"b.py', "c\\d.py", "e.py"]
    for name in names:
        (tmp_path / name).write_text("x\n")
    repository(tmp_path)
    patch = unified([FileChange(name, "x\n", f"{name!r}\n") for name in names])
    git(tmp_path, "apply", stdin=patch.encode())
    assert [(tmp_path / name).read_text() for name in names] == [f"{name!r}\n" for name in names]
