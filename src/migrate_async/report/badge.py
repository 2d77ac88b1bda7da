"""A badge for a README: how many per cent are async."""

from __future__ import annotations

from html import escape

_GREEN, _TEAL, _AMBER, _RED = "#2f7d32", "#0f766e", "#9a5b00", "#a83232"
_LABEL = "async"


def badge(done: float) -> str:
    """An SVG image; white text on each colour has a contrast of 4.5 to 1 or more."""
    value = f"{done:g}%"
    left, right = _width(_LABEL), _width(value)
    width = left + right
    title = escape(f"{_LABEL}: {value}")
    return f"""\
<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="20" role="img" aria-label="{title}">
<title>{title}</title>
<clipPath id="r"><rect width="{width}" height="20" rx="4"/></clipPath>
<g clip-path="url(#r)">
<rect width="{left}" height="20" fill="#3d3a4b"/>
<rect x="{left}" width="{right}" height="20" fill="{_colour(done)}"/>
</g>
<g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">
<text x="{left / 2:g}" y="14">{_LABEL}</text>
<text x="{left + right / 2:g}" y="14">{value}</text>
</g>
</svg>
"""


def _width(text: str) -> int:
    return 12 + 7 * len(text)


def _colour(done: float) -> str:
    if done >= 100:
        return _GREEN
    if done >= 66:
        return _TEAL
    return _AMBER if done >= 33 else _RED
