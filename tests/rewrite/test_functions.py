"""Heads of functions: `async`, parameters, decorators."""

from __future__ import annotations

import pytest

from migrate_async.errors import InternalError
from migrate_async.model.plan import (
    AddDecorator,
    AddParameter,
    MakeAsync,
    MakeSync,
    RemoveDecorator,
    ReplaceParameter,
)
from support.rewriting import becomes, edit, unchanged

ASYNC = edit(MakeAsync)
REMOVE = edit(ReplaceParameter, code="")
DB = edit(AddParameter, code="db: AsyncSession = Depends(get_db)")
PLAIN = edit(AddParameter, code="db: DB")
KEYWORD = edit(AddParameter, code="db: DB", keyword_only=True)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("«async def» f(): pass", "def f(): pass"),
        ("@d\n«async  def»  f(): pass  # why", "@d\ndef  f(): pass  # why"),
        ("class A:\n    «async def» f(self): pass", "class A:\n    def f(self): pass"),
    ],
)
def test_made_sync(before: str, after: str) -> None:
    becomes(f"{before}\n", f"{after}\n", edit(MakeSync))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("«def» f(): pass", "async def f(): pass"),
        ("@d\n«def» f(): pass", "@d\nasync def f(): pass"),
        ("«with» a as b: pass", "async with a as b: pass"),
        ("«for» a in b: pass", "async for a in b: pass"),
        ("x = [a for a in «b()» if c]", "x = [a async for a in b() if c]"),
        ("x = {a for z in y for a in «z»}", "x = {a for z in y async for a in z}"),
    ],
)
def test_made_async(before: str, after: str) -> None:
    """The keyword goes before functions, blocks and the `for` of comprehensions."""
    prefix = "" if "def" in before else "async def g():\n    "
    becomes(f"{prefix}{before}\n", f"{prefix}{after}\n", ASYNC)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("()", "(db: AsyncSession = Depends(get_db))"),
        ("(a)", "(a, db: AsyncSession = Depends(get_db))"),
        ("(a, b=1)", "(a, b=1, db: AsyncSession = Depends(get_db))"),
        ("(a, *, b)", "(a, db: AsyncSession = Depends(get_db), *, b)"),
        ("(a, *args)", "(a, db: AsyncSession = Depends(get_db), *args)"),
        ("(a, **kw)", "(a, db: AsyncSession = Depends(get_db), **kw)"),
        ("(a, /)", "(a, /, db: AsyncSession = Depends(get_db))"),
    ],
)
def test_parameter_with_a_default(before: str, after: str) -> None:
    """It goes last among those that may be given by position."""
    becomes(f"«def» f{before}: pass\n", f"def f{after}: pass\n", DB)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("()", "(db: DB)"),
        ("(self)", "(self, db: DB)"),
        ("(a, b=1)", "(a, db: DB, b=1)"),
        ("(a=1)", "(db: DB, a=1)"),
        ("(a, *args, b=1)", "(a, db: DB, *args, b=1)"),
        ("(a=1, /, b=1)", "(db: DB, a=1, /, b=1)"),
    ],
)
def test_parameter_without_a_default(before: str, after: str) -> None:
    """It goes before the first that has a default."""
    becomes(f"«def» f{before}: pass\n", f"def f{after}: pass\n", PLAIN)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("()", "(*, db: DB)"),
        ("(a, b=1)", "(a, b=1, *, db: DB)"),
        ("(a, *, b=1)", "(a, *, b=1, db: DB)"),
        ("(*args)", "(*args, db: DB)"),
        ("(a, **kw)", "(a, *, db: DB, **kw)"),
    ],
)
def test_keyword_only_parameter(before: str, after: str) -> None:
    """It goes after `*`, which is added when it is not there."""
    becomes(f"«def» f{before}: pass\n", f"def f{after}: pass\n", KEYWORD)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("(«db: Session»)", "()"),
        ("(«db: Session», a)", "(a)"),
        ("(a, «db: Session = None»)", "(a)"),
        ("(a, *, «db»)", "(a)"),
        ("(a, *, «db», b)", "(a, *, b)"),
        ("(*args, «db»)", "(*args)"),
        ("(«db», /, a)", "(a)"),
        ("(a, «db», **kw)", "(a, **kw)"),
        ("(\n    «db»,\n)", "()"),
    ],
)
def test_parameter_is_removed(before: str, after: str) -> None:
    """A `*` or `/` that nothing needs any more goes too."""
    becomes(f"def f{before}: pass\n", f"def f{after}: pass\n", REMOVE)


def test_parameter_is_replaced() -> None:
    """Commas and comments stay."""
    becomes(
        """
        def f(
            a,  # first
            «db: Session = Depends(get_db)»,  # the session
            *«args»,
        ): pass
        """,
        """
        def f(
            a,  # first
            db: AsyncSession = Depends(get_db),  # the session
            *rest,
        ): pass
        """,
        edit(ReplaceParameter, code="db: AsyncSession = Depends(get_db)"),
        edit(ReplaceParameter, code="rest"),
    )


def test_parameters_on_lines_get_one_more_line() -> None:
    """Comments stay with the parameter that they follow."""
    becomes(
        """
        «def» f(
            a: int = 0,  # first
            b: int = 100,  # last
        ):
            pass
        """,
        """
        def f(
            a: int = 0,  # first
            b: int = 100,  # last
            db: AsyncSession = Depends(get_db),
        ):
            pass
        """,
        DB,
    )


def test_hanging_parameters_hang_on() -> None:
    """Lines aligned with the bracket stay aligned."""
    becomes(
        """
        «def» f(a,
              b):
            pass
        """,
        """
        def f(a,
              b,
              db: AsyncSession = Depends(get_db)):
            pass
        """,
        DB,
    )


def test_long_head_is_broken() -> None:
    """A head that got too long has its parameters on one line, or each on its own."""
    becomes(
        "«def» function_name(parameter_one: int, parameter_two: str = 'x'): pass\n",
        """
        def function_name(
            parameter_one: int, parameter_two: str = 'x', db: AsyncSession = Depends(get_db)
        ): pass
        """.replace("\n        ", "\n").lstrip(),
        DB,
    )
    becomes(
        "«def» function_name(parameter_one: int, parameter_two: str = 'x', c: int = 1): pass\n",
        """
        def function_name(
            parameter_one: int,
            parameter_two: str = 'x',
            c: int = 1,
            db: AsyncSession = Depends(get_db),
        ): pass
        """.replace("\n        ", "\n").lstrip(),
        DB,
    )


def test_long_head_of_the_author_is_left_alone() -> None:
    """A head that was as long before is not the edit's business."""
    name = "a" * 100
    becomes(f"«def» {name}(b, c): pass\n", f"async def {name}(\n    b, c\n): pass\n", ASYNC)
    becomes(f"def f({name}, b=«1»): pass\n".replace("«1»", "1"), f"def f({name}, b=1): pass\n")


def test_decorators() -> None:
    """Comments above a removed decorator stay."""
    becomes(
        """
        # the task
        @a
        # shared
        @«b.c(1)»
        @d
        «def» f(): pass
        """,
        """
        # the task
        @new
        @a
        # shared
        @d
        def f(): pass
        """,
        edit(RemoveDecorator),
        edit(AddDecorator, code="new"),
    )


def test_last_decorator_is_removed() -> None:
    """A function without decorators remains, where it was."""
    becomes(
        """
        x = 1


        @«a»
        def f(): pass
        """,
        """
        x = 1


        def f(): pass
        """,
        edit(RemoveDecorator),
    )


def test_already_as_planned_is_left_alone() -> None:
    """Replacing a parameter by itself changes nothing."""
    unchanged("def f(«a: int = 1», *, b): pass\n", edit(ReplaceParameter, code="a: int = 1"))


@pytest.mark.parametrize("code", ["a, b", "", "1", "*"])
def test_bad_parameter_is_refused(code: str) -> None:
    """The plan has to hold exactly one parameter."""
    with pytest.raises(InternalError, match="parameter"):
        becomes("«def» f(): pass\n", "", edit(AddParameter, code=code))
