"""Every link between the pages of the repository leads to a page, and to a heading of it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
PAGES = sorted(
    [
        *REPOSITORY.glob("*.md"),
        *(REPOSITORY / "docs").rglob("*.md"),
        *(REPOSITORY / "changes").glob("*.md"),
        *(REPOSITORY / ".github").rglob("*.md"),
    ]
)
LINK = re.compile(r"(?<!\\)\]\(<?([^)\s>]+)>?(?: \"[^\"]*\")?\)|^\[[^\]]+\]: (\S+)", re.MULTILINE)
CODE = re.compile(r"^( *)(```|~~~).*?^\1\2 *$|(`+)(?!`).+?(?<!`)\3(?!`)", re.MULTILINE | re.DOTALL)


def links(page: Path) -> Iterator[str]:
    """The targets of all links in `page`, code left out."""
    for match in LINK.finditer(CODE.sub("", page.read_text(encoding="utf-8"))):
        yield match[1] or match[2]


@cache
def anchors(page: Path) -> frozenset[str]:
    """The anchors of the headings of `page`, as GitHub and the site make them."""
    text = page.read_text(encoding="utf-8")
    explicit = set(re.findall(r'(?:id|name)="([^"]+)"|\{ ?#([\w-]+)', text))
    found = {name for pair in explicit for name in pair if name}
    seen: Counter[str] = Counter()
    outside_code = re.sub(r"^( *)(```|~~~).*?^\1\2 *$", "", text, flags=re.MULTILINE | re.DOTALL)
    for title in re.findall(r"^#{1,6} (.+?)(?: \{.*\})?$", outside_code, flags=re.MULTILINE):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title).strip().lower()
        slug = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
        found.update({f"{slug}-{seen[slug]}", f"{slug}_{seen[slug]}"} if seen[slug] else {slug})
        seen[slug] += 1
    return frozenset(found)


def broken(page: Path) -> Iterator[str]:
    for target in links(page):
        if re.match(r"[a-z][a-z+.-]*:", target):  # elsewhere: no test has a network
            continue
        name, _, anchor = target.partition("#")
        file = page if not name else (page.parent / name).resolve()
        if not file.exists():
            yield f"{target}: there is no {name}"
        elif name and not file.is_relative_to(REPOSITORY):
            yield f"{target}: outside of the repository"
        elif anchor and file.suffix == ".md" and anchor not in anchors(file):
            yield f"{target}: {file.name} has no such heading"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(REPOSITORY).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    assert list(broken(page)) == []


def test_links_and_headings_are_found(tmp_path: Path) -> None:
    """A check that sees nothing would pass, too."""
    assert len([target for page in PAGES for target in links(page)]) > 150
    page = tmp_path / "page.md"
    page.write_text(
        "# A `title`, twice\n# A `title`, twice\n[a](#a-title-twice-1) [b](#none) [c](no.md)\n"
        "`[d](no.md)`\n\n```\n[e](no.md)\n# Not a heading\n```\n"
        "[f]: no.md#x\n[g](#not-a-heading)\n",
        encoding="utf-8",
    )
    assert [line.partition(":")[0] for line in broken(page)] == [
        "#none",
        "no.md",
        "no.md#x",
        "#not-a-heading",
    ]
