"""The chain of reasons: followed from function to function, and never in a circle."""

from __future__ import annotations

import io

from rich.console import Console

from migrate_async.model.plan import FunctionDecision, Plan, Reason
from migrate_async.report.explain import chain, find, nearest, render_explanation
from migrate_async.report.page import Page
from support import samples


def test_find_by_qualified_name_or_its_end() -> None:
    assert find(samples.PLAN, "app.crud.CRUDUser.get") == [samples.CRUD_GET]
    assert find(samples.PLAN, "CRUDUser.get") == [samples.CRUD_GET]
    assert find(samples.PLAN, "User.get") == []


def test_an_exact_name_wins_over_names_that_end_alike() -> None:
    short = FunctionDecision("get", "a.py", 1, "convert")
    long = FunctionDecision("app.get", "b.py", 1, "convert")
    assert find(Plan(step="all", functions=(long, short)), "get") == [short]


def test_nearest_names() -> None:
    assert nearest(samples.PLAN, "app.api.read_usr") == ["app.api.read_user"]
    assert nearest(samples.PLAN, "zzz") == []


def test_the_chain_follows_to_the_cause() -> None:
    codes = [reason.code for reason in chain(samples.PLAN, samples.READ_USER)]
    assert codes == ["calls", "session-operation", "called-by"]


def test_a_circle_ends() -> None:
    a = FunctionDecision(
        "a", "m.py", 1, "convert", (Reason("calls", "it calls b", because_of="b"),)
    )
    b = FunctionDecision(
        "b", "m.py", 5, "convert", (Reason("calls", "it calls a", because_of="a"),)
    )
    plan = Plan(step="all", functions=(a, b))
    assert [reason.because_of for reason in chain(plan, a)] == ["b", "a"]


def test_a_reason_that_leads_out_of_the_plan_ends_the_chain() -> None:
    lone = FunctionDecision("a", "m.py", 1, "keep", (Reason("x", "why", because_of="elsewhere"),))
    assert len(list(chain(Plan(step="all", functions=(lone,)), lone))) == 1


def test_the_text_names_verdict_place_and_each_link() -> None:
    stream = io.StringIO()
    render_explanation(samples.PLAN, samples.READ_USER, Page(Console(file=stream)))
    assert stream.getvalue().splitlines() == [
        "app.api.read_user (GET /users/{id}): convert",
        "  app/api.py:12",
        "  because it calls CRUDUser.get  app/api.py:14",
        "  because it runs a query on a session  app/crud.py:6",
        "  because read_user calls it  app/api.py:14",
    ]


def test_who_takes_no_part_is_explained_too() -> None:
    test = FunctionDecision(
        "tests.test_a.test_it", "tests/test_a.py", 3, "keep", (Reason("suite-stays", "why"),)
    )
    kept = FunctionDecision(
        "app.get",
        "app.py",
        1,
        "keep",
        (Reason("called-by", "it calls it", because_of=test.function),),
    )
    plan = Plan(step="all", functions=(kept,), others=(test,))
    assert find(plan, "test_it") == [test]
    assert [reason.text for reason in chain(plan, kept)] == ["it calls it", "why"]
