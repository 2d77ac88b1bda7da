"""The status page in a real browser: light, dark, narrow, and with its script at work."""

from __future__ import annotations

import html
import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from migrate_async.report.status_page import status_page
from support.statuses import HISTORY, STATUS

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")

PROBE = """
const answer = {errors: window.errors};
const visible = () => [...document.querySelectorAll("#routes tbody tr")].filter((r) => !r.hidden)
  .map((r) => r.dataset.state);
const type = (text) => {
  const field = document.getElementById("filter");
  field.value = text;
  field.dispatchEvent(new Event("input"));
};
const luminance = ([r, g, b]) => {
  const [x, y, z] = [r, g, b].map((v) => v / 255)
    .map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  return 0.2126 * x + 0.7152 * y + 0.0722 * z;
};
const parse = (colour) => colour.match(/[\\d.]+/g).map(Number);
const behind = (element) => {
  for (let at = element; at; at = at.parentElement) {
    const colour = parse(getComputedStyle(at).backgroundColor);
    if (colour.length < 4 || colour[3] === 1) return colour;
  }
  return [255, 255, 255];
};
answer.dark = matchMedia("(prefers-color-scheme: dark)").matches;
answer.paper = luminance(behind(document.body));
answer.contrast = [...document.querySelectorAll("body *")]
  .filter((e) => [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim()))
  .filter((e) => !["SCRIPT", "STYLE"].includes(e.tagName) && e.id !== "tip")
  .filter((e) => e.getClientRects().length)
  .map((e) => {
    const style = getComputedStyle(e);
    const svg = e.namespaceURI.endsWith("svg");
    const [a, b] = [parse(svg ? style.fill : style.color), behind(e)].map(luminance);
    return [(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), e.outerHTML];
  })
  .filter(([ratio]) => ratio < 4.5);
answer.overflow = document.documentElement.scrollWidth - innerWidth;
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
document.body.textContent = JSON.stringify(answer);
"""


@pytest.fixture(scope="module")
def browser() -> str:
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip("no Chromium here (Debian: apt-get install chromium)")
    return found


def ask(browser: str, folder: Path, *options: str, frame: int = 0) -> dict[str, Any]:
    """What the page says of itself when the probe has run in it.

    With `frame` it is shown in a frame of that width: no window gets narrower than 500.
    """
    document = status_page(STATUS, HISTORY, "2026-11-28", "0123456789ab")
    listen = '<script>window.errors = []; addEventListener("error", (e) => errors.push(e.message));'
    document = document.replace("<head>", f"<head>{listen}</script>")
    probe = PROBE
    if frame:
        probe = probe.replace("document.body.textContent =", "parent.document.body.textContent =")
    document = document.replace("</body>", f"<script>{probe}</script></body>")
    if frame:
        document = f'<body><iframe width="{frame}" height="900" srcdoc="{html.escape(document)}">'
    file = folder / "status.html"
    file.write_text(document, "utf-8")
    command = [browser, "--headless=new", "--disable-gpu", "--virtual-time-budget=3000"]
    command += ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    command += [f"--user-data-dir={folder / 'profile'}", *options, "--dump-dom", file.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    body = re.search(r"<body[^>]*>(\{.*\})\s*</body>", done.stdout, re.DOTALL)
    assert body is not None, done.stderr[-2000:] + done.stdout[-2000:]
    answer: dict[str, Any] = json.loads(html.unescape(body[1]))
    return answer


def test_wide_and_light(browser: str, tmp_path: Path) -> None:
    """Everything can be read, nothing sticks out, the filter and the hints work."""
    answer = ask(browser, tmp_path, "--window-size=1280,900")
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


def test_dark(browser: str, tmp_path: Path) -> None:
    """The other colours have the contrast, too."""
    answer = ask(
        browser, tmp_path, "--window-size=1280,900", "--blink-settings=preferredColorScheme=0"
    )
    assert (answer["dark"], answer["paper"] < 0.05) == (True, True)
    assert answer["contrast"] == []
    assert answer["errors"] == []


@pytest.mark.parametrize("width", [340, 620])
def test_narrow(browser: str, tmp_path: Path, width: int) -> None:
    """On a telephone nothing has to be pushed sideways but the tables in their frames."""
    answer = ask(browser, tmp_path, frame=width)
    assert answer["overflow"] <= 0
    assert answer["errors"] == []
    assert answer["filtered"] == ["mixed"]
