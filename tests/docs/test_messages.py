"""Every code that the tool can print is explained on a page."""

from __future__ import annotations

import re
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
CODE = re.compile(r'"(MA\d{3})"')


def test_every_code_has_a_row() -> None:
    sources = (REPOSITORY / "src" / "migrate_async").rglob("*.py")
    used = {code for path in sources for code in CODE.findall(path.read_text(encoding="utf-8"))}
    pages = [REPOSITORY / "docs" / name for name in ("messages.md", "verify.md", "rules.md")]
    explained = set(
        re.findall(r"MA\d{3}", "".join(page.read_text(encoding="utf-8") for page in pages))
    )
    assert len(used) > 100
    assert used <= explained, sorted(used - explained)
