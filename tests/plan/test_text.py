"""Text of syntax nodes: what it says is what the source said."""

from __future__ import annotations

import ast

import pytest

from migrate_async.index.extract import extract
from migrate_async.model import syntax as s
from migrate_async.plan.text import is_plain, is_pure, same, source, text


def _expression(code: str) -> s.Expr:
    statement = extract(code).body[0]
    assert isinstance(statement, s.ExpressionStatement)
    return statement.value


@pytest.mark.parametrize(
    "code",
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
        "items[a,]",
        "items[()]",
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
def test_text_parses_to_the_same(code: str) -> None:
    written = text(_expression(code))
    assert ast.dump(ast.parse(written)) == ast.dump(ast.parse(code))


@pytest.mark.parametrize(
    "code", ["a.b(c, *d, e='f', **g)[0]", "[a, (b,), {c}]", "{a: 1}", "x[...]"]
)
def test_simple_expressions_have_a_source(code: str) -> None:
    assert ast.dump(ast.parse(source(_expression(code)))) == ast.dump(ast.parse(code))


@pytest.mark.parametrize("code", ["a + b", "f(lambda: 1)", "[*a]", "{**a}", "a[1:]", "f(await b)"])
def test_what_is_not_simple_has_none(code: str) -> None:
    with pytest.raises(ValueError, match="no source text for"):
        source(_expression(code))
    assert not same(_expression(code), _expression(code))


def test_quotes_and_layout_make_no_difference() -> None:
    assert same(_expression("f( 'a' )"), _expression('f("a")'))


@pytest.mark.parametrize(("code", "plain"), [("a.b.c", True), ("a().b", False), ("a[0]", False)])
def test_plain_names(code: str, plain: bool) -> None:
    assert is_plain(_expression(code)) is plain


@pytest.mark.parametrize(
    ("code", "pure"), [("a + b[0].c", True), ("a + f()", False), ("(a := 1)", False)]
)
def test_what_can_be_evaluated_twice(code: str, pure: bool) -> None:
    assert is_pure(_expression(code)) is pure
