"""Text to syntax values."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec
import pytest

from migrate_async.errors import SourceError
from migrate_async.index.extract import extract, tool_comments
from migrate_async.model import syntax as s


def only(text: str) -> s.Stmt:
    (stmt,) = extract(text).body
    return stmt


def test_columns_count_characters() -> None:
    stmt = only("x = ('äöü', y)")
    assert isinstance(stmt, s.Assign)
    assert isinstance(stmt.value, s.Sequence)
    assert stmt.value.items[1].span == (1, 12, 1, 13)


def test_lines_end_where_python_ends_them() -> None:
    body = extract("a = 'ä\x0cä'\r\nb = 'ö'; c\r\n").body
    assert [stmt.span for stmt in body] == [(1, 0, 1, 9), (2, 0, 2, 7), (2, 9, 2, 10)]


@pytest.mark.parametrize("text", ["def f(:", "x = (", "print 'a'", "\0", "def f():\nreturn 1"])
def test_what_python_cannot_parse_is_a_source_error(text: str) -> None:
    with pytest.raises(SourceError) as caught:
        extract(text)
    assert caught.value.code == "MA001"


def test_nesting_that_is_too_deep_is_a_source_error() -> None:
    with pytest.raises(SourceError):
        extract("x = " + "-" * 20_000 + "1")


def test_parameters_keep_kind_annotation_and_default() -> None:
    stmt = only("def f(a, /, b: int, c=1, *d, e, g=2, **h): ...")
    assert isinstance(stmt, s.FunctionDef)
    found = [(p.name, p.kind, p.annotation is not None, p.default is not None) for p in stmt.params]
    assert found == [
        ("a", "positional-only", False, False),
        ("b", "positional", True, False),
        ("c", "positional", False, True),
        ("d", "*", False, False),
        ("e", "keyword-only", False, False),
        ("g", "keyword-only", False, True),
        ("h", "**", False, False),
    ]


def test_patterns_give_their_names_and_values() -> None:
    text = "match x:\n    case {'k': v, **rest} | [v, *rest] if v: pass\n    case A.B as c: pass"
    stmt = only(text)
    assert isinstance(stmt, s.Match)
    first, second = stmt.cases
    assert set(first.names) == {"v", "rest"}
    assert first.guard is not None
    assert second.names == ("c",)
    assert [s.dotted_name(value) for value in second.values] == ["A.B"]


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("1", "int", 1),
        (str(2**70), "int", str(2**70)),
        ("True", "bool", 1),
        ("None", "None", "None"),
        ("...", "ellipsis", "Ellipsis"),
        ("'a' 'b'", "str", "ab"),
        ("b'x'", "bytes", "b'x'"),
        ("1.5", "float", "1.5"),
    ],
)
def test_constants(text: str, kind: str, value: str | int) -> None:
    stmt = only(text)
    assert isinstance(stmt, s.ExpressionStatement)
    assert isinstance(stmt.value, s.Constant)
    assert (stmt.value.kind, stmt.value.value) == (kind, value)


def test_values_survive_msgpack() -> None:
    module = extract(Path(__file__).read_text(encoding="utf-8"))
    again = msgspec.msgpack.decode(msgspec.msgpack.encode(module), type=s.ModuleSyntax)
    ours = [node for stmt in module.body for node in s.walk(stmt)]
    theirs = [node for stmt in again.body for node in s.walk(stmt)]
    assert [type(node) for node in ours] == [type(node) for node in theirs]
    assert repr(again.body) == repr(module.body)


def test_comments_for_this_tool_are_kept() -> None:
    text = "x = 1  # noqa: E501\ny = '# noqa'\n# Migrate-Async: skip\n# other\n"
    found = [(comment.span, comment.text) for comment in tool_comments(text)]
    assert found == [((1, 7, 1, 19), "# noqa: E501"), ((3, 0, 3, 21), "# Migrate-Async: skip")]


@pytest.mark.skipif(sys.version_info < (3, 12), reason="PEP 695 syntax is new in Python 3.12")
def test_type_parameters() -> None:
    stmt = only("class A[T, *Ts](B[T]): ...")
    assert isinstance(stmt, s.ClassDef)
    assert stmt.type_params == ("T", "Ts")


@pytest.mark.skipif(sys.version_info < (3, 11), reason="`except*` is new in Python 3.11")
def test_exception_groups() -> None:
    stmt = only("try: f()\nexcept* E as e: ...")
    assert isinstance(stmt, s.Try)
    assert stmt.is_star
    assert stmt.handlers[0].name == "e"


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_comments_are_found_with_every_line_end(newline: str) -> None:
    """Columns count characters; the line end is no part of the comment."""
    text = newline.join(["x = 'ñ'  # noqa: MA601", "y = 1", "z = 1  # noqa", ""])
    module = extract(text)
    assert [(c.line, c.col, c.text) for c in module.suppressions] == [
        (1, 9, "# noqa: MA601"),
        (3, 7, "# noqa"),
    ]


def test_text_that_cannot_be_cut_into_tokens_keeps_the_comments_before() -> None:
    assert [c.line for c in tool_comments("x = 1  # noqa\ny = (\n")] == [1]
