"""Encodings by PEP 263, line ends, byte order marks, and files that cannot be read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from migrate_async.errors import SourceError
from migrate_async.source.read import decode, digest_of, read


def code_of(data: bytes) -> tuple[str, int]:
    with pytest.raises(SourceError) as caught:
        decode(data, "a.py")
    assert str(caught.value)
    return caught.value.code, caught.value.line


@pytest.mark.parametrize(
    ("data", "text", "encoding", "bom"),
    [
        (b"", "", "utf-8", False),
        (b"x = 1", "x = 1", "utf-8", False),
        ("ñ = 1\n".encode(), "ñ = 1\n", "utf-8", False),
        (b"\xef\xbb\xbfx\n", "x\n", "utf-8", True),
        (b"\xef\xbb\xbf# coding: utf-8\nx\n", "# coding: utf-8\nx\n", "utf-8", True),
        (
            b"# -*- coding: latin-1 -*-\n'\xe9'\n",
            "# -*- coding: latin-1 -*-\n'é'\n",
            "iso-8859-1",
            0,
        ),
        (b"#!python\n# vim: set fileencoding=cp1252 :\n'\x80'", None, "cp1252", False),
        (b"# coding: ascii\nx\n", "# coding: ascii\nx\n", "ascii", False),
        (b"x = '\x0c'\n\x0c\n", "x = '\x0c'\n\x0c\n", "utf-8", False),
    ],
)
def test_decoded(data: bytes, text: str | None, encoding: str, bom: bool) -> None:
    """And encoded again to the same bytes."""
    source = decode(data, "a.py")
    assert text is None or source.text == text
    assert (source.encoding, source.bom) == (encoding, bom)
    assert source.encode(source.text) == data
    assert source.digest == digest_of(data)


@pytest.mark.parametrize(
    ("data", "code", "line"),
    [
        (b"x = 1\ny = '\xe9'\n", "MA002", 2),
        (b"# coding: nonsense\n", "MA002", 1),
        (b"# coding: ascii\n\n'\xe9'\n", "MA002", 3),
        (b"\xef\xbb\xbf# coding: latin-1\n", "MA002", 1),
        ("x = 1".encode("utf-16"), "MA002", 0),
        (b"# coding: utf-7\nx = '+AGEAYg-'\n", "MA002", 0),
        (b"x = 1\ny = '\0'\n", "MA003", 2),
    ],
)
def test_undecodable(data: bytes, code: str, line: int) -> None:
    """Each with its code and the line where one is to blame."""
    assert code_of(data) == (code, line)


@pytest.mark.parametrize(
    ("text", "newline"),
    [
        ("", "\n"),
        ("x", "\n"),
        ("x\n", "\n"),
        ("x\r\ny\r\n", "\r\n"),
        ("x\ry\r", "\r"),
        ("x\r\ny\r\nz\n", "\r\n"),
        ("x\ny\nz\r\n", "\n"),
    ],
)
def test_line_ends(text: str, newline: str) -> None:
    """The most frequent one; the text keeps them all."""
    source = decode(text.encode(), "a.py")
    assert source.newline == newline
    assert source.text == text


def test_new_text_that_the_encoding_lacks() -> None:
    """It cannot be written, so it is refused with the line."""
    source = decode(b"# coding: latin-1\nx\n", "a.py")
    with pytest.raises(SourceError) as caught:
        source.encode("# coding: latin-1\n\nx = '€'\n")
    assert (caught.value.code, caught.value.line) == ("MA002", 3)


def test_read(tmp_path: Path) -> None:
    """The path stays relative."""
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b.py").write_bytes(b"x\n")
    source = read(tmp_path, "a/b.py")
    assert (source.path, source.data) == ("a/b.py", b"x\n")


@pytest.mark.parametrize(("size", "fits"), [(10, True), (11, False)])
def test_size_limit(tmp_path: Path, size: int, fits: bool) -> None:
    """The limit itself is allowed; no more than one byte beyond it is read."""
    (tmp_path / "a.py").write_bytes(b"#" * size)
    if fits:
        assert read(tmp_path, "a.py", max_size=10).data == b"#" * size
        return
    with pytest.raises(SourceError) as caught:
        read(tmp_path, "a.py", max_size=10)
    assert caught.value.code == "MA004"


def test_unreadable(tmp_path: Path) -> None:
    """Missing, or a folder."""
    (tmp_path / "folder.py").mkdir()
    for name in ("missing.py", "folder.py"):
        with pytest.raises(SourceError) as caught:
            read(tmp_path, name)
        assert caught.value.code == "MA005"


def test_link_loop(tmp_path: Path) -> None:
    """A link to itself, and one to the folder that it is in."""
    (tmp_path / "self.py").symlink_to("self.py")
    (tmp_path / "up").symlink_to(tmp_path)
    for name in ("self.py", "up"):
        with pytest.raises(SourceError) as caught:
            read(tmp_path, name)
        assert caught.value.code == "MA006"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_forbidden(tmp_path: Path) -> None:
    """Without permission."""
    path = tmp_path / "a.py"
    path.touch(mode=0)
    with pytest.raises(SourceError) as caught:
        read(tmp_path, "a.py")
    assert caught.value.code == "MA005"
