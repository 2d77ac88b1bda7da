"""Definitions of the top level, found without parsing, against what Python's parser says."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from migrate_async.source.blocks import Block, blocks_of

PACKAGE = Path(__file__).parents[2] / "src" / "migrate_async"


def defining(name: str, text: str) -> list[Block]:
    return [block for block in blocks_of(text) if name in block.names]


NAMES = {
    "x = hot": "x",
    "x: int = hot": "x",
    "x: hot": "x",
    "a, x = hot": "x",
    "(a, x) = hot": "x",
    "a = x = hot": "x",
    "x += hot": "x",
    "x.y = hot": "x",
    "x.add(hot)": "x",
    "x = f(\n    hot,\n)": "x",
    "def x(\n    a,\n):\n    return hot": "x",
    "async def x():\n    return hot": "x",
    "@hot\nclass x:\n    pass": "x",
    "@first(\n    hot,\n)\n@second\ndef x():\n    pass": "x",
    "try:\n    x = hot\nexcept E:\n    y = 1": "x",
    "if A:\n    def x():\n        hot": "x",
    "with hot() as x:\n    pass": "x",
    "for x in hot:\n    pass": "x",
    'def x():\n    """\nSome text.\n    """\n    hot': "x",
    'def x():\n    a = """it\'s\n\'\'\'\ntext"""\n    hot': "x",
    "def x():\n# a comment\n    hot": "x",
}


@pytest.mark.parametrize("text", NAMES)
def test_what_is_defined_is_found_with_the_words_of_its_text(text: str) -> None:
    for around in (text, f"import os\n\nbefore = 1\n{text}\nafter = 2\n"):
        assert any("hot" in block.words for block in defining(NAMES[text], around))


def test_words_of_other_definitions_stay_there() -> None:
    text = 'def x():\n    """Text."""\n\n\ndef y():\n    return hot\n\n\nclass Z:\n    pass\n'
    assert [sorted(block.names) for block in blocks_of(text)] == [["x"], ["y"], ["Z"]]
    assert [("hot" in block.words) for block in blocks_of(text)] == [False, True, False]


def test_attributes_are_no_words() -> None:
    (block,) = blocks_of("x = a.hot\n")
    assert block.words == {"x", "a"}


def test_no_definition_of_our_own_code_loses_a_word() -> None:
    for path in sorted(PACKAGE.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        for node in ast.parse(text).body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                words = {item.id for item in ast.walk(node) if isinstance(item, ast.Name)}
                found = frozenset().union(*(b.words for b in defining(node.name, text)))
                assert words <= found, (path, node.name)
