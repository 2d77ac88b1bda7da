"""Islands give what one pass over the whole module gives, and touch nothing else."""

from __future__ import annotations

import ast
from textwrap import dedent

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from migrate_async.errors import InternalError, SourceError
from migrate_async.index.extract import extract
from migrate_async.model import syntax as s
from migrate_async.model.plan import (
    AddParameter,
    AnyEdit,
    AwaitCall,
    InsertStatements,
    MakeAsync,
    ReplaceExpression,
    ReplaceStatement,
    UnwrapBlock,
)
from migrate_async.rewrite.islands import rewrite, whole
from migrate_async.source.lines import split_lines
from support.rewriting import CODEMOD, unmarked

WEIRD = [
    "",
    "x = 1",
    "x = 1\n\n\n",
    "# comment only",
    "x = 1\r\n\r\ndef f():\r\n\treturn f().a\r\n",
    "x = 1\r\ny = 2\nz = 3\r\n",
    "if x:\n\ty = f()\n\t# end\nelse:\n\tz\n",
    "\x0cdef f():\n    return 1\n\x0c\nclass A:\n    \x0cx = 1\n",
    "größe = 1\ndef ƒ(ñ, 名前='日本'):\n    return ñ.ä(名前) ; größe\n",
    "class A:\n    '''Doc.\r still\n    doc'''\n    @d\n    @e(\n        1)\n    def f(self): x\n",
    "def f(a, /, b: int = 1, *c, d, **e) -> None: ...\n\n\n\n\n# end\n",
    "x = [\n  1,\n      2,  # two\n]\ny = '''a\n  b''' \\\n    'c'\n",
    "a = 1; b = 2 ; c = 3\nif a: b; c\n",
    "try:\n    a\nexcept* E:\n    b\n" if hasattr(ast, "TryStar") else "x\n",
    "match x:\n    case {'a': 1, **r} if r: y\n    case _:\n        z\n",
    "with (a as b, c): pass\nlambda *a, **k: (yield)\n",
    "def f():\n    x\n    # deeper\n  # odd\n# flush\n\ndef g(): pass\n",
]


@pytest.mark.parametrize("text", WEIRD)
def test_no_edits_leave_every_byte_alone(text: str) -> None:
    """Without edits nothing is even parsed."""
    assert rewrite(text, []) is text
    assert whole(text, []) is text


@pytest.mark.parametrize("text", ["x = (", "\0", "  x\n"])
def test_bad_source_is_an_error_of_the_source(text: str) -> None:
    """It is the user's file that is wrong, not the plan."""
    with pytest.raises(SourceError):
        rewrite(text, [ReplaceStatement(span=(1, 0, 1, 1), codemod=CODEMOD)])


def test_edit_outside_any_statement_is_refused() -> None:
    """The plan was made from another text."""
    with pytest.raises(InternalError):
        rewrite("x = 1\n\n", [ReplaceStatement(span=(9, 0, 9, 1), codemod=CODEMOD)])


def test_only_the_edited_statement_is_parsed_by_libcst() -> None:
    """LibCST (unlike `ast`) chokes on nothing that it does not see: here, a lone form feed line."""
    source, (span,) = unmarked("x = 1  \n\n\ndef f():\n    «a»\n\ny  =  [ 1,2 ]\n")
    result = rewrite(source, [ReplaceStatement(span=span, code="b", codemod=CODEMOD)])
    assert result == source.replace("    a\n", "    b\n")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("class A:\n    «x = 1»\n", "class A:\n    pass\n"),
        ("class A:\n    x = 1\n\n    «y = 2»\n\n    z = 3\n", "class A:\n    x = 1\n\n    z = 3\n"),
        (
            "def f():\n    a\n    # foot of f\n\n\n«x»\n\n\ndef g(): pass\n",
            "def f():\n    a\n    # foot of f\n\n\ndef g(): pass\n",
        ),
        ("a\n# about b\n«b»\n# end\n", "a\n# about b\n# end\n"),
        ("«a»", ""),
        ("class A:\n    # why\n    «x»\n    y\n", "class A:\n    # why\n    y\n"),
        ("a\n«b»", "a"),
        ("«a» ; b\nc\n", "b\nc\n"),
    ],
)
def test_removal_at_the_edges(before: str, after: str) -> None:
    """Blank and comment lines around an island are part of it."""
    source, (span,) = unmarked(before)
    edits = [ReplaceStatement(span=span, codemod=CODEMOD)]
    assert rewrite(source, edits) == after
    assert whole(source, edits) == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("if a:\n    «b»\n    «c»\nd\n", "if a:\n    pass\nd\n"),
        ("def f():\n    # why\n    «b»\n\n    «c»\n\n\nd\n", None),
        ("if a:\n    if b:\n        «c»\n    «d»\ne\n", "if a:\n    if b:\n        pass\ne\n"),
        ("try:\n    «a»\n    b\n    «c»\nfinally:\n    d\n", "try:\n    b\nfinally:\n    d\n"),
    ],
)
def test_block_that_becomes_empty(before: str, after: str | None) -> None:
    """Several removals in one block know of each other."""
    source, spans = unmarked(before)
    edits = [ReplaceStatement(span=span, codemod=CODEMOD) for span in spans]
    assert rewrite(source, edits) == whole(source, edits)
    assert after is None or rewrite(source, edits) == after


def test_head_and_body_apart() -> None:
    """The body of a long function is not parsed because its head changes."""
    body = "".join(f"    x{number}  =  [ {number} ]\n" for number in range(100))
    source = f"@d\ndef f(  a ):  # why\n    # first\n{body}"
    edits = [MakeAsync(span=(2, 0, 103, 9), codemod=CODEMOD)]
    assert rewrite(source, edits) == source.replace("def f", "async def f")


def test_line_ends_of_new_lines() -> None:
    """New lines end as the file's first line does."""
    source, (span,) = unmarked("a\r\n\r\nclass A:\r\n    «b»\r\n")
    edits = [InsertStatements(span=span, code="c\nd", codemod=CODEMOD)]
    assert rewrite(source, edits) == "a\r\n\r\nclass A:\r\n    c\r\n    d\r\n    b\r\n"


def test_split_lines_as_python_does() -> None:
    """Form feeds and Unicode separators end no line."""
    assert split_lines("a\x0cb\nc\r\nd\re\u2028f") == ["a\x0cb\n", "c\r\n", "d\r", "e\u2028f"]


# --- the property ------------------------------------------------------------------------------

SOURCES = [
    dedent(
        '''
        """Doc."""

        import os  # why

        # the app
        app = make(os.path, [call(1).x, other(2)])


        @app.get("/", dependencies=[need(db)])
        def route(a: int, db: Session = get(db)) -> list[A]:
            """Doc."""
            # all of them
            rows = (
                db.query(A)  # A
                # where
                .filter(A.id == key(a))
                .all()
            )

            if rows: return [row.x() for row in rows.all() if keep(row)]
            for row in load(rows).all():
                with open(row) as file: file.read().decode(); print(1)
            # end of route


        class Service(Base[A]):
            """Doc."""

            size: int = compute().value

            def __init__(self, db):
                self.db = db
                # foot

            @property
            def total(self):
                try:
                    return self.db.query(B).count() + len(self.items())
                except Error as error:
                    log(error).now()
                finally:
                    self.db.close()

            async def later(self, *, flag=False): x = await self.total(); return x.y

            # loose comment

        class Plain:

            # first
            kind = name("plain").lower()

        if app:
            run(app).forever()
        else:
            app.stop().wait()
        # the end
        '''
    ).lstrip("\n"),
    "x = f(1).y; y = g(2)\n\nclass A: z = h(3).w\ndef k(): return x.y().z\n\n\nk().u()",
]


def _nodes(text: str) -> list[s.AnyNode]:
    return [node for statement in extract(text).body for node in s.walk(statement)]


def _candidates(text: str) -> list[AnyEdit]:
    """An edit of some kind for every node that can take one."""
    found: list[AnyEdit] = []
    for node in _nodes(text):
        if isinstance(node, s.Call):
            found.append(AwaitCall(span=node.span, codemod=CODEMOD, hoist="result"))
            found.append(ReplaceExpression(span=node.span, codemod=CODEMOD, code="wrap({}, 1)"))
        elif isinstance(node, s.FunctionDef):
            found.append(MakeAsync(span=node.span, codemod=CODEMOD))
            found.append(AddParameter(span=node.span, codemod=CODEMOD, code="session: S = None"))
        elif isinstance(node, s.Try):
            found.append(UnwrapBlock(span=node.span, codemod=CODEMOD))
        elif isinstance(node, s.Return | s.Assign | s.ExpressionStatement):
            found.append(InsertStatements(span=node.span, codemod=CODEMOD, code="# new\nnew = 1"))
            found.append(ReplaceStatement(span=node.span, codemod=CODEMOD))
    return found


@settings(max_examples=120, deadline=None)
@given(st.data())
def test_islands_equal_the_whole_module(data: st.DataObject) -> None:
    """For any set of edits, byte by byte."""
    newline = data.draw(st.sampled_from(["\n", "\r\n"]))
    source = data.draw(st.sampled_from(SOURCES)).replace("\n", newline)
    edits = data.draw(st.lists(st.sampled_from(_candidates(source)), max_size=6, unique=True))
    assert rewrite(source, edits) == whole(source, edits)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_untouched_statements_are_identical(data: st.DataObject) -> None:
    """An edit inside one top-level statement leaves the text of all others."""
    source = SOURCES[0]
    body = extract(source).body
    chosen = data.draw(st.sampled_from(body))
    inside = [
        edit for edit in _candidates(source) if chosen.line <= edit.span[0] <= chosen.end_line
    ]
    edits = data.draw(st.lists(st.sampled_from(inside), max_size=3)) if inside else []
    result = rewrite(source, edits)
    lines = split_lines(source)
    for statement in body:
        if statement is not chosen:
            text = "".join(lines[statement.line - 1 : statement.end_line])
            assert text in result


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet=st.sampled_from("ab =().\n\t:#'\x0c\r\\ñ1"), max_size=40))
def test_any_text_survives_an_empty_plan(text: str) -> None:
    """Byte-identical, valid Python or not."""
    assert rewrite(text, []) == text


def test_a_removed_line_and_what_comes_above_its_neighbour() -> None:
    """Their blank lines come together, as in a pass over the whole module."""
    text = "import a\n\nb()\napp = a()\n"
    edits: list[AnyEdit] = [
        ReplaceStatement(span=(3, 0, 3, 3), codemod=CODEMOD),
        InsertStatements(span=(4, 0, 4, 9), codemod=CODEMOD, code="def f():\n    pass"),
    ]
    assert rewrite(text, edits) == whole(text, edits)
    assert rewrite(text, edits) == "import a\n\n\ndef f():\n    pass\n\n\napp = a()\n"
