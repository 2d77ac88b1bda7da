"""Lines that got too long are broken as a formatter would break them."""

from __future__ import annotations

import ast

import libcst as cst
import pytest

from migrate_async.model.plan import AwaitCall, MakeAsync, ReplaceExpression
from migrate_async.rewrite.fitting import Fitter
from migrate_async.rewrite.fragments import code_of, parse_expression
from migrate_async.rewrite.islands import line_limit
from migrate_async.rewrite.lines import Style
from support.rewriting import becomes, edit, run, span_of, unmarked

NARROW = Fitter(Style(limit=30), block=0)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("f(aaaaaaaaaa, bbbbbbbbbb, cc)", "f(\n    aaaaaaaaaa, bbbbbbbbbb, cc\n)"),
        (
            "f(aaaaaaaaaa, bbbbbbbbbb, ccccccc)",
            "f(\n    aaaaaaaaaa,\n    bbbbbbbbbb,\n    ccccccc,\n)",
        ),
        (
            "f(aaaaaaaaaa, k=g(bbbbbbbbbb, ccccccccc), **d)",
            "f(\n    aaaaaaaaaa,\n    k=g(\n        bbbbbbbbbb, ccccccccc\n    ),\n    **d,\n)",
        ),
        ("f(*aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa)", "f(\n    *aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n)"),
        ("f(k=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa)", "f(\n    k=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n)"),
        (
            "f(select(aaaaaaaa).where(bbbbbb).limit(1))",
            "f(\n    select(aaaaaaaa)\n    .where(bbbbbb)\n    .limit(1)\n)",
        ),
        (
            "f(sa.select(aaaaaaaa).where(bbbbbbbbbb), 1)",
            "f(\n    sa.select(aaaaaaaa)\n    .where(bbbbbbbbbb),\n    1,\n)",
        ),
        ("f(aaaaaaaaaa).attribute.more_of_it", "f(\n    aaaaaaaaaa\n).attribute.more_of_it"),
        ("f(aaaaaaaaaaaaaaa).all()[0].b().c", "f(\n    aaaaaaaaaaaaaaa\n).all()[0].b().c"),
        (
            "(await f(aaaaaaaaaaaaaaaaa)).all()[0]",
            "(\n    await f(aaaaaaaaaaaaaaaaa)\n).all()[0]",
        ),
        ("await f(aaaaaaaaaaaaaaaaaaaaaaaaa)", "await f(\n    aaaaaaaaaaaaaaaaaaaaaaaaa\n)"),
        ("a and f(bbbbbbbbbbbbbbbbbbbbbbbbbbb)", "a and f(\n    bbbbbbbbbbbbbbbbbbbbbbbbbbb\n)"),
        ("f(bbbbbbbbbbbbbbbbbbbbbbbbb) or a", "f(\n    bbbbbbbbbbbbbbbbbbbbbbbbb\n) or a"),
        ("f(bbbbbbbbbbbbbbbbbbbbbbbbb) + 1", "f(\n    bbbbbbbbbbbbbbbbbbbbbbbbb\n) + 1"),
        ("-f(bbbbbbbbbbbbbbbbbbbbbbbbbbbbb)", "-f(\n    bbbbbbbbbbbbbbbbbbbbbbbbbbbbb\n)"),
        ("f(bbbbbbbbbbbbbbbbbb) if a else b", "f(\n    bbbbbbbbbbbbbbbbbb\n) if a else b"),
        ("{f(aaaaaaaaaa) for b in ccc}", "{\n    f(aaaaaaaaaa) for b in ccc\n}"),
    ],
)
def test_broken(code: str, expected: str) -> None:
    """At the outermost bracket; if that is not enough, inside it as well."""
    result = code_of(NARROW.expression(parse_expression(code), ""))
    assert result == expected
    assert ast.dump(ast.parse(result)) == ast.dump(ast.parse(code))


@pytest.mark.parametrize(
    "code",
    [
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "aaaaaaaaaaaaaaaaaaaaaa.bbbbbbbbbbbbbbbbbbbbbb[0].c",
        "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'",
        "f().aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa()",
        "f(\n  aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa)",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaa or bbbbbbbbbbbb",
    ],
)
def test_left_alone(code: str) -> None:
    """Without a bracket to break at, or broken already."""
    expression = parse_expression(code)
    assert code_of(NARROW.expression(expression, "")) == code


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        ("def f(a, b): ...", "def f(a, b): ..."),
        ("def f(aaaaaaa, bbbbbbb, cccccc): ...", "def f(\n    aaaaaaa, bbbbbbb, cccccc\n): ..."),
        (
            "def f(a, /, *args: int, kk: int = 1, **kw): ...",
            "def f(\n    a,\n    /,\n    *args: int,\n    kk: int = 1,\n    **kw,\n): ...",
        ),
        (
            "def f(aaaaaaaaa, bbbbbbbbb, *, cccccccc): ...",
            "def f(\n    aaaaaaaaa,\n    bbbbbbbbb,\n    *,\n    cccccccc,\n): ...",
        ),
        (
            "def f(aaaaaaaaaaaaaa, *bbbbbbbbbbbbbbbbb): ...",
            "def f(\n    aaaaaaaaaaaaaa,\n    *bbbbbbbbbbbbbbbbb,\n): ...",
        ),
        (
            "def f(aaaaaaaaaaaaa, b, /) -> int: ...",
            "def f(\n    aaaaaaaaaaaaa, b, /\n) -> int: ...",
        ),
        ("def f() -> aaaaaaaaaaaaaaaaaaaaaaaaa: ...", "def f() -> aaaaaaaaaaaaaaaaaaaaaaaaa: ..."),
    ],
)
def test_parameters(head: str, expected: str) -> None:
    """On one line between the parentheses, or each on its own."""
    function = cst.ensure_type(cst.parse_module(head + "\n").body[0], cst.FunctionDef)
    result = code_of(NARROW.parameters(function)).rstrip("\n")
    assert result == expected
    ast.parse(result)


def test_heads_of_blocks() -> None:
    """`if`, `while` and `for` break inside their brackets."""
    name = "a" * 66
    for word in ("if x or {}:", "while {}:", "for b in x or {}:"):
        before = f"async def f():\n    {word.format(f'«g({name})»')}\n        pass\n"
        call = f"await g(\n        {name}, b=1, c=2\n    )"
        after = f"async def f():\n    {word.format(call)}\n        pass\n"
        becomes(before, after, edit(ReplaceExpression, code=f"await g({name}, b=1, c=2)"))


def test_indentation_of_the_file_is_used() -> None:
    """Two spaces, or a tab, where the file has them."""
    name = "a" * 74
    for unit in ("  ", "\t"):
        becomes(
            f"async def f():\n{unit}x = «g({name})»\n",
            f"async def f():\n{unit}x = await g(\n{unit * 2}{name}\n{unit})\n",
            edit(AwaitCall),
        )


def test_async_head_of_a_nested_function() -> None:
    """Lines are relative to the block; the name makes the head 86 columns long."""
    name = "n" * 46
    becomes(
        f"class A:\n    «def» {name}(self, first: int, second: str):\n        pass\n",
        f"class A:\n    async def {name}(\n        self, first: int, second: str\n    ):\n"
        "        pass\n",
        edit(MakeAsync),
    )


@pytest.mark.parametrize(
    ("lengths", "limit"),
    [
        ([80] * 50 + [95] * 2, 100),
        ([80] * 999 + [95] * 3, 88),
        ([80] * 50 + [120] * 9, 88),
        ([], 88),
    ],
)
def test_a_few_long_lines_are_no_style(lengths: list[int], limit: int) -> None:
    """One that could not be broken would else let later runs leave lines longer elsewhere."""
    assert line_limit(["\n".join("x" * length for length in lengths)]) == limit


@pytest.mark.parametrize(
    "line",
    [
        "    result = await db.execute(select(User))",
        "SyncSessionLocal = sessionmaker(bind=sync_engine)",
        "    users = db.query(User).all()",
        "async def read_users(service: Service):",
    ],
)
def test_what_is_migrated_is_no_style(line: str) -> None:
    """Each run finds more lines that runs before it have written, and fewer of the authors'."""
    few, many = "x = 1\n" * 100, f"{line}  # {'x' * (90 - len(line))}\n" * 5
    assert line_limit([few + many]) == 88
    authors = f"y = {'x' * 90}\n"
    assert line_limit([few + authors]) == line_limit([few + authors + many * 100]) == 100


BROKEN = """\
x = find_by_all_names(
    first_of_the_names, «second_of_the_names», third_of_the_names, fourth_of_all_names
)
"""
LISTED = """\
x = find_by_all_names(
    first_of_the_names,
    «second_of_the_names»,
    third_of_the_names,
    fourth_of_the_names,
    fifth_of_them,
)
"""


@pytest.mark.parametrize(
    ("before", "name", "after"),
    [
        # What was broken for its length alone gets the lines that its new length asks for.
        (BROKEN, "b", "x = find_by_all_names(first_of_the_names, b, third_of_the_names, "),
        (LISTED, "b", "    first_of_the_names, b, third_of_the_names, fourth_of_the_names, "),
        (BROKEN, "second_of_the_names_and_more", "    first_of_the_names,\n    second_of"),
        (BROKEN.replace("x = ", "assert "), "b", "assert find_by_all_names(first_of_the_names, b"),
        (
            BROKEN.replace("x = ", "if ").replace("\n)\n", "\n):\n    pass\n"),
            "b",
            "if find_by_all_names(first_of_the_names, b, third_of_the_names, fourth_of_all_names):",
        ),
        # What somebody wanted otherwise stays.
        ("x = find(\n    first, «second»\n)\n", "b", "x = find(\n    first, b\n)\n"),
        ("x = find(\n    first,\n    «second»,\n)\n", "b", "x = find(\n    first,\n    b,\n)"),
        (BROKEN.replace("(\n", "(  # all\n"), "b", "x = find_by_all_names(  # all\n    first"),
        (BROKEN.replace("    first", "        first"), "b", "(\n        first_of_the_names, b"),
    ],
)
def test_lines_for_the_length_alone(before: str, name: str, after: str) -> None:
    source, (span, *_) = unmarked(before)
    replace = ReplaceExpression(span=span, codemod="test", code=name)
    assert after in run(source, [replace])


def test_one_run_lays_lines_out_as_two() -> None:
    """Each makes the statement longer; the first alone leaves room on the line."""
    source, spans = unmarked(BROKEN.replace("third_of_the_names", "«third_of_the_names»"))
    longer = [ReplaceExpression(span=span, codemod="test", code="f({})") for span in spans]
    at_once = run(source, longer)
    first = run(source, longer[:1])
    span = span_of(first, "third_of_the_names")
    again = ReplaceExpression(span=span, codemod="test", code="f({})")
    assert run(first, [again]) == at_once
