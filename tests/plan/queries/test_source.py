"""Text of syntax nodes: what it says is what the source said."""

from __future__ import annotations

import ast

import pytest

from migrate_async.index.extract import extract
from migrate_async.model import syntax as s
from migrate_async.plan.queries.source import is_plain, is_pure, text


def _expression(source: str) -> s.Expr:
    statement = extract(source).body[0]
    assert isinstance(statement, s.ExpressionStatement)
    return statement.value


@pytest.mark.parametrize(
    "source",
    [
        "db",
        "self.db",
        "request.state.db",
        "get_session()",
        "Container.resolve('db_session')",
        "f(a, *b, c=1, **d)",
        "items[0]",
        "items[1:2:3]",
        "items[a, b]",
        "(a, b)",
        "(a,)",
        "[a, b]",
        "{a: 1, **b}",
        "a == 'x'",
        "a and (b or c)",
        "not a",
        "-a + b * c",
        "a if b else c",
        "(a := b)",
        "'it\\'s'",
        "True",
        "None",
        "1.5",
    ],
)
def test_text_parses_to_the_same(source: str) -> None:
    written = text(_expression(source))
    assert ast.dump(ast.parse(written)) == ast.dump(ast.parse(source))


@pytest.mark.parametrize(("source", "plain"), [("a.b.c", True), ("a().b", False), ("a[0]", False)])
def test_plain_names(source: str, plain: bool) -> None:
    assert is_plain(_expression(source)) is plain


@pytest.mark.parametrize(
    ("source", "pure"), [("a + b[0].c", True), ("a + f()", False), ("(a := 1)", False)]
)
def test_what_can_be_evaluated_twice(source: str, pure: bool) -> None:
    assert is_pure(_expression(source)) is pure
