"""Layout of rewritten queries: line breaks and comments of the chain survive, nothing is glued."""

from __future__ import annotations

import pytest

from migrate_async.model.plan import AwaitCall, Link, QueryRewrite
from support.rewriting import becomes, edit

LINKS = (Link("where", 0), Link("", 1))
EXECUTE = {"root": "select({*})", "call": "db.execute({stmt})", "awaited": True, "hoist": "result"}
FIRST = edit(QueryRewrite, links=LINKS, tail=".scalars().first()", **EXECUTE)
INLINE = edit(QueryRewrite, links=LINKS, tail=".scalars().first()", **{**EXECUTE, "hoist": ""})
STATEMENT = edit(QueryRewrite, root="select({*})", links=(Link("where", 0),))


def test_one_line() -> None:
    """The client's own form: the execution, then what is taken from the result."""
    becomes(
        """
        async def f(db):
            # the user
            user = «db.query(A).filter(A.id == 1).first()»  # or none
            return user
        """,
        """
        async def f(db):
            # the user
            result = await db.execute(select(A).where(A.id == 1))
            user = result.scalars().first()  # or none
            return user
        """,
        FIRST,
    )


def test_lines_of_a_chain_stay() -> None:
    """Each link keeps its line and its comments; the parentheses move to the call."""
    becomes(
        """
        async def f(db):
            user = (
                «db.query(A)
                # only this one
                .filter(A.id == 1)  # by key
                # and then
                .first()»
            )
        """,
        """
        async def f(db):
            result = await db.execute(
                select(A)
                # only this one
                .where(A.id == 1)  # by key
                # and then
            )
            user = result.scalars().first()
        """,
        FIRST,
    )


def test_arguments_on_lines_of_their_own() -> None:
    """Arguments move with the statement; what is inside a string does not."""
    becomes(
        '''
        async def f(db):
            user = «db.query(A).filter(
                A.id == 1,
                A.text == """
          x""",
            ).first()»
        ''',
        '''
        async def f(db):
            result = await db.execute(
                select(A).where(
                    A.id == 1,
                    A.text == """
          x""",
                )
            )
            user = result.scalars().first()
        ''',
        FIRST,
    )


def test_backslashes_become_brackets() -> None:
    """A chain continued by backslashes stands in the call's brackets afterwards."""
    becomes(
        """
        async def f(db):
            user = «db.query(A)\\
                .filter(A.id == 1)\\
                .first()»
        """,
        """
        async def f(db):
            result = await db.execute(
                select(A)
                .where(A.id == 1)
            )
            user = result.scalars().first()
        """,
        FIRST,
    )


def test_hanging_indentation_is_straightened() -> None:
    """Lines aligned with an opening bracket that goes away are indented by one level."""
    becomes(
        """
        async def f(db):
            user = («db.query(A)
                    .filter(A.id.in_([
                        1]))
                    .first()»)
        """,
        """
        async def f(db):
            result = await db.execute(
                select(A)
                .where(A.id.in_([
                    1]))
            )
            user = result.scalars().first()
        """,
        FIRST,
    )


def test_needless_parentheses_go() -> None:
    """Parentheses that held a long line go when the new line is short."""
    becomes(
        """
        async def f(db):
            user = (
                «db.query(A).filter(A.id == 1).first()»
            )
        """,
        """
        async def f(db):
            result = await db.execute(select(A).where(A.id == 1))
            user = result.scalars().first()
        """,
        FIRST,
    )


def test_inline() -> None:
    """Where no statement may go before, the execution stands in parentheses."""
    becomes(
        """
        async def f(db):
            return a or «db.query(A).filter(A.id == 1).first()»
        """,
        """
        async def f(db):
            return a or (await db.execute(select(A).where(A.id == 1))).scalars().first()
        """,
        FIRST,
    )


def test_inline_over_lines() -> None:
    """The parentheses of the chain become those of the `await`."""
    becomes(
        """
        async def f(db):
            return a or (
                «db.query(A)
                .filter(A.id == 1)
                .first()»
            )
        """,
        """
        async def f(db):
            return a or (
                await db.execute(
                    select(A)
                    .where(A.id == 1)
                )
            ).scalars().first()
        """,
        INLINE,
    )


def test_count_wraps_the_statement() -> None:
    """A statement inside two calls is indented by two levels, with what is put on it."""
    becomes(
        """
        async def f(db):
            return (
                «db.query(A)
                .filter(A.id == 1)
                .count()»
            )
        """,
        """
        async def f(db):
            result = await db.execute(
                select(func.count()).select_from(
                    select(A)
                    .where(A.id == 1)
                    .subquery()
                )
            )
            return result.scalar_one()
        """,
        edit(
            QueryRewrite,
            links=LINKS,
            tail=".scalar_one()",
            **{
                **EXECUTE,
                "call": "db.execute(select(func.count()).select_from({stmt}.subquery()))",
            },
        ),
    )


LONG = "Article.category == category, Article.title.ilike(pattern)"


def test_long_line_breaks_at_the_call() -> None:
    """Once a line has to be broken, its parts keep to the length that lines of the file have."""
    becomes(
        f"""
        async def f(db):
            articles = «db.query(Article).filter({LONG}).all()»
        """,
        f"""
        async def f(db):
            result = await db.execute(
                select(Article).where(
                    {LONG}
                )
            )
            articles = result.scalars().all()
        """,
        edit(QueryRewrite, links=LINKS, tail=".scalars().all()", **EXECUTE),
    )


def test_longer_line_breaks_at_the_links() -> None:
    """A statement that does not fit on a line goes over several, a link on each."""
    becomes(
        f"""
        async def f(db):
            q = «db.query(Article).populate_existing().filter({LONG}).all()»
        """.replace("Article.title.ilike(pattern)", "b"),
        """
        async def f(db):
            result = await db.execute(
                select(Article)
                .execution_options(populate_existing=True, autoflush=False)
                .where(Article.category == category, b)
            )
            q = result.scalars().all()
        """,
        edit(
            QueryRewrite,
            links=(
                Link("execution_options", 0, "populate_existing=True, autoflush=False"),
                Link("where", 1),
                Link("", 2),
            ),
            tail=".scalars().all()",
            **EXECUTE,
        ),
    )


def test_author_s_long_lines_are_left_alone() -> None:
    """A line is not broken because of a limit that the author did not keep to."""
    name = "a" * 90
    becomes(
        f"x = «db.query({name}).filter(1, 2, 3)»\n",
        f"x = select({name}).where(1, 2, 3)\n",
        STATEMENT,
    )


def test_iteration() -> None:
    """The iterable of a `for` is evaluated once, before the loop."""
    becomes(
        """
        async def f(db):
            for a in «db.query(A)»:
                print(a)
        """,
        """
        async def f(db):
            result = await db.execute(select(A))
            for a in result.scalars():
                print(a)
        """,
        edit(QueryRewrite, tail=".scalars()", **EXECUTE),
    )


@pytest.mark.parametrize("call", ["", "{stmt}"])
def test_statement_that_is_not_executed(call: str) -> None:
    """A query kept in a variable stays where it is, lines and all."""
    becomes(
        """
        def f(db):
            query = (
                «db.query(A)
                .filter(A.id == 1)»
            )
        """,
        """
        def f(db):
            query = (
                select(A)
                .where(A.id == 1)
            )
        """,
        edit(QueryRewrite, root="select({*})", links=(Link("where", 0),), call=call),
    )


def test_without_await() -> None:
    """The sync step executes on the spot."""
    becomes(
        "x = «db.query(A).filter(A.id == 1).first()»\n",
        "x = db.execute(select(A).where(A.id == 1)).scalars().first()\n",
        edit(
            QueryRewrite,
            links=LINKS,
            root="select({*})",
            call="db.execute({stmt})",
            tail=".scalars().first()",
        ),
    )


def test_edits_inside_the_chain() -> None:
    """Edits of arguments are made before the chain moves."""
    becomes(
        """
        async def f(db):
            return «db.query(A).filter(A.id == «key(db)», A.b.in_(«db.query(B).filter(c)»)).first()»
        """,
        """
        async def f(db):
            result = await db.execute(
                select(A).where(A.id == await key(db), A.b.in_(select(B).where(c)))
            )
            return result.scalars().first()
        """,
        FIRST,
        edit(AwaitCall, hoist="result"),
        STATEMENT,
    )
