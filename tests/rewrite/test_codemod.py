"""What every codemod gets from its base, alone and under LibCST's own runner."""

from __future__ import annotations

import argparse
from abc import ABC
from pathlib import Path

import libcst as cst
import pytest
from libcst.codemod import CodemodContext, SkipFile

from migrate_async.errors import StalePlanError
from migrate_async.model.plan import (
    AwaitCall,
    FilePlan,
    MakeAsync,
    Plan,
    Step,
    encode,
)
from migrate_async.rewrite.codemod import ALONE, Example, PlannedCodemod, run_example
from migrate_async.source.read import digest_of

TEXT = "def f():\n    g()\n"
EDITS = (
    MakeAsync(span=(1, 0, 2, 7), codemod="add-async"),
    AwaitCall(span=(2, 4, 2, 7), codemod="add-await"),
)
PLAN = Plan(step="all", files=(FilePlan(path=ALONE, digest="", edits=EDITS),))
EXAMPLES = (
    Example("planned", before=TEXT, after=f"async {TEXT}", plan=PLAN),
    Example("not planned", before=TEXT, plan=Plan(step="all")),
)


class AddAsync(PlannedCodemod):
    """Make functions async.

    Why: to have a codemod to test.
    """

    NAME = "add-async"
    CODE = "MA999"
    EXAMPLES = EXAMPLES


def transformed(plan: Plan | str | None, text: str = TEXT, filename: str = ALONE) -> str:
    codemod = AddAsync(CodemodContext(filename=filename), plan)
    return codemod.transform_module(cst.parse_module(text.encode())).code


def test_description_is_the_first_line() -> None:
    """LibCST lists it; nobody writes it twice."""
    assert AddAsync.DESCRIPTION == "Make functions async."


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.title)
def test_examples(example: Example) -> None:
    """Only the edits that carry the codemod's name are made."""
    assert run_example(AddAsync, example) == (example.after or example.before)


def test_plan_as_a_value() -> None:
    """The way our own code calls it."""
    assert transformed(PLAN) == f"async {TEXT}"


def test_plan_as_a_path(tmp_path: Path) -> None:
    """The way LibCST's runner calls it: options are strings."""
    path = tmp_path / "plan.json"
    path.write_bytes(encode(PLAN))
    assert transformed(str(path)) == f"async {TEXT}"


def test_absolute_file_names_are_found_in_the_plan() -> None:
    """The runner gives absolute paths, the plan has relative ones; the longest match wins."""
    other = FilePlan(path="a/module.py", digest="")
    plan = Plan(step="all", files=(other, *PLAN.files))
    assert transformed(plan, filename="/x/module.py") == f"async {TEXT}"
    assert transformed(plan, filename="/x/a/module.py") == TEXT


@pytest.mark.parametrize("filename", ["other.py", "xmodule.py", ""])
def test_file_that_is_not_in_the_plan_is_skipped(filename: str) -> None:
    """It is left alone, and the runner says so."""
    with pytest.raises(SkipFile, match="not in the plan"):
        transformed(PLAN, filename=filename)


def test_stale_file_is_skipped() -> None:
    """The digest is that of the bytes that the plan was made from."""
    file = FilePlan(path=ALONE, digest=digest_of(TEXT.encode()), edits=EDITS)
    assert transformed(Plan(step="all", files=(file,))) == f"async {TEXT}"
    with pytest.raises(SkipFile, match="changed"):
        transformed(Plan(step="all", files=(file,)), text=f"{TEXT}\n")


def test_file_that_does_not_fit_is_skipped() -> None:
    """A bug of ours leaves the file alone."""
    file = FilePlan(
        path=ALONE, digest="", edits=(MakeAsync(span=(2, 4, 2, 5), codemod="add-async"),)
    )
    with pytest.raises(SkipFile, match="MA901"):
        transformed(Plan(step="all", files=(file,)))


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]"])
def test_bad_plan_file_is_refused(tmp_path: Path, content: bytes) -> None:
    """With the path and what is wrong."""
    path = tmp_path / "plan.json"
    path.write_bytes(content)
    with pytest.raises(StalePlanError, match=r"plan\.json"):
        transformed(str(path))


def test_without_a_plan_the_module_is_planned_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The planner sees the text and the codemod's step."""
    seen: list[tuple[str, Step]] = []

    def planner(text: str, step: Step) -> Plan:
        seen.append((text, step))
        return PLAN

    monkeypatch.setattr(AddAsync, "planner", staticmethod(planner))
    assert transformed(None) == f"async {TEXT}"
    assert seen == [(TEXT, Step.ALL)]


def test_command_line_option() -> None:
    """`--plan`, by default none."""
    parser = argparse.ArgumentParser()
    AddAsync.add_args(parser)
    assert parser.parse_args([]).plan is None
    assert parser.parse_args(["--plan", "p.json"]).plan == "p.json"


@pytest.mark.parametrize(
    ("missing", "message"),
    [
        ({"NAME": None}, "no NAME"),
        ({"CODE": None}, "no CODE"),
        ({"__doc__": " "}, "no docstring"),
        ({"EXAMPLES": ()}, "no example of what it changes"),
        ({"EXAMPLES": EXAMPLES[1:]}, "no example of what it changes"),
        ({"EXAMPLES": EXAMPLES[:1]}, "leaves alone"),
    ],
)
def test_undocumented_codemod_is_refused(missing: dict[str, object], message: str) -> None:
    """At its definition, by name."""
    fields = {"NAME": "x", "CODE": "MA1", "EXAMPLES": EXAMPLES, "__doc__": "Doc."} | missing
    with pytest.raises(TypeError, match=f"Nameless has {message}|Nameless has no .*{message}"):
        type("Nameless", (PlannedCodemod,), fields)


def test_abstract_base_may_be_undocumented() -> None:
    """A base for other codemods lists `ABC` directly, as LibCST asks for."""
    base = type("Base", (PlannedCodemod, ABC), {})
    assert issubclass(base, PlannedCodemod)
