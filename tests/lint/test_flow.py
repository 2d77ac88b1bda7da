"""The control flow graph: every path of a function is a path of its graph, and no other."""

from __future__ import annotations

import textwrap

import pytest

from migrate_async.lint.flow import build
from migrate_async.lint.flow.build import build_graph
from migrate_async.lint.flow.graph import Graph, Step, StepKind, Way
from migrate_async.lint.flow.graphs import Graphs
from migrate_async.lint.view import View
from migrate_async.model import syntax as s
from support.projects import project

_MAX_PATHS = 500


def graph_of(body: str) -> Graph:
    """The graph of a function with the statements `body`."""
    text = "def f(a, b, c):\n" + textwrap.indent(textwrap.dedent(body), "    ")
    function = project({"m.py": text}).function("m.f")
    assert function is not None
    graph = build_graph(function)
    assert graph is not None
    return graph


def paths(graph: Graph) -> set[str]:
    """Each path as the names called on it: `one two !` ends with an exception, `one two .` well.

    A call that raises is followed by `!`. Loops are gone round once.
    """
    found: set[str] = set()

    def follow(step: Step, trace: tuple[str, ...], seen: tuple[Step, ...]) -> None:
        assert len(found) < _MAX_PATHS
        if step is graph.exit or step is graph.abort:
            found.add(" ".join([*trace, "." if step is graph.exit else "!"]))
            return
        if seen.count(step) > 1:
            return
        called = _called(step)
        for way, target in step.edges:
            raised = ["!"] if way is Way.ERROR and called else []
            follow(target, (*trace, *called, *raised), (*seen, step))

    follow(graph.entry, (), ())
    return found


def _called(step: Step) -> list[str]:
    if step.kind not in (StepKind.RUN, StepKind.TEST, StepKind.ENTER) or step.node is None:
        return []
    return [
        node.func.id
        for node in s.own_code(step.node)
        if isinstance(node, s.Call) and isinstance(node.func, s.Name)
    ]


def test_statements_follow_each_other_and_may_raise() -> None:
    """Each call has a way on and a way out."""
    assert paths(graph_of("one()\ntwo()\n")) == {"one two .", "one ! !", "one two ! !"}


def test_code_after_return_is_not_reached() -> None:
    """The exit follows a return at once."""
    assert paths(graph_of("return one()\ntwo()\n")) == {"one .", "one ! !"}


def test_if_goes_either_way() -> None:
    """A test has a true and a false way; what cannot raise has no way out."""
    body = """\
        if a:
            one()
        elif b:
            two()
        three()
    """
    well = {path for path in paths(graph_of(body)) if path.endswith(".")}
    assert well == {"one three .", "two three .", "three ."}


def test_constant_tests_go_one_way() -> None:
    """`while True` ends by break alone."""
    body = """\
        while True:
            one()
            if a:
                break
        two()
    """
    well = {path for path in paths(graph_of(body)) if path.endswith(".")}
    assert well == {"one two .", "one one two ."}


def test_finally_runs_on_every_way_out() -> None:
    """Return, exception, break and the normal end all lead through it."""
    body = """\
        for x in a:
            try:
                if b:
                    return 1
                if c:
                    break
                one()
            finally:
                last()
        end()
    """
    found = paths(graph_of(body))
    assert "last ." in found  # return
    assert "last end ." in found  # break
    assert "one last end ." in found  # the normal end
    assert "one ! last !" in found  # an exception
    assert not any(path.startswith("one end") for path in found)


def test_handlers_catch_what_they_name() -> None:
    """A handler of one kind of exception leaves a way out, one of all kinds does not."""
    some = paths(graph_of("try:\n    one()\nexcept ValueError:\n    a = 1\n"))
    every = paths(graph_of("try:\n    one()\nexcept Exception:\n    a = 1\n"))
    bare = paths(graph_of("try:\n    one()\nexcept:\n    a = 1\n"))
    assert some == {"one .", "one ! .", "one ! !"}
    assert every == bare == {"one .", "one ! ."}


def test_else_runs_outside_of_the_handlers() -> None:
    """An exception in `else` is not caught by the same `try`."""
    found = paths(graph_of("try:\n    one()\nexcept Exception:\n    a = 1\nelse:\n    two()\n"))
    assert found == {"one two .", "one two ! !", "one ! ."}


def test_return_in_finally_swallows_the_exception() -> None:
    """As in Python."""
    found = paths(graph_of("try:\n    one()\nfinally:\n    return 1\n"))
    assert found == {"one .", "one ! ."}


def test_with_is_left_on_every_way_out() -> None:
    """Once for each way: at its end, by return, by an exception."""
    graph = graph_of("with one():\n    if a:\n        return 1\n    two()\nthree()\n")
    left = [step for step in graph.steps() if step.kind is StepKind.LEAVE]
    assert sorted(edge.way.value for step in left for edge in step.edges) == [
        "error",
        "next",
        "next",
    ]


def test_suppress_ends_exceptions() -> None:
    """After `contextlib.suppress` control goes on."""
    found = paths(graph_of("with suppress(ValueError):\n    one()\ntwo()\n"))
    assert "suppress one ! two ." in found


@pytest.mark.parametrize("call", ["sys.exit(1)", "os._exit(1)", "pytest.fail('x')"])
def test_calls_that_never_return(call: str) -> None:
    """What follows is not reached."""
    assert paths(graph_of(f"{call}\ntwo()\n")) == {"!"}


def test_match_tries_its_cases_in_order() -> None:
    """A wildcard leaves nothing over."""
    body = """\
        match a:
            case 1:
                one()
            case _:
                two()
        three()
    """
    well = {path for path in paths(graph_of(body)) if path.endswith(".")}
    assert well == {"one three .", "two three ."}


def test_logging_is_not_expected_to_raise() -> None:
    """Nor are operations on plain values; a session's `get` is."""
    assert paths(graph_of("logger.info('x')\nlen(a)\nb.strip()\n")) == {"len ."}
    assert "!" in paths(graph_of("session.get(a, b)\n"))


def test_too_many_steps_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nested `finally` blocks multiply; such a function has no graph."""
    monkeypatch.setattr(build, "MAX_STEPS", 20)
    function = project({"m.py": "def f():\n" + "    one()\n" * 30}).function("m.f")
    assert function is not None
    assert build_graph(function) is None


def test_what_is_raised_goes_to_the_handler_that_names_it() -> None:
    """Not to those after it; those before it may be for a base class."""
    body = """\
        try:
            raise Wrong
        except First:
            one()
        except app.Wrong:
            two()
        except Exception:
            three()
    """
    assert paths(graph_of(body)) == {"one .", "one ! !", "two .", "two ! !"}


def test_what_is_raised_goes_on_through_finally_and_outer_blocks() -> None:
    """The first that names it may be further out."""
    body = """\
        try:
            try:
                raise Wrong
            finally:
                last()
        except Wrong:
            one()
        except Exception:
            two()
    """
    assert paths(graph_of(body)) == {"last one .", "last one ! !", *_LAST_RAISES}


_LAST_RAISES = {"last ! one .", "last ! one ! !", "last ! two .", "last ! two ! !"}


@pytest.mark.parametrize(
    ("helper", "ends"),
    [
        ("def fail(e):\n    raise e\n", True),
        ("def fail(e):\n    if e:\n        raise e\n    raise ValueError\n", True),
        ("def fail(e):\n    if e:\n        raise e\n", False),
        ("def fail(e):\n    raise NotImplementedError\n", False),
        ("@retried\ndef fail(e):\n    raise e\n", False),
        ("async def fail(e):\n    raise e\n", False),
        ("def fail(e):\n    raise e\n\n\nclass A:\n    def fail(self):\n        return 1\n", False),
    ],
)
def test_a_function_that_only_raises_ends_its_caller(helper: str, ends: bool) -> None:
    """Nothing comes after its call."""
    linked = project({"m.py": f"{helper}\n\ndef f(e):\n    fail(e)\n    after()\n"})
    function = linked.function("m.f")
    assert function is not None
    graph = View(linked).analysis(Graphs).of(function)
    assert graph is not None
    assert any("after" in path for path in paths(graph)) is not ends
