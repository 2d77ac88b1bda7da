"""A plan as a graph for Graphviz and as a page."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from migrate_async.cli.exit_codes import ExitCode
from migrate_async.model.graph import CallGraph
from migrate_async.model.plan import Plan
from migrate_async.report.dot import dot_graph
from migrate_async.report.plan_page import plan_page
from support.browser import DARK, ask
from support.cli import invoke
from support.plans import GRAPH, PLAN

PROBE = """
answer.all = visible();
type("get /users");
answer.filtered = visible();
answer.said = document.getElementById("shown").textContent;
type("");
document.querySelector('[data-state="bridge"].chip').click();
answer.chosen = visible();
answer.broken = [...document.querySelectorAll('a[href^="#"]')]
  .filter((link) => !document.getElementById(link.hash.slice(1))).map((link) => link.hash);
answer.links = document.querySelectorAll('#functions a').length;
"""


# --- dot ---------------------------------------------------------------------------------------


def test_a_node_for_each_function_in_the_colour_of_its_verdict() -> None:
    text = dot_graph(GRAPH)
    fills = dict(re.findall(r'^    (n\d+) \[label=.*fillcolor="(#\w+)"', text, re.MULTILINE))
    assert list(fills) == ["n0", "n1", "n2", "n3"]
    assert fills["n0"] == fills["n2"] != fills["n1"] != fills["n3"]
    assert re.findall(r'label="(app/\w+\.py)"', text) == [
        "app/crud.py",
        "app/main.py",
        "app/tasks.py",
    ]
    assert 'label="Users.get"' in text
    assert r'label="GET /users/{id}\nread"' in text


def test_an_arrow_shows_how_a_function_is_reached() -> None:
    arrows = re.findall(r"^  (n\d -> n\d.*);$", dot_graph(GRAPH), re.MULTILINE)
    assert arrows == ["n2 -> n0", "n2 -> n1 [style=dashed]", "n2 -> n3 [style=dotted]", "n3 -> n1"]


def test_text_is_quoted() -> None:
    """Every quote that stands in a string is escaped, so that strings end where they should."""
    text = dot_graph(GRAPH)
    assert r'tooltip="a \"task\" <b>"' in text
    without = re.sub(r'"(?:[^"\\]|\\.)*"', "", text)
    assert '"' not in without
    assert without.count("{") == without.count("}") == 4


def test_a_step_without_colours_has_no_graph(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("x = 1\n")
    result = invoke("plan", str(tmp_path), "--step", "queries", "--format", "dot", "--no-cache")
    assert result.exit_code == ExitCode.USAGE
    assert "only the steps `async` and `all` have a call graph" in result.stderr


# --- the page ----------------------------------------------------------------------------------


def page(plan: Plan = PLAN, graph: CallGraph = GRAPH) -> str:
    return plan_page(plan, graph, "shop")


def test_the_page_escapes_what_the_project_says() -> None:
    assert "a &quot;task&quot; &lt;b&gt;" in page()
    assert "wants &lt;hands&gt;" in page()
    assert "<hands>" not in page()


def test_the_page_says_what_is_in_the_plan() -> None:
    text = page()
    assert "2 functions become coroutines. Risk: medium, 1 function run in bridges." in text
    border = text.partition('id="border"')[2].partition("</section>")[0]
    assert border.count("<tr>") == 2, "the head and one call: a dependency is no bridge"
    assert "app.<wbr>crud.<wbr>total" in border
    messages = text.partition('id="messages"')[2]
    assert messages.index("MA401") < messages.index("MA420"), "a note comes last"
    assert "MA201" not in messages, "the verdict of the function says it"
    assert "1 async-colour" in text


def test_a_plan_without_functions_has_its_files() -> None:
    plan = msgspec.structs.replace(PLAN, functions=(), diagnostics=())
    text = page(plan, CallGraph())
    assert 'id="files"' in text
    assert 'id="functions"' not in text
    assert "Nothing to change." in page(msgspec.structs.replace(plan, files=()), CallGraph())


# --- in a browser ------------------------------------------------------------------------------


def asked(folder: Path, *options: str, frame: int = 0) -> dict[str, Any]:
    return ask(page(), folder, *options, probe=PROBE, frame=frame)


def test_wide_and_light(tmp_path: Path) -> None:
    """Everything can be read, nothing sticks out, the filter works and links lead somewhere."""
    answer = asked(tmp_path, "--window-size=1280,900")
    assert answer["errors"] == answer["contrast"] == answer["broken"] == []
    assert answer["overflow"] <= 0
    assert (answer["dark"], answer["paper"] > 0.8) == (False, True)
    assert answer["all"] == ["keep", "bridge", "convert", "convert"]
    assert answer["filtered"] == ["convert"]
    assert answer["said"] == "1 of 4 functions shown"
    assert answer["chosen"] == ["bridge"]
    assert answer["links"] == 8


def test_dark(tmp_path: Path) -> None:
    answer = asked(tmp_path, "--window-size=1280,900", DARK)
    assert (answer["dark"], answer["paper"] < 0.05) == (True, True)
    assert answer["errors"] == answer["contrast"] == []


@pytest.mark.parametrize("width", [340, 620])
def test_narrow(tmp_path: Path, width: int) -> None:
    answer = asked(tmp_path, frame=width)
    assert answer["overflow"] <= 0
    assert answer["errors"] == []
