"""Arguments: added where Python takes them, removed without a trace, the layout kept."""

from __future__ import annotations

import pytest

from migrate_async.errors import InternalError
from migrate_async.model.plan import (
    AddArgument,
    BridgeCall,
    DelegateCall,
    RecallCall,
    RemoveArgument,
    SpreadArgument,
)
from support.rewriting import becomes, edit, unchanged

ADD = edit(AddArgument, code="k=1")
SPREAD = edit(SpreadArgument)


def remove(name: str) -> object:
    return edit(RemoveArgument, name=name)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("f()", "f(k=1)"),
        ("f(a)", "f(a, k=1)"),
        ("f(a, )", "f(a, k=1, )"),
        ("f(a, *b)", "f(a, *b, k=1)"),
        ("f(a, **b)", "f(a, k=1, **b)"),
        ("f(x for x in y)", "f((x for x in y), k=1)"),
        ("f(\n    a,\n    b,\n)", "f(\n    a,\n    b,\n    k=1,\n)"),
        ("f(\n    a,\n    b  # c\n)", "f(\n    a,\n    b,  # c\n    k=1\n)"),
        ("f(\n    a, b\n)", "f(\n    a, b, k=1\n)"),
        ("f(\n    a,\n)", "f(\n    a,\n    k=1,\n)"),
        ("f(\n    g(\n        a,\n    )\n)", "f(\n    g(\n        a,\n    ),\n    k=1\n)"),
        ("f(a,\n  b)", "f(a,\n  b,\n  k=1)"),
    ],
)
def test_added(before: str, after: str) -> None:
    """A keyword argument goes last, but before `**`."""
    becomes(f"«{before}»\n", f"{after}\n", ADD)


@pytest.mark.parametrize(
    ("before", "name", "after"),
    [
        ("f(a)", "0", "f()"),
        ("f(a, b)", "0", "f(b)"),
        ("f(a, b)", "1", "f(a)"),
        ("f(a, k=1)", "k", "f(a)"),
        ("f(k=1, **b)", "k", "f(**b)"),
        ("f(\n    a,\n    k=1,\n)", "k", "f(\n    a,\n)"),
        ("f(\n    a,\n    k=1\n)", "k", "f(\n    a\n)"),
        ("f(\n    k=1,\n)", "k", "f()"),
    ],
)
def test_removed(before: str, name: str, after: str) -> None:
    """By keyword, or by position as digits."""
    becomes(f"«{before}»\n", f"{after}\n", remove(name))


@pytest.mark.parametrize(("call", "name"), [("f(a)", "k"), ("f(*a)", "0"), ("f(k=1)", "0")])
def test_missing_argument_is_refused(call: str, name: str) -> None:
    """A plan that does not fit is an internal error."""
    with pytest.raises(InternalError, match="no argument"):
        unchanged(f"«{call}»\n", remove(name))


def test_argument_of_something_else_is_refused() -> None:
    """Only calls have arguments."""
    with pytest.raises(InternalError, match="not a call"):
        unchanged("«a.b»\n", ADD)


def test_add_and_remove_together() -> None:
    """Removing comes first, so positions are those of the source."""
    source = "x = «f(a, b)»\n"
    becomes(source.replace("«f(a, b)»", "««f(a, b)»»"), "x = f(b, k=1)\n", remove("0"), ADD)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("f([a, b])", "f(a, b)"),
        ("f([a, *b,], c)", "f(a, *b, c)"),
        ("f([(a, 1)], k=1)", "f((a, 1), k=1)"),
        ("f(values)", "f(*values)"),
        ("f([a for a in b], c)", "f(*[a for a in b], c)"),
        ("f([\n    a,  # c\n    b,\n])", "f(\n    a,  # c\n    b,\n)"),
        ("f(\n    [\n        a,\n        b,\n    ]\n)", "f(\n    a,\n    b\n)"),
        ("f(\n    [\n        a,\n        b,\n    ],\n)", "f(\n    a,\n    b,\n)"),
        ("f(\n    [a, b],\n    k=1,\n)", "f(\n    a, b,\n    k=1,\n)"),
    ],
)
def test_spread_argument(before: str, after: str) -> None:
    """Elements take the place of the list, in the layout that they have."""
    becomes(f"x = «{before}»\n", f"x = {after}\n", SPREAD)


@pytest.mark.parametrize("call", ["f()", "f(k=[a])", "f(*a)"])
def test_spread_needs_a_positional_argument(call: str) -> None:
    with pytest.raises(InternalError, match="no positional argument"):
        becomes(f"x = «{call}»\n", "", SPREAD)


@pytest.mark.parametrize(
    ("before", "session", "fields", "after"),
    [
        ("f(a, db=db)", "db", {"session": 1}, "db.run_sync(lambda session: f(a, db=session))"),
        (
            "f(g(db), *h(a), k=b, db=self.db)",
            "self.db",
            {"session": 3, "name": "s", "passed": ((0, "x"), (1, "y"))},
            "self.db.run_sync(lambda s, x, y: f(x, *y, k=b, db=s), g(db), h(a))",
        ),
        (
            "g(a).f(b, db)",
            "db",
            {"session": 1, "passed": ((-1, "call"),)},
            "db.run_sync(lambda session, call: call(b, session), g(a).f)",
        ),
        (
            "f(\n    a,\n    db=db,\n)",
            "db",
            {"session": 1},
            "db.run_sync(\n    lambda session: f(\n        a,\n        db=session,\n    )\n)",
        ),
        (
            "f(\n    # why\n    g(db), [\n        1,\n    ], db=db\n)",
            "db",
            {"session": 2, "passed": ((0, "x"),)},
            """db.run_sync(
    lambda session, x: f(
        # why
        x, [
            1,
        ], db=session
    ),
    g(db),
)""",
        ),
        (
            "f(a,\n  db=db)",
            "db",
            {"session": 1},
            "db.run_sync(lambda session: f(a,\n  db=session))",
        ),
    ],
)
def test_a_bridge_comes_and_goes(
    before: str, session: str, fields: dict[str, object], after: str
) -> None:
    """What is evaluated before the lambda goes back to its place."""
    becomes(f"x = «{before}»\n", f"x = {after}\n", edit(BridgeCall, to=session, **fields))
    becomes(f"x = «{after}»\n", f"x = {before}\n", edit(RecallCall, first=session))


MANY = ", ".join(f"argument_{number}" for number in range(6))
"""Too many arguments to be on a line with one that is called, too."""
LIST = MANY.replace(" ", "\n    ")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("«f(a, b)»", "«run_in_threadpool(f, a, b)»"),
        (f"«long_{{}}({MANY})»", f"«run_in_threadpool(\n    long_{{}}, {MANY}\n)»"),
        ("«f(\n    a, b\n)»", "«run_in_threadpool(\n    f,\n    a, b\n)»"),
        (f"«f(\n    {MANY}\n)»", f"«run_in_threadpool(\n    f,\n    {MANY}\n)»"),
        ("«f(\n    a\n)»", "«run_in_threadpool(\n    f,\n    a\n)»"),
        ("«f(\n    a,\n    b,\n)»", "«run_in_threadpool(\n    f,\n    a,\n    b,\n)»"),
        ("«f(\n    a,  # c\n    b\n)»", "«run_in_threadpool(\n    f, a,  # c\n    b\n)»"),
        (f"«f(\n    {LIST},\n)»", f"«run_in_threadpool(\n    f,\n    {LIST},\n)»"),
        (f"«f(\n    {LIST}\n)»", f"«run_in_threadpool(\n    f, {LIST}\n)»"),
        ("«f(a,\n  b)»", "«run_in_threadpool(f,\n  a,\n  b)»"),
        ("g(\n    «f(a)»\n)", "g(\n    «run_in_threadpool(f, a)»\n)"),
    ],
)
def test_lines_that_somebody_wanted_are_back_when_a_thread_is_gone(before: str, after: str) -> None:
    """Those that only the longer call had broken are joined."""
    first, last = (f"x = {text.replace('{}', 'name')}\n" for text in (before, after))
    becomes(first, last.translate(_UNMARKED), edit(DelegateCall, to="run_in_threadpool"))
    becomes(last, first.translate(_UNMARKED), edit(RecallCall))


def test_a_list_that_only_a_thread_has_made_is_joined() -> None:
    """It has no comma at the end, unlike one that was there before."""
    first = f"«name_of_length({MANY})»\n"
    last = f"«run_in_threadpool(\n    name_of_length,\n    {LIST}\n)»\n"
    becomes(first, last.translate(_UNMARKED), edit(DelegateCall, to="run_in_threadpool"))
    becomes(last, first.translate(_UNMARKED), edit(RecallCall))


_UNMARKED = str.maketrans("", "", "«»")
