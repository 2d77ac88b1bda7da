"""Edits of statements: comments and blank lines survive, blocks stay valid."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from migrate_async.errors import InternalError
from migrate_async.model.plan import (
    AnyEdit,
    AwaitCall,
    ChangeBlock,
    CopyAssignment,
    DropFinally,
    InsertStatements,
    ReplaceExpression,
    ReplaceStatement,
    UnwrapBlock,
    WrapStatements,
)
from migrate_async.model.syntax import Span
from support.rewriting import CODEMOD, becomes, edit, run, unchanged, unmarked

REMOVE = edit(ReplaceStatement)
UNWRAP = edit(UnwrapBlock)
HOIST = edit(AwaitCall, hoist="result")


def replace(code: str) -> Callable[[Span], AnyEdit]:
    return edit(ReplaceStatement, code=code)


def insert(code: str, *, after: bool = False) -> Callable[[Span], AnyEdit]:
    return edit(InsertStatements, code=code, after=after)


def test_removed_with_comments_kept() -> None:
    """The comment above goes above the next statement, blank lines count once."""
    becomes(
        """
        def f():
            a = 1

            # the session
            «db = SessionLocal()»

            b = 2
        """,
        """
        def f():
            a = 1

            # the session

            b = 2
        """,
        REMOVE,
    )


def test_removed_with_the_comment_beside_it_kept() -> None:
    """On a line of its own; what speaks to a program of that line goes with it."""
    becomes(
        """
        def f():
            # the session
            «db = SessionLocal()»  # one for each job
            «a = 1»  # noqa: F841
            «b = 2»  # type: ignore[x]
            «c = 3»  # types of cars
            return c
        """,
        """
        def f():
            # the session
            # one for each job
            # types of cars
            return c
        """,
        *[REMOVE] * 4,
    )


def test_removed_first_statement_leaves_no_blank_line() -> None:
    """A function does not begin with an empty line."""
    becomes(
        """
        def f():
            «db = SessionLocal()»

            return 1
        """,
        """
        def f():
            return 1
        """,
        REMOVE,
    )


def test_removed_between_blank_lines() -> None:
    """Of the blank lines around it, the larger number stays."""
    becomes("a = 1\n\n«b = 2»\n\n\nc = 3\n", "a = 1\n\n\nc = 3\n", REMOVE)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("if a:\n    «b»\nelse:\n    c\n", "if a:\n    pass\nelse:\n    c\n"),
        ("if a:\n    # why\n    «b»\nc\n", "if a:\n    # why\n    pass\nc\n"),
        ("class A:\n    «b = 1»\n", "class A:\n    pass\n"),
        ("class A:\n    '''Doc.'''\n    «b = 1»\n", "class A:\n    '''Doc.'''\n"),
        ("def f(): «b»\n", "def f():\n    pass\n"),
        ("try:\n    a\nexcept E:\n    «b»\n", "try:\n    a\nexcept E:\n    pass\n"),
    ],
)
def test_emptied_block_gets_pass(before: str, after: str) -> None:
    """A block whose last statement goes stays valid."""
    becomes(before, after, REMOVE)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("«a»; b; c\n", "b\nc\n"),
        ("a; «b»; c  # end\n", "a\nc  # end\n"),
        ("if x: «a»; b\n", "if x:\n    b\n"),
        ("if x: a; «b»  # end\n", "if x:\n    a\n"),
    ],
)
def test_removed_from_a_shared_line(before: str, after: str) -> None:
    """Statements that shared a line get one each."""
    becomes(before, after, REMOVE)


def test_replaced() -> None:
    """The comment at the end of the line stays at the end."""
    becomes(
        """
        def f():
            # open
            «db = SessionLocal()»  # per request
        """,
        """
        def f():
            # open
            factory = make()
            db = factory()  # per request
        """,
        replace("factory = make()\ndb = factory()"),
    )


def test_replacement_may_bring_comments_and_blank_lines() -> None:
    """What the plan writes above its statements is kept."""
    becomes(
        "a = 1\n«b = 2»\n",
        "a = 1\n\n# new\nc = 3\n\nif c:\n    d\n",
        replace("\n# new\nc = 3\n\nif c:\n  d\n"),
    )


@pytest.mark.parametrize(
    ("after_it", "result"),
    [
        (False, "a = 1\n\nx = 1\ny = 2\n# why\nb = 2  # b\nc = 3\n"),
        (True, "a = 1\n\n# why\nb = 2  # b\nx = 1\ny = 2\nc = 3\n"),
    ],
)
def test_inserted(after_it: bool, result: str) -> None:
    """Before: below blank lines, above the comment that speaks of the statement."""
    becomes("a = 1\n\n# why\n«b = 2»  # b\nc = 3\n", result, insert("x = 1\ny = 2", after=after_it))


def test_docstring_keeps_its_place() -> None:
    """Nothing goes before a docstring."""
    becomes(
        "def f():\n    «'''Doc.'''»\n    return 1\n",
        "def f():\n    '''Doc.'''\n    x = 1\n    return 1\n",
        insert("x = 1"),
    )


def test_string_that_is_no_docstring() -> None:
    """Only the first statement is one."""
    becomes(
        "def f():\n    a\n    «'text'»\n",
        "def f():\n    a\n    x = 1\n    'text'\n",
        insert("x = 1"),
    )


def test_unwrapped_try() -> None:
    """The body takes the place; comments in its head and at its end stay."""
    becomes(
        """
        def f():
            a = 1

            «try»:  # careful
                # work
                b = {
                    "k": '''x
            y''',
                }
                # done
            except E:
                raise
            finally:
                # gone
                db.close()
            c = 3
        """,
        """
        def f():
            a = 1

            # careful
            # work
            b = {
                "k": '''x
            y''',
            }
            # done
            c = 3
        """,
        UNWRAP,
    )


@pytest.mark.parametrize("head", ["with a as b", "if True"])
def test_unwrapped_block(head: str) -> None:
    """`with` and `if` are unwrapped alike; a tab indents as well."""
    word, _, rest = head.partition(" ")
    becomes(f"«{word}» {rest}:\n\tx\n\ty\nz\n", "x\ny\nz\n", UNWRAP)


def test_unwrapped_suite() -> None:
    """A body on the line of its head."""
    becomes("«with» a: b; c\n", "b; c\n", UNWRAP)


def test_finally_is_dropped() -> None:
    """Handlers stay; without handlers the `try` goes as well."""
    becomes(
        "«try»:\n    a\nexcept E:\n    b\nfinally:\n    c\n",
        "try:\n    a\nexcept E:\n    b\n",
        edit(DropFinally),
    )
    becomes("«try»:\n    a\nfinally:\n    c\nd\n", "a\nd\n", edit(DropFinally))


def test_changed_block() -> None:
    """A new head, the same body, no handlers."""
    becomes(
        """
        def f():
            # why
            «try»:  # careful
                a = 1
                # end
            finally:
                db.close()
        """,
        """
        def f():
            # why
            async with SessionLocal() as db:  # careful
                a = 1
                # end
        """,
        edit(ChangeBlock, header="async with SessionLocal() as db:"),
    )


def test_wrapped() -> None:
    """Several statements go into a block; what was between them stays."""
    source, (first, last) = unmarked(
        "def f():\n    a = 1\n\n    # why\n"
        "    «b = g(\n        1,\n    )»\n\n    «return b»\n    # end\n"
    )
    wrap = WrapStatements(span=first, until=last, header="async with s() as db:", codemod=CODEMOD)
    assert run(source, [wrap]) == (
        "def f():\n    a = 1\n\n    async with s() as db:\n        # why\n        b = g(\n"
        "            1,\n        )\n\n        return b\n    # end\n"
    )


def test_wrapped_in_a_function_that_is_called_below() -> None:
    """The blank line above a nested function comes with it."""
    source, (first, last) = unmarked("def f():\n    c = a\n    «b(c)»\n    «d(c)»\n    e()\n")
    below = "\nif a:\n\n    g()\n"
    wrap = WrapStatements(span=first, until=last, header="def g():", below=below, codemod=CODEMOD)
    assert run(source, [wrap]) == (
        "def f():\n    c = a\n\n    def g():\n        b(c)\n        d(c)\n\n"
        "    if a:\n\n        g()\n    e()\n"
    )


def test_wrapped_after_removing_the_first() -> None:
    """The usual case: the assignment goes, the rest goes into the block."""
    source, (first, last) = unmarked("def f():\n    «db = S()»  # open\n    a(db)\n    «b(db)»\n")
    edits = [
        ReplaceStatement(span=first, codemod=CODEMOD),
        WrapStatements(span=first, until=last, header="with S() as db:", codemod=CODEMOD),
    ]
    expected = "def f():\n    with S() as db:\n        # open\n        a(db)\n        b(db)\n"
    assert run(source, edits) == expected


def test_edits_of_nested_blocks_compose() -> None:
    """Bottom-up: the inner edits are made before the block around them goes."""
    becomes(
        """
        async def f():
            «db = SessionLocal()»
            «try»:
                x = «db.get(A, 1)».name
                if x: «db.close()»
                return x
            finally:
                «db.close()»
        """,
        """
        async def f():
            result = await db.get(A, 1)
            x = result.name
            if x:
                pass
            return x
        """,
        REMOVE,
        UNWRAP,
        HOIST,
        REMOVE,
        REMOVE,
    )


def test_statement_replaced_by_itself_is_left_alone() -> None:
    """Same code, same text: comments, blank lines and all."""
    unchanged("a = 1\n\n# why\n«b = 2»  # b\n", replace("b = 2"))


def test_no_edits_leave_the_text_alone() -> None:
    """An empty plan is no reason to touch anything."""
    unchanged("a  =  1 ;b=2\n\n\n")


@pytest.mark.parametrize(
    ("kind", "fields"),
    [(UnwrapBlock, {}), (DropFinally, {}), (ChangeBlock, {"header": "with a:"})],
)
def test_simple_statement_is_refused(kind: type, fields: dict[str, str]) -> None:
    """A block edit of something without a block is an internal error."""
    with pytest.raises(InternalError):
        unchanged("«a = 1»\n", edit(kind, **fields))


@pytest.mark.parametrize("code", ["x = ", "if a"])
def test_bad_code_is_refused(code: str) -> None:
    """So is a plan that holds invalid Python."""
    with pytest.raises(InternalError, match="invalid"):
        unchanged("«a = 1»\n", replace(code))


def test_wrapped_under_what_the_first_assigns() -> None:
    """With the edits of that; the comments of the assignment stay above."""
    source, (first, made, last) = unmarked(
        "def f():\n    a = 1\n\n    # why\n    «db = «make»(1)()»  # open\n\n"
        "    a(db)\n    «b(db)»\n"
    )
    edits = [
        WrapStatements(
            span=first, until=last, header="with {} as db:", enters=True, codemod=CODEMOD
        ),
        ReplaceExpression(span=made, code="make_async", codemod=CODEMOD),
    ]
    assert run(source, edits) == (
        "def f():\n    a = 1\n\n    # why\n    # open\n    with make_async(1)() as db:\n"
        "        a(db)\n        b(db)\n"
    )


def test_wrapped_in_two_blocks_that_end_together() -> None:
    """The inner one, which begins later, is made first."""
    source, (first, second, last) = unmarked("def f():\n    «a()»\n    «b()»\n    «c()»\n    d()\n")
    edits = [
        WrapStatements(span=first, until=last, header="with A() as x:", codemod=CODEMOD),
        WrapStatements(span=second, until=last, header="with B() as y:", codemod=CODEMOD),
    ]
    assert run(source, edits) == (
        "def f():\n    with A() as x:\n        a()\n        with B() as y:\n"
        "            b()\n            c()\n    d()\n"
    )


def test_wrapped_under_no_assignment() -> None:
    source, (first,) = unmarked("«a(db)»\nb(db)\n")
    wrap = WrapStatements(
        span=first, until=first, header="with {} as db:", enters=True, codemod=CODEMOD
    )
    with pytest.raises(InternalError, match="is no assignment"):
        run(source, [wrap])


def test_a_copy_that_is_too_long_is_broken() -> None:
    """The line below it is as long as it was, and no line that a formatter would break again."""
    becomes(
        """
        if URL:
            «SessionLocal = sessionmaker(autocommit=False, autoflush=False, bind=engine, info=OUR)»
        """,
        """
        if URL:
            SessionLocal = sessionmaker(autocommit=False, autoflush=False, bind=engine, info=OUR)
            SyncSessionLocal = sessionmaker(
                autocommit=False, autoflush=False, bind=sync_engine, info=OUR
            )
        """,
        edit(CopyAssignment, name="SyncSessionLocal", names=(("engine", "sync_engine"),)),
    )
