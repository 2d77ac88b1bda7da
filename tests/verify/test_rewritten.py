"""Each check finds its mistake, and lets what is right pass."""

from __future__ import annotations

import pytest

from migrate_async.model.change import FileChange
from migrate_async.model.plan import AwaitCall, FilePlan, Plan, ReplaceStatement
from migrate_async.verify.rewritten import check, verify

EDIT = ReplaceStatement(span=(1, 0, 1, 1), codemod="test")


def codes(before: str, after: str, line: int = 1) -> list[str]:
    """The codes that `check` gives when the plan has an edit in `line`."""
    edit = AwaitCall(span=(line, 0, line, 1), codemod="test")
    file = FilePlan(path="a.py", digest="", edits=(edit,))
    return [diagnostic.code for diagnostic in check(file, before, after)]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("x = f()\n", "x = g(\n"),
        ("def f():\n    g()\n", "def f():\n    await g()\n"),
        ("x = g()\n", "x = await g()\n"),
        ("async def f():\n    g()\n", "async def f():\n    return lambda: await g()\n"),
        ("async def f():\n    yield 1\n", "async def f():\n    yield 1\n    return 1\n"),
        ("class A:\n    x = f()\n", "class A:\n    x = await f()\n"),
        ("x = 1\n", "x = '\0'\n"),
    ],
)
def test_does_not_compile(before: str, after: str) -> None:
    """An `await` outside an `async def` is found by compiling; nothing is executed."""
    assert codes(before, after) == ["MA902"]


@pytest.mark.parametrize(
    ("before", "after", "line"),
    [
        ("a()\nb()\n", "c()\nd()\n", 1),
        ("a()\nb()\n", "c()\n", 1),
        ("a()\nb()\nc()\n", "x()\nc()\nb()\n", 1),
        ("class A:\n    x = f(1)\n    y = 2\n", "class A:\n    x = 1\n    y = 3\n", 2),
        ("a()\nb('''\n  x''')\n", "c()\nb('''\n x''')\n", 1),
        ("@d\ndef f(): pass\nx()\n", "def f(): pass\nx\n", 3),
    ],
)
def test_untouched_statement_changed(before: str, after: str, line: int) -> None:
    """Reordered, lost or altered."""
    builtin = {"a": "print", "b": "len", "c": "abs", "d": "max", "x": "min", "f": "sum"}
    defined = "".join(f"{name} = {value}\n" for name, value in builtin.items())
    found = codes(defined + before, defined + after, line + len(builtin))
    assert "MA903" in found


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("db = 1\ndef f(): return db\n", "def f(): return db\n"),
        ("def f():\n    db = 1\n    return db\n", "def f():\n    return db\n"),
        ("from a import S\nx: S\n", "x: S\n"),
        ("from a import S\nx: 'S'\n", "x: 'S'\n"),
        ("def f(db): return db\n", "def f(): return db\n"),
        ("x = 1\n", "x = select(1)\n"),
    ],
)
def test_name_lost(before: str, after: str) -> None:
    """A name that was defined, or that is new, has to be defined."""
    found = codes(before, after)
    assert "MA904" in found


def test_name_message_says_which() -> None:
    """And where."""
    file = FilePlan(path="a.py", digest="", edits=(EDIT,))
    (found,) = check(file, "x = 1\n", "y = 1\nx = select(1)\n")
    assert found.line == 2
    assert "'select'" in found.message


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("x = 1\n", "from sqlalchemy import select\nx = 1\n"),
        ("x = 1\n", "import asyncio\nx = 1\n"),
        ("from a import b\nb\n", "from a import b, c\nb\n"),
    ],
)
def test_unused_import_added(before: str, after: str) -> None:
    """What we import has to be used."""
    assert codes(before, after) == ["MA905"]


@pytest.mark.parametrize(
    "expression",
    ["any(await g(x) for x in y)", "list(x for x in y if await g(x))", "(x async for x in y)"],
)
def test_generator_expression_that_awaits(expression: str) -> None:
    """It is an async generator, which `any()` and `list()` do not take."""
    expected = [] if "async for" in expression else ["MA906"]
    before = "async def f(g, y):\n    return 1\n"
    assert codes(before, f"async def f(g, y):\n    return {expression}\n") == expected


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("def f(db):\n    db.x()\n", "async def f(db):\n    await db.x()\n"),
        ("async def f(y):\n    y\n", "async def f(y):\n    [i for i in await y()]\n"),
        ("len(1)\n", "from sqlalchemy import select\nlen(select)\n"),
        ("from a import *\nx = y\n", "from a import *\nx = z\n"),
        ("y\nx = 1\n", "y\nx = 2\n"),
        ("def f():\n    from a import b\n    return 1\nz = 1\n", "def f():\n    return 1\nz = 1\n"),
        ("x = 1\r\ny = 2\r\n", "x = 3\r\ny = 2\r\n"),
        ("x = 1\ny = 2", "x = 3\ny = 2"),
        ("import a, b\na\nb\n", "import b\na = 1\na\nb\n"),
        ("class A:\n    x = 1\n    y = 2\n", "class A:\n    x = 1\n    y = 2\n"),
        ("def f():\n    global g\n    g = 1\ng\n", "async def f():\n    global g\n    g = 1\ng\n"),
    ],
)
def test_right_is_left_alone(before: str, after: str) -> None:
    """No false alarm; the edit is in the line of `x = ` or, without one, in the first."""
    start = before.find("x = ")
    assert codes(before, after, before.count("\n", 0, max(start, 0)) + 1) == []


def test_failing_file_comes_back_as_it_was() -> None:
    """With its diagnostics; the others pass."""
    file = FilePlan(path="a.py", digest="", edits=(EDIT,))
    other = FilePlan(path="b.py", digest="", edits=(EDIT,))
    bad = FileChange("a.py", "x = 1\n", "x = (\n", ("test",))
    good = FileChange("b.py", "x = 1\n", "x = 2\n", ("test",))
    left, passed = verify(Plan(step="all", files=(file, other)), [bad, good])
    assert left.after == "x = 1\n"
    assert left.codemods == ()
    assert [diagnostic.code for diagnostic in left.diagnostics] == ["MA902"]
    assert left.diagnostics[0].severity == "error"
    assert passed is good


def test_unchanged_file_is_not_checked() -> None:
    """A file that could not be read as Python may be in a plan without edits."""
    change = FileChange("a.py", "x = (", "x = (")
    assert verify(Plan(step="all", files=(FilePlan(path="a.py", digest=""),)), [change]) == [change]


def test_an_unused_name_may_be_imported_from_elsewhere() -> None:
    """It is there for others to import, as it was before."""
    before, after = "from old import name as n\n", "from new import name as n\n"
    edit = ReplaceStatement(span=(1, 0, 1, 25), codemod="x", code=after.strip())
    assert check(FilePlan("a.py", "", (edit,)), before, after) == ()
