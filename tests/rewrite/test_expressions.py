"""Awaiting and replacing single expressions: parentheses where needed, and only there."""

from __future__ import annotations

import pytest

from migrate_async.errors import InternalError
from migrate_async.model.plan import (
    AwaitAttribute,
    AwaitCall,
    DropAwait,
    RenameAttribute,
    ReplaceExpression,
)
from support.rewriting import becomes, edit, unchanged

AWAIT = edit(AwaitCall)
HOIST = edit(AwaitCall, hoist="result")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("«f()»", "await f()"),
        ("x = «f()»", "x = await f()"),
        ("return «f()»", "return await f()"),
        ("g(«f()», k=1)", "g(await f(), k=1)"),
        ("g(k=«f()»)", "g(k=await f())"),
        ("g(*«f()», **«f()»)", "g(*await f(), **await f())"),
        ("[«f()», {«f()»: 1}]", "[await f(), {await f(): 1}]"),
        ("«f()» == 1", "await f() == 1"),
        ("1 < «f()»", "1 < await f()"),
        ("not «f()»", "not await f()"),
        ("x and «f()» or y", "x and await f() or y"),
        ("-«f()» + 1", "-await f() + 1"),
        ("2 ** «f()»", "2 ** await f()"),
        ("a if «f()» else «f()»", "a if await f() else await f()"),
        ("f'{«f()»}'", "f'{await f()}'"),
        ("d[«f()»]", "d[await f()]"),
        ("[x for x in «f()»]", "[x for x in await f()]"),
        ("[«f()» for x in y]", "[await f() for x in y]"),
        ("raise «f()»", "raise await f()"),
        ("assert «f()»", "assert await f()"),
        ("yield «f()»", "yield await f()"),
        ("if (y := «f()»): pass", "if (y := await f()): pass"),
        ("del d[«f()»]", "del d[await f()]"),
    ],
)
def test_await_without_parentheses(before: str, after: str) -> None:
    """`await` binds tighter than all operators but those that follow a primary."""
    becomes(_function(before), _function(after, "async "), *[AWAIT] * before.count("«"))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("«f()».x", "(await f()).x"),
        ("«f()»[0]", "(await f())[0]"),
        ("«f()»()", "(await f())()"),
        ("«f()» ** 2", "(await f()) ** 2"),
        ("(«f()»).x", "(await f()).x"),
        ("(  «f()» ).x", "(  await f() ).x"),
        ("g(«f()».x)", "g((await f()).x)"),
        ("await «f()»", "await (await f())"),
    ],
)
def test_await_with_parentheses(before: str, after: str) -> None:
    """Only an attribute, a subscript, a call, `**` or another `await` on top asks for them."""
    becomes(_function(before), _function(after, "async "), *[AWAIT] * before.count("«"))


def _function(line: str, prefix: str = "async ") -> str:
    return f"{prefix}def f():\n    {line}\n"


def test_awaited_already_is_left_alone() -> None:
    """A second run finds nothing to do."""
    unchanged("async def f():\n    «await g()»\n", AWAIT)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("x = «f()».y", "result = await f()\n    x = result.y"),
        ("return «f()».y().z", "result = await f()\n    return result.y().z"),
        ("«f()».y()", "result = await f()\n    result.y()"),
        ("x: int = «f()»[0]", "result = await f()\n    x: int = result[0]"),
        ("x += «f()».y", "result = await f()\n    x += result.y"),
        ("return g(a, k=«f()».y)", "result = await f()\n    return g(a, k=result.y)"),
        ("return [i for i in «f()».y]", "result = await f()\n    return [i for i in result.y]"),
        ("if «f()».y: pass", "result = await f()\n    if result.y: pass"),
        ("for i in «f()».y: pass", "result = await f()\n    for i in result.y: pass"),
        ("x = «f()».y == g()", "result = await f()\n    x = result.y == g()"),
    ],
)
def test_hoisted(before: str, after: str) -> None:
    """What is evaluated first, and once, may be awaited in a statement of its own."""
    becomes(_function(before), _function(after), HOIST)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("x = «f()»", "x = await f()"),
        ("return a or «f()».y", "return a or (await f()).y"),
        ("return 1 if a else «f()».y", "return 1 if a else (await f()).y"),
        ("return g(h(), «f()».y)", "return g(h(), (await f()).y)"),
        ("return g().h(«f()».y)", "return g().h((await f()).y)"),
        ("return [«f()».y for i in z]", "return [(await f()).y for i in z]"),
        ("return [j for i in z for j in «f()».y]", "return [j for i in z for j in (await f()).y]"),
        ("while «f()».y: pass", "while (await f()).y: pass"),
        ("a = 1; b = «f()».y", "a = 1; b = (await f()).y"),
        ("if a: return «f()».y", "if a: return (await f()).y"),
        ("with «f()».y: pass", "with (await f()).y: pass"),
        ("assert «f()».y", "assert (await f()).y"),
        ("self.n += «f()».y", "self.n += (await f()).y"),
        ("return a < b < «f()».y", "return a < b < (await f()).y"),
        ("return (yield «f()».y)", "return (yield (await f()).y)"),
    ],
)
def test_not_hoisted(before: str, after: str) -> None:
    """What may not be evaluated, more than once, or after something else stays in place."""
    becomes(_function(before), _function(after), HOIST)


def test_not_hoisted_out_of_an_elif() -> None:
    """The test of an `elif` is evaluated only when the tests before it failed."""
    becomes(
        """
        async def f():
            if a:
                pass
            elif «g()».x:
                pass
        """,
        """
        async def f():
            if a:
                pass
            elif (await g()).x:
                pass
        """,
        HOIST,
    )


def test_hoisted_statement_takes_the_comment_above() -> None:
    """The comment speaks of both lines; the one at the end of the line stays there."""
    becomes(
        """
        async def f():
            a = 1

            # why
            x = «g()».y  # what
        """,
        """
        async def f():
            a = 1

            # why
            result = await g()
            x = result.y  # what
        """,
        HOIST,
    )


def test_hoisted_chain_keeps_its_lines() -> None:
    """A chain broken between parentheses keeps a pair of its own."""
    becomes(
        """
        async def f():
            x = (
                «repository(db)
                .first()»
                .name
            )
        """,
        """
        async def f():
            result = (
                await repository(db)
                .first()
            )
            x = (
                result
                .name
            )
        """,
        HOIST,
    )


@pytest.mark.parametrize(
    ("before", "code", "after"),
    [
        ("x: «Session» = 1", "AsyncSession", "x: AsyncSession = 1"),
        ("x = «f(a)»", "g({}, 1)", "x = g(f(a), 1)"),
        ("x = («a + b») * 2", "c", "x = c * 2"),
        ("def f():\n    return(«a»)", "b", "def f():\n    return(b)"),
        ("x = «a» * 2", "{} + 1", "x = (a + 1) * 2"),
        ("x = «lambda: 1»", "f({})", "x = f(lambda: 1)"),
        ("x = «a or b»", "{}.c", "x = (a or b).c"),
        ("x = «(1, 2)»", "[{}]", "x = [(1, 2)]"),
        ("x = f«(i for i in y)»", "g", "x = f(g)"),
        ("x = «(i for i in y)»", "list({})", "x = list((i for i in y))"),
    ],
)
def test_replaced(before: str, code: str, after: str) -> None:
    """`{}` stands for what was there; precedence is kept by parentheses."""
    becomes(before + "\n", after + "\n", edit(ReplaceExpression, code=code))


def test_decorator_is_replaced() -> None:
    """A decorator is an expression before the span of its function."""
    becomes(
        "@«app.on_event('x')»\nclass A: ...\n",
        "@app.get\nclass A: ...\n",
        edit(ReplaceExpression, code="app.get"),
    )


def test_annotation_and_await_in_one_function() -> None:
    """Edits of several codemods are made in one pass."""
    becomes(
        "async def f(db: «Session») -> «int»:\n    return «db.count()».n\n",
        "async def f(db: AsyncSession) -> str:\n"
        "    result = await db.count()\n    return result.n\n",
        edit(ReplaceExpression, code="AsyncSession"),
        edit(ReplaceExpression, code="str"),
        HOIST,
    )


def test_attribute_is_awaited() -> None:
    """A lazy relationship is read through `awaitable_attrs`."""
    becomes(
        "async def f():\n    return [x for x in «order.items»]\n",
        "async def f():\n    return [x for x in await order.awaitable_attrs.items]\n",
        edit(AwaitAttribute),
    )


def test_long_line_is_broken_at_the_call() -> None:
    """An `await` that makes a line too long moves the arguments to lines of their own."""
    name = "a" * 70
    becomes(
        f"async def f():\n    return «g({name}, b)»\n",
        f"async def f():\n    return await g(\n        {name}, b\n    )\n",
        AWAIT,
    )


def test_edit_at_a_wrong_place_is_refused() -> None:
    """A plan that does not fit the text is an internal error, never a guess."""
    with pytest.raises(InternalError, match="AwaitCall"):
        becomes("x = «f(»)\n", "", AWAIT)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "return [name.value for name in «g({a})»]",
            "return [\n        name.value for name in await g({a})\n    ]",
        ),
        (
            "x = {{k: v for k, v in «g({a})» if k > 1 for z in y}}",
            "x = {{\n        k: v for k, v in await g({a}) if k > 1 for z in y\n    }}",
        ),
        (
            "assert «g({a})».value == {{1: 1}}",
            "assert (\n        await g({a})\n    ).value == {{1: 1}}",
        ),
        ("return not «g({a}, 1)»", "return not await g(\n        {a}, 1\n    )"),
    ],
)
def test_long_line_without_a_call_outside(before: str, after: str) -> None:
    """Comprehensions break between their brackets, operations in their operands."""
    name = "a" * (86 - len(_function(before.format(a="")).split("\n")[1]))
    becomes(_function(before.format(a=name)), _function(after.format(a=name)), AWAIT)


def test_parts_of_a_long_comprehension() -> None:
    """Each clause gets a line when one is not enough."""
    name = "a" * 45
    becomes(
        f"async def f():\n    xs = [k.value + 1 for k in «g({name})»]\n",
        f"async def f():\n    xs = [k.value + 1 for k in await g({name})]\n",
        AWAIT,
    )
    becomes(
        f"async def f():\n    x = [k(1) for k in «g({name})» if k in (1, 2)]\n",
        "async def f():\n    x = [\n        k(1)\n"
        f"        for k in await g(await_the({name}))\n        if k in (1, 2)\n    ]\n",
        edit(ReplaceExpression, code=f"await g(await_the({name}))"),
    )


def test_no_line_break_in_an_f_string() -> None:
    """However long it gets: before Python 3.12 that would not be valid."""
    text = "a" * 60
    becomes(
        f"async def f():\n    x = [\n        f'{text} {{«g(1)»}}',\n    ]\n",
        f"async def f():\n    x = [\n        f'{text} {{await g(1, abcdefghijk)}}',\n    ]\n",
        edit(ReplaceExpression, code="await g(1, abcdefghijk)"),
    )


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("«a.b»()", "a.new()"),
        ("«f(  x ).b»(1)", "f(  x ).new(1)"),
        ("(\n    a  # c\n    .b()\n)", "(\n    a  # c\n    .b()\n)"),
        ("(\n    «a  # c\n    .b»()\n)", "(\n    a  # c\n    .new()\n)"),
    ],
)
def test_rename_attribute(before: str, after: str) -> None:
    """The name changes, and nothing of the expression before it."""
    edits = [edit(RenameAttribute, name="new")] * before.count("«")
    becomes(f"x = {before}\n", f"x = {after}\n", *edits)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("x = «await f(a)»", "x = f(a)"),
        ("x = («await f(a)»).y", "x = (f(a)).y"),
        ("x = «await f(  # why\n        a,\n    )»", "x = f(  # why\n        a,\n    )"),
        ("x = «await (f(a))»", "x = (f(a))"),
    ],
)
def test_what_was_awaited_stands_alone(before: str, after: str) -> None:
    head = "async def g():\n    "
    becomes(f"{head}{before}\n", f"{head}{after}\n", edit(DropAwait))
