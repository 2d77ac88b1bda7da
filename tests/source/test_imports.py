"""Imports found in bytes, against what Python's parser says."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from migrate_async.source.imports import Import, import_lines, imports_of, modules_named

PACKAGE = Path(__file__).parents[2] / "src" / "migrate_async"

CASES = {
    "import a": [Import(0, "a", "", "a", is_top=True)],
    "import a.b as c, d": [
        Import(0, "a.b", "", "c", is_top=True),
        Import(0, "d", "", "d", is_top=True),
    ],
    "from . import a": [Import(1, "", "a", "a", is_top=True)],
    "from ..x import (\n    a as b,  # (why)\n    c,\n)": [
        Import(2, "x", "a", "b", is_top=True),
        Import(2, "x", "c", "c", is_top=True),
    ],
    "from x import *": [Import(0, "x", "*", "*", is_top=True)],
    "def f():\n    from x import a": [Import(0, "x", "a", "a", is_top=False)],
    "from x \\\n    import a, \\\n    b": [
        Import(0, "x", "a", "a", is_top=True),
        Import(0, "x", "b", "b", is_top=True),
    ],
    "important = 1\nimport_x(from_y)": [],
}


@pytest.mark.parametrize("text", CASES)
def test_imports_are_found_with_what_they_bind(text: str) -> None:
    assert list(imports_of(text.encode())) == CASES[text]


LINES = [
    "import a",
    "\ufeffimport a",
    "import b, a",
    "import b as c, a",
    "import b; import a",
    "import b;import a",
    "if X: import a",
    "if X:\n\timport a",
    "from a import x",
    "from a import (\n    x,\n    y,\n)",
    "from \\\n    a import x",
    "import b, \\\r\n    a",
    "x = 1\r\nfrom a import x\r\n",
]


@pytest.mark.parametrize("text", LINES)
def test_the_quick_look_names_the_module(text: str) -> None:
    found = {item for line in import_lines(text.encode()) for item in modules_named(line)}
    assert (0, "a") in found


def test_the_quick_look_counts_dots() -> None:
    (line,) = import_lines(b"from ...a.b import c\n")
    assert list(modules_named(line)) == [(3, "a.b")]


def test_nothing_that_python_imports_is_missed_in_our_own_code() -> None:
    for path in sorted(PACKAGE.rglob("*.py")):
        data = path.read_bytes()
        expected = set(_imported(ast.parse(data)))
        assert expected <= {(i.level, i.module, i.name, i.bound) for i in imports_of(data)}
        named = {item for line in import_lines(data) for item in modules_named(line)}
        assert {(level, module) for level, module, _, _ in expected} <= named, path


def _imported(tree: ast.Module) -> list[tuple[int, str, str, str]]:
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            found += [
                (node.level, node.module or "", item.name, item.asname or item.name)
                for item in node.names
            ]
        elif isinstance(node, ast.Import):
            found += [
                (0, item.name, "", item.asname or item.name.split(".")[0]) for item in node.names
            ]
    return found
