"""Parts of pages that need no network: one file, light and dark, readable without script."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from importlib.resources import files
from typing import NamedTuple

from migrate_async import __version__
from migrate_async.report.treemap import squarified

SHADES = (20, 50, 80, 100)
"""Per cent at which a tile takes the next shade of the map."""
_SHADE_NAMES = ("under 20%", "20 to 50%", "50 to 80%", "80% and more")
_MAP_WIDTH, _MAP_HEIGHT = 1070, 460


class Heading(NamedTuple):
    """The head of a page, as text."""

    eyebrow: str
    text: str
    lead: str


def document(title: str, heading: Heading, body: str, made: str = "") -> str:
    """A whole page. `body` and `made`, the beginning of the footer, are HTML."""
    assets = files("migrate_async.report") / "assets"
    return f"""\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:">
<title>{escape(title)}</title>
<style>
{(assets / "status.css").read_text("utf-8")}</style>
</head>
<body>
<a class="skip" href="#content">Skip to the content</a>
<header class="top">
<p class="eyebrow">{escape(heading.eyebrow)}</p>
<h1>{escape(heading.text)}</h1>
<p class="lead">{escape(heading.lead)}</p>
</header>
<main id="content">
{body}
</main>
<footer>{made}migrate-async {escape(__version__)}</footer>
<div id="tip" role="status"></div>
<script>
{(assets / "status.js").read_text("utf-8")}</script>
</body>
</html>
"""


def section(title: str, hint: str, content: str, name: str) -> str:
    """A card with a heading; `name` is its id."""
    return f"""\
<section aria-labelledby="{name}-title" id="{name}">
<h2 id="{name}-title">{title}</h2>
<p class="hint">{hint}</p>
{content}
</section>"""


def hero(picture: str, tiles: Iterable[str]) -> str:
    """The head of a page: a picture, and numbers beside it."""
    return f"""\
<section class="hero" aria-label="Overview">
{picture}
<dl class="tiles">{"".join(tiles)}</dl>
</section>"""


def tile(name: str, number: int) -> str:
    return f'<div class="tile"><dt>{name}</dt><dd>{number:,}</dd></div>'


def table(head: Iterable[str], rows: str, caption: str) -> str:
    """A table in a frame of its own, which scrolls; `rows` is HTML."""
    cells = "".join(f'<th scope="col">{name}</th>' for name in head)
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{caption}"><table>'
        f'<caption class="visually-hidden">{caption}</caption>'
        f"<thead><tr>{cells}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def filtered(content: str, noun: str, placeholder: str, states: Sequence[tuple[str, int]]) -> str:
    """A table of `noun` (in the plural) below a search field and a button for each state.

    The rows of `content` carry their state in `data-state`; `states` says how many there are.
    """
    chips = _chip("", "all", sum(number for _, number in states), pressed=True) + "".join(
        _chip(state, state, number, pressed=False) for state, number in states if number
    )
    return f"""\
<div class="tools" role="search" data-noun="{noun}">
<label class="visually-hidden" for="filter">Filter the {noun}</label>
<input type="search" id="filter" placeholder="{placeholder}" autocomplete="off">
{chips}
<span class="muted" id="shown" role="status"></span>
</div>{content}<p class="muted" id="none" hidden>None of the {noun} fits the filter.</p>"""


def _chip(state: str, text: str, number: int, *, pressed: bool) -> str:
    is_pressed = "true" if pressed else "false"
    return (
        f'<button type="button" class="chip" data-state="{state}" aria-pressed="{is_pressed}">'
        f"{text} {number}</button>"
    )


def badge(state: str) -> str:
    return f'<span class="state {state}">{state}</span>'


def breakable(text: str) -> str:
    """Text that a line may end in after each part of a path, or of a dotted name."""
    separator = "/" if "/" in text else "."
    return escape(text).replace(separator, f"{separator}<wbr>")


def folded(items: Sequence[str], shown: int = 12) -> str:
    """List items as a list, those beyond the first `shown` behind a click."""
    head, rest = "".join(items[:shown]), "".join(items[shown:])
    if rest:
        more = f"<summary>{len(items) - shown} more</summary>"
        rest = f'<details>{more}<ol class="blockers" start="{shown + 1}">{rest}</ol></details>'
    return f'<ol class="blockers">{head}</ol>{rest}'


# --- the map -----------------------------------------------------------------------------------


class Area(NamedTuple):
    """A file on the map: as large as `size`, in the shade of `done` per cent."""

    path: str
    size: int
    done: float
    tip: str


def heat_map(areas: Iterable[Area], label: str, full: str) -> str:
    """A map in which each area has room by its size, the largest first; `full` names 100%."""
    known = sorted((area for area in areas if area.size), key=lambda area: (-area.size, area))
    legend = "".join(
        f'<li><i class="h{number}"></i>{text}</li>'
        for number, text in enumerate((*_SHADE_NAMES, full))
    )
    places = squarified([area.size for area in known], _MAP_WIDTH, _MAP_HEIGHT)
    cells = []
    for area, place in zip(known, places, strict=True):
        left, top = 100 * place.left / _MAP_WIDTH, 100 * place.top / _MAP_HEIGHT
        width, height = 100 * place.width / _MAP_WIDTH, 100 * place.height / _MAP_HEIGHT
        text = f"<b>{escape(_short(area.path))}</b><span>{area.done:g}%</span>"
        cells.append(
            f'<div class="cell {shade(area.done)}" data-tip="{escape(area.tip)}" '
            f'style="left:{left:.3f}%;top:{top:.3f}%;width:{width:.3f}%;height:{height:.3f}%">'
            f"<p>{text}</p></div>"
        )
    return f"""\
<ul class="legend" aria-label="Shades">{legend}</ul>
<div class="heat" role="img" aria-label="{label}">{"".join(cells)}</div>"""


def shade(done: float) -> str:
    """The class of the shade for `done` per cent."""
    return f"h{sum(done >= limit for limit in SHADES)}"


def _short(path: str) -> str:
    """The last two parts of a path: `service.py` alone says little."""
    return "/".join(path.removesuffix(".py").split("/")[-2:])
