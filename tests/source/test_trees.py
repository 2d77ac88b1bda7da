"""Trees of several threads at a time."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from migrate_async.source.trees import parse_expression, parse_module

TEXT = Path(ast.__file__).read_text(encoding="utf-8")


@pytest.fixture
def hasty() -> Iterator[None]:
    """Threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("hasty")
def test_threads_parse_side_by_side() -> None:
    with ThreadPoolExecutor(4) as pool:
        trees = list(pool.map(parse_module, [TEXT] * 12))
    wanted = ast.dump(ast.parse(TEXT))
    assert all(ast.dump(tree) == wanted for tree in trees)


def test_an_expression_is_one() -> None:
    assert isinstance(parse_expression("a + b").body, ast.BinOp)
    with pytest.raises(SyntaxError):
        parse_expression("a = b")
