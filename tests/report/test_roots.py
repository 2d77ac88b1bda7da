"""What keeps others sync: each chain of reasons is followed, and the ends are counted."""

from __future__ import annotations

import io

from rich.console import Console

from migrate_async.model.graph import CallGraph
from migrate_async.model.plan import FunctionDecision, Plan, Reason
from migrate_async.report.page import Page
from migrate_async.report.plan_page import plan_page
from migrate_async.report.roots import roots
from migrate_async.report.text import FEW, render_plan

_CALLS_SQL = Reason("session-operation", "calls session.execute()")


def kept(name: str, *reasons: Reason, route: str = "", verdict: str = "keep") -> FunctionDecision:
    return FunctionDecision(name, "app.py", 1, verdict, reasons, route)


def because_of(name: str, code: str = "called-by-sync") -> Reason:
    return Reason(code, f"because of {name}", because_of=name)


def plan_of(*decisions: FunctionDecision) -> Plan:
    return Plan(step="all", functions=decisions)


PLAN = plan_of(
    kept("find", because_of("Task.run"), _CALLS_SQL),
    kept("Task.run", Reason("boundary", "a thread runs it", "app.py", 7), _CALLS_SQL),
    kept("read", because_of("find", "runs-sync"), _CALLS_SQL, route="GET /"),
    kept("alone", Reason("boundary", "a lambda cannot be one"), _CALLS_SQL),
    kept("other", because_of("find", "calls"), _CALLS_SQL, verdict="convert"),
    kept("bridged", because_of("Task.run"), _CALLS_SQL, verdict="bridge"),
)


def ends(plan: Plan) -> list[tuple[str, int, int]]:
    return [(root.decision.function, root.functions, root.routes) for root in roots(plan)]


def test_the_end_of_each_chain_is_counted() -> None:
    """What keeps only itself is no root; what converts keeps nobody."""
    assert ends(PLAN) == [("Task.run", 4, 1)]


def test_a_circle_has_one_end_wherever_it_is_entered() -> None:
    plan = plan_of(
        kept("c", because_of("b")),
        kept("b", because_of("a")),
        kept("a", because_of("b")),
        kept("d", because_of("c")),
    )
    assert ends(plan) == [("a", 4, 0)]


def test_who_only_hands_a_session_on_is_no_end() -> None:
    """A property that makes a repository runs no SQL: what keeps the repository is the reason."""
    lends = Reason("lends-session", "save uses its session", because_of="save")
    plan = plan_of(
        kept("save", Reason("boundary", "a task"), _CALLS_SQL),
        kept("repository", Reason("boundary", "a property"), lends),
        kept("read", because_of("repository", "property"), lends),
    )
    assert ends(plan) == [("save", 3, 0)]


def test_what_is_not_in_the_plan_ends_a_chain() -> None:
    plan = plan_of(kept("a", because_of("tests.test_a")), kept("b", because_of("a")))
    assert ends(plan) == [("a", 2, 0)]


def test_text_and_page_name_the_root_and_its_reason() -> None:
    stream = io.StringIO()
    render_plan(PLAN, Page(Console(file=stream, width=100)))
    lines = stream.getvalue().splitlines()
    heading = lines.index("What keeps others sync")
    assert lines[heading + 1 : heading + 3] == [
        "  Task.run keeps 4 functions, 1 route among them",
        "      a thread runs it (app.py:7)",
    ]
    page = plan_page(PLAN, CallGraph(), "Shop")
    assert "keeps 4 functions, 1 route among them" in page


def test_only_those_that_keep_the_most_are_listed() -> None:
    pairs = [
        (kept(f"a{n}", Reason("x", "y")), kept(f"b{n}", because_of(f"a{n}"))) for n in range(9)
    ]
    plan = plan_of(*(decision for pair in pairs for decision in pair))
    for verbose, shown in ((False, FEW), (True, 9)):
        stream = io.StringIO()
        render_plan(plan, Page(Console(file=stream, width=100)), verbose=verbose)
        assert stream.getvalue().count(" keeps 2 functions") == shown


def test_a_test_is_an_end_and_counts_for_nothing_itself() -> None:
    suite = kept("tests.test_it", Reason("suite-stays", "a client stays"))
    plan = Plan(step="all", functions=(kept("find", because_of("tests.test_it")),), others=(suite,))
    assert ends(plan) == [("tests.test_it", 1, 0)]


def test_the_top_level_of_a_module_is_no_end() -> None:
    """The function that it calls tells where."""
    module = kept("app.<module>", Reason("called-at-import", "Python runs it"))
    functions = (kept("fill", because_of(module.function)), kept("rows", because_of("fill")))
    assert ends(Plan(step="all", functions=functions, others=(module,))) == [("fill", 2, 0)]
