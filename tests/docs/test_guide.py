"""What the migration guide shows is what the tool does."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.guide_examples import Pair, converted, pairs

GUIDE = Path(__file__).parents[2] / "docs" / "guide"
EXAMPLES = [
    pytest.param(page.name, pair, id=f"{page.stem}-{number}")
    for page in sorted(GUIDE.glob("*.md"))
    for number, pair in enumerate(pairs(page.read_text(encoding="utf-8")), start=1)
]


@pytest.mark.parametrize(("page", "pair"), EXAMPLES)
def test_an_example_comes_out_as_shown(page: str, pair: Pair) -> None:
    assert converted(pair, page) == pair.after


def test_examples_are_found() -> None:
    """A changed fence would silently compare nothing."""
    assert len(EXAMPLES) >= 9
