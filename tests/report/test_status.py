"""The status as text, as JSON, as a badge and as a page."""

from __future__ import annotations

import json
from collections import Counter
from html.parser import HTMLParser
from io import StringIO
from itertools import pairwise
from xml.etree import ElementTree

import msgspec
import pytest
from rich.console import Console

from migrate_async.model.status import Snapshot, Status
from migrate_async.report.badge import badge
from migrate_async.report.charts import trend
from migrate_async.report.json import status_document
from migrate_async.report.page import Page
from migrate_async.report.status import render_status
from migrate_async.report.status_page import status_page
from migrate_async.report.treemap import squarified
from support.statuses import HISTORY, STATUS


def text(status: Status, history: tuple[Snapshot, ...] = (), *, verbose: bool = False) -> str:
    console = Console(file=StringIO(), width=200)
    render_status(status, history, Page(console), verbose=verbose)
    output = console.file
    assert isinstance(output, StringIO)
    return output.getvalue()


def page(status: Status = STATUS, history: tuple[Snapshot, ...] = HISTORY) -> str:
    return status_page(status, history, "2026-11-28", "0123456789ab")


# --- text and JSON -----------------------------------------------------------------------------


def test_text() -> None:
    """The head, then what is left, the most first, then what is in the way."""
    lines = text(STATUS, HISTORY).splitlines()
    assert lines[0] == "65.5% async  ###################..........."
    assert "  routes             2 of 4" in lines
    assert "  functions          19 of 29" in lines
    assert "  lint MA701         2" in lines
    assert "  Since 2026-09-01: from 0% to 65.5%" in lines
    modules = [line.split()[-1] for line in lines if line.endswith(".py")]
    assert modules[0] == "app/api/orders.py"
    assert "app/api/users.py" not in modules
    assert "  app/tasks.py:8 app.tasks.nightly (2 routes wait)" in lines


def test_one_day_is_no_trend() -> None:
    assert "Since" not in text(STATUS, HISTORY[-1:])


def test_verbose_text_has_all_routes_and_uses() -> None:
    shown = text(STATUS, verbose=True)
    assert all(route.url in shown for route in STATUS.routes)
    assert "app.crud.add_user" in shown
    assert "get_sync_db" in shown


def test_json() -> None:
    """Totals have the names of the state file; zeros are there, too."""
    document = json.loads(status_document(STATUS, HISTORY))
    assert document["totals"]["functions_left"] == 10
    assert document["totals"]["done"] == 65.5
    assert [item["date"] for item in document["trend"]] == [item.date for item in HISTORY]
    assert document["trend"][0]["done"] == 0
    assert {route["state"] for route in document["routes"]} == {
        "async", "bridged", "mixed", "sync", "plain"
    }  # fmt: skip


# --- pictures ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("done", "colour"), [(0, "#a83232"), (33, "#9a5b00"), (66, "#0f766e"), (100, "#2f7d32")]
)
def test_badge(done: float, colour: str) -> None:
    """An image with a text alternative; its colour says how far it is."""
    root = ElementTree.fromstring(badge(done))  # noqa: S314 - our own text
    assert root.attrib["aria-label"] == f"async: {done}%"
    assert root.attrib["role"] == "img"
    assert colour in badge(done)


def test_tiles_fill_the_map_in_proportion() -> None:
    """No tile overlaps another or sticks out, and each has the room that it should."""
    values = [60, 40, 25, 25, 10, 5, 3, 1, 1]
    tiles = squarified(values, 300, 200)
    assert sum(tile.width * tile.height for tile in tiles) == pytest.approx(300 * 200)
    for value, tile in zip(values, tiles, strict=True):
        assert tile.width * tile.height == pytest.approx(300 * 200 * value / sum(values))
        assert tile.left >= -1e-9
        assert tile.top >= -1e-9
        assert tile.left + tile.width <= 300 + 1e-6
        assert tile.top + tile.height <= 200 + 1e-6
    for number, one in enumerate(tiles):
        for other in tiles[number + 1 :]:
            apart_x = one.left + one.width <= other.left + 1e-6 or other.left + other.width <= (
                one.left + 1e-6
            )
            apart_y = one.top + one.height <= other.top + 1e-6 or other.top + other.height <= (
                one.top + 1e-6
            )
            assert apart_x or apart_y
    assert squarified([], 300, 200) == []


def test_time_is_to_scale() -> None:
    """Two days that are far apart are drawn far apart."""
    root = ElementTree.fromstring(trend(HISTORY))  # noqa: S314 - our own text
    dots = [float(item.attrib["cx"]) for item in root.iter("circle") if "class" in item.attrib]
    gaps = [after - before for before, after in pairwise(dots)]
    assert gaps[1] / gaps[0] == pytest.approx(40 / 19, rel=0.01)


def test_one_day_alone_can_be_drawn() -> None:
    """All that is left on the first day, and no division by zero."""
    assert "none" not in trend(HISTORY[:1]).lower()


# --- the page ----------------------------------------------------------------------------------


class Outline(HTMLParser):
    """Ids, references to them, headings, images without a text, the tags that are open."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.references: list[str] = []
        self.headings: list[int] = []
        self.unnamed: list[str] = []
        self.sources: list[str] = []
        self.captions = 0
        self.tables = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if given.get("id"):
            self.ids.append(str(given["id"]))
        for name in ("aria-labelledby", "for"):
            if name in given:
                self.references.append(str(given[name]))
        if tag in ("h1", "h2", "h3"):
            self.headings.append(int(tag[1]))
        if given.get("role") in ("img", "group", "region") and not given.get("aria-label"):
            self.unnamed.append(tag)
        if tag in ("img", "link", "iframe") or (tag == "script" and "src" in given):
            self.sources.append(tag)
        self.tables += tag == "table"
        self.captions += tag == "caption"


def outline(document: str) -> Outline:
    parser = Outline()
    parser.feed(document)
    return parser


def test_page_needs_nothing_else() -> None:
    """No file, no network: it opens from a mail."""
    document = page()
    assert outline(document).sources == []
    assert "http://" not in document
    assert "https://" not in document
    assert "default-src 'none'" in document


def test_page_is_accessible_by_its_structure() -> None:
    """One first heading, no level skipped, everything named, every reference met."""
    found = outline(page())
    assert found.headings[0] == 1
    assert Counter(found.headings)[1] == 1
    assert all(after - before <= 1 for before, after in pairwise(found.headings))
    assert found.unnamed == []
    assert len(found.ids) == len(set(found.ids))
    assert set(found.references) <= set(found.ids)
    assert found.captions == found.tables


def test_every_row_has_the_cells_of_its_head() -> None:
    """A column too many has no name."""
    for table in page().split("<table>")[1:]:
        head, body = table.split("</table>")[0].split("<tbody>")
        rows = body.split("<tr")[1:]
        assert rows
        assert {row.count("<td") for row in rows} == {head.count("<th scope")}


def test_page_escapes_what_the_project_says() -> None:
    """Names are text, whatever they hold."""
    evil = msgspec.structs.replace(
        STATUS.routes[0], url='/"><script>alert(1)</script>', function="a.<lambda>"
    )
    document = page(msgspec.structs.replace(STATUS, routes=(evil,)))
    assert "<script>alert" not in document
    assert "shop &amp; &lt;sons&gt;" in document


def test_page_of_a_finished_project() -> None:
    """No chart of one day, no empty tables; it says that all is done."""
    done = Status(project="shop", modules=(msgspec.structs.replace(STATUS.modules[1]),))
    document = page(done, ())
    assert "100 per cent async" in document
    assert "Everything that reaches the database is async." in document
    assert "Nothing keeps database code sync." in document
    assert "Burn-down" not in document
    assert 'id="filter"' not in document


def test_page_is_the_same_for_the_same_numbers() -> None:
    """So that it can be committed."""
    assert page() == page()
