"""Every codemod's examples are its tests; every codemod is found, and works alone in LibCST."""

from __future__ import annotations

import ast

import libcst as cst
import pytest
from libcst.codemod import CodemodContext

from migrate_async.rewrite.codemod import Example, PlannedCodemod, run_example
from migrate_async.rewrite.registry import codemods

CASES = [
    pytest.param(codemod, example, id=f"{codemod.NAME}: {example.title}")
    for codemod in codemods()
    for example in codemod.EXAMPLES
]


@pytest.mark.parametrize(("codemod", "example"), CASES)
def test_an_example_comes_out_as_it_says(codemod: type[PlannedCodemod], example: Example) -> None:
    expected = example.before if example.after is None else example.after
    assert run_example(codemod, example) == expected


@pytest.mark.parametrize(("codemod", "example"), CASES)
def test_the_text_expected_is_valid(codemod: type[PlannedCodemod], example: Example) -> None:
    # Parsed, not compiled: one codemod of several may leave an `async with` in a `def`.
    ast.parse(example.before if example.after is None else example.after)


def test_every_shipped_codemod_is_found_in_order() -> None:
    assert [codemod.NAME for codemod in codemods()] == [
        "modern-models",
        "query-to-select",
        "session-injection",
        "async-colour",
        "registry-cleanup",
        "async-engine",
        "async-tests",
        "eager-relationships",
        "alembic-env",
        "async-client",
    ]


def test_codes_are_unique() -> None:
    codes = [codemod.CODE for codemod in codemods()]
    assert len(set(codes)) == len(codes)


ALONE = [
    codemod for codemod in codemods() if all(example.plan is None for example in codemod.EXAMPLES)
]


@pytest.mark.parametrize("codemod", ALONE, ids=lambda codemod: codemod.NAME)
def test_a_codemod_is_an_ordinary_libcst_command(codemod: type[PlannedCodemod]) -> None:
    example = next(item for item in codemod.EXAMPLES if item.after is not None)
    command = codemod(CodemodContext(filename="module.py"))
    assert command.transform_module(cst.parse_module(example.before)).code == example.after
