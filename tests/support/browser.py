"""Pages in a real browser: what they say of themselves once their script has run."""

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

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
DARK = "--blink-settings=preferredColorScheme=0"

_PROBE = """
const answer = {errors: window.errors};
const visible = () => [...document.querySelectorAll(".tools ~ .scroll tbody tr")]
  .filter((r) => !r.hidden)
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
"""


def find_browser() -> str:
    """The browser's program; skips the test where there is none."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        if os.environ.get("CI"):
            pytest.fail("CI has to have a Chromium")
        pytest.skip("no Chromium here (Debian: apt-get install chromium)")
    return found


def ask(
    document: str, folder: Path, *options: str, probe: str = "", frame: int = 0
) -> dict[str, Any]:
    """What the page `document` says of itself.

    `errors` of its scripts, `contrast` (texts of too little), `overflow` (pixels that stick out to
    the right), `dark`, `paper` (how light its ground is), and what `probe` adds to `answer`; it
    has `visible()`, the states of the rows that are shown, and `type(text)` into the filter. With
    `frame` it is shown in a frame of that width: no window gets narrower than 500.
    """
    browser = find_browser()
    listen = '<script>window.errors = []; addEventListener("error", (e) => errors.push(e.message));'
    document = document.replace("<head>", f"<head>{listen}</script>")
    place = "parent.document" if frame else "document"
    script = f"{_PROBE}{probe}{place}.body.textContent = JSON.stringify(answer);"
    document = document.replace("</body>", f"<script>{script}</script></body>")
    if frame:
        document = f'<body><iframe width="{frame}" height="900" srcdoc="{html.escape(document)}">'
    file = folder / "page.html"
    file.write_text(document, "utf-8")
    command = [browser, "--headless=new", "--disable-gpu", "--virtual-time-budget=3000"]
    command += ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    command += [f"--user-data-dir={folder / 'profile'}", *options, "--dump-dom", file.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    body = re.search(r"<body[^>]*>(\{.*\})\s*</body>", done.stdout, re.DOTALL)
    assert body is not None, done.stderr[-2000:] + done.stdout[-2000:]
    answer: dict[str, Any] = json.loads(html.unescape(body[1]))
    return answer
