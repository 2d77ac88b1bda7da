"""The status page in a real browser: light, dark, narrow, and with its script at work."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from migrate_async.report.status_page import status_page
from support.browser import DARK, ask
from support.statuses import HISTORY, STATUS

PROBE = """
if (document.getElementById("filter")) {
  answer.all = visible();
  type("orders post");
  answer.filtered = visible();
  answer.said = document.getElementById("shown").textContent;
  type("nothing like this");
  answer.none = !document.getElementById("none").hidden;
  type("");
  document.querySelector('[data-state="async"].chip').click();
  answer.chosen = visible();
  answer.pressed = [...document.querySelectorAll(".chip[aria-pressed=true]")]
    .map((c) => c.dataset.state);
}
const dot = document.querySelector(".dot");
if (dot) {
  dot.dispatchEvent(new FocusEvent("focusin", {bubbles: true}));
  answer.tip = document.getElementById("tip").textContent;
  answer.shown = document.getElementById("tip").classList.contains("on");
  document.dispatchEvent(new KeyboardEvent("keydown", {key: "Escape"}));
  answer.hidden = !document.getElementById("tip").classList.contains("on");
}
"""


def asked(folder: Path, *options: str, frame: int = 0) -> dict[str, Any]:
    page = status_page(STATUS, HISTORY, "2026-11-28", "0123456789ab")
    return ask(page, folder, *options, probe=PROBE, frame=frame)


def test_wide_and_light(tmp_path: Path) -> None:
    """Everything can be read, nothing sticks out, the filter and the hints work."""
    answer = asked(tmp_path, "--window-size=1280,900")
    assert answer["errors"] == []
    assert answer["contrast"] == []
    assert answer["overflow"] <= 0
    assert (answer["dark"], answer["paper"] > 0.8) == (False, True)
    assert answer["all"] == ["sync", "mixed", "bridged", "async", "plain"]
    assert answer["filtered"] == ["mixed"]
    assert answer["said"] == "1 of 5 routes shown"
    assert answer["none"] is True
    assert answer["chosen"] == ["async"]
    assert answer["pressed"] == ["async"]
    assert answer["tip"].startswith("2026-09-01: 28 of 28 functions left")
    assert answer["shown"] is True
    assert answer["hidden"] is True


def test_dark(tmp_path: Path) -> None:
    """The other colours have the contrast, too."""
    answer = asked(tmp_path, "--window-size=1280,900", DARK)
    assert (answer["dark"], answer["paper"] < 0.05) == (True, True)
    assert answer["contrast"] == []
    assert answer["errors"] == []


@pytest.mark.parametrize("width", [340, 620])
def test_narrow(tmp_path: Path, width: int) -> None:
    """On a telephone nothing has to be pushed sideways but the tables in their frames."""
    answer = asked(tmp_path, frame=width)
    assert answer["overflow"] <= 0
    assert answer["errors"] == []
    assert answer["filtered"] == ["mixed"]
