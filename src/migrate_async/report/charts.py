"""Charts as SVG text: drawn here, styled by the page, readable without either."""

from __future__ import annotations

import datetime
import math
from collections.abc import Sequence
from html import escape

from migrate_async.model.status import Snapshot

_WIDTH, _HEIGHT = 720, 260
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 16, 16, 32
_RING = 54


def ring(done: float, word: str = "async") -> str:
    """How many per cent are done, as a ring; `word` says what they are."""
    length = 2 * math.pi * _RING
    drawn = length * done / 100
    return f"""\
<svg class="ring" viewBox="0 0 128 128" role="img" aria-label="{done:g} per cent {word}">
<circle class="ring-track" cx="64" cy="64" r="{_RING}"/>
<circle class="ring-value" cx="64" cy="64" r="{_RING}" stroke-dasharray="{drawn:.1f} {length:.1f}"
 transform="rotate(-90 64 64)"/>
<text x="64" y="66" class="ring-number">{done:g}<tspan class="ring-unit">%</tspan></text>
<text x="64" y="86" class="ring-label">{word}</text>
</svg>"""


def trend(history: Sequence[Snapshot]) -> str:
    """Functions left over time, with a line from the first day to none left where it leads there.

    The horizontal axis is time, so that quiet weeks look quiet.
    """
    top = max(1, *(item.functions_left for item in history))
    axis = _Axis([_day(item) for item in history], _nice(top))
    points = [(axis.x(_day(item)), axis.y(item.functions_left)) for item in history]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    floor = axis.y(0)
    area = f"{points[0][0]:.1f},{floor:.1f} {line} {points[-1][0]:.1f},{floor:.1f}"
    first, last = history[0], history[-1]
    label = (
        f"Functions left to migrate: {first.functions_left} on {first.date}, "
        f"{last.functions_left} on {last.date}"
    )
    dots = "".join(_dot(item, *point) for item, point in zip(history, points, strict=True))
    return f"""\
<svg class="trend" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="group" aria-label="{escape(label)}">
{axis.grid()}
<defs><linearGradient id="fade" x1="0" y1="0" x2="0" y2="1">
<stop class="fade-top" offset="0"/><stop class="fade-end" offset="1"/></linearGradient></defs>
<polygon fill="url(#fade)" points="{area}"/>
<polyline class="line" points="{line}"/>
{dots}
</svg>"""


def _dot(item: Snapshot, x: float, y: float) -> str:
    left = f"{item.functions_left} of {item.functions} functions left"
    text = f"{item.date}: {left}, {item.done:g}% async"
    return (
        f'<g class="dot" tabindex="0" role="img" aria-label="{escape(text)}" '
        f'data-tip="{escape(text)}"><circle class="hit" cx="{x:.1f}" cy="{y:.1f}" r="12"/>'
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4.5"/></g>'
    )


class _Axis:
    """From days and numbers to places in the picture."""

    def __init__(self, days: Sequence[int], top: int) -> None:
        self._first, self._last, self._top = days[0], days[-1], top

    def x(self, day: int) -> float:
        span = self._last - self._first
        part = (day - self._first) / span if span else 0.5
        return _LEFT + part * (_WIDTH - _LEFT - _RIGHT)

    def y(self, number: float) -> float:
        return _TOP + (1 - number / self._top) * (_HEIGHT - _TOP - _BOTTOM)

    def grid(self) -> str:
        rows = [self._row(self._top * step / 4) for step in range(5)]
        return "\n".join([*rows, *self._dates()])

    def _row(self, number: float) -> str:
        y, right = self.y(number), _WIDTH - _RIGHT
        line = f'<line class="grid" x1="{_LEFT}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}"/>'
        place = f'x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end"'
        return f'{line}<text class="tick" {place}>{number:g}</text>'

    def _dates(self) -> list[str]:
        span = self._last - self._first
        count = min(4, span)
        days = [self._first + round(span * step / max(1, count)) for step in range(count + 1)]
        anchors = {days[0]: "start", days[-1]: "end"} if count else {}
        return [
            f'<text class="tick{"" if day in anchors else " inner"}" x="{self.x(day):.1f}" '
            f'y="{_HEIGHT - 8}" text-anchor="{anchors.get(day, "middle")}">{_date(day)}</text>'
            for day in days
        ]


def _day(item: Snapshot) -> int:
    return datetime.date.fromisoformat(item.date).toordinal()


def _date(day: int) -> str:
    date = datetime.date.fromordinal(day)
    return f"{date.day} {date:%b %Y}"


def _nice(number: int) -> int:
    """The next number that four round steps lead to: 4, 8, 12, 16, 20, 24, 32, 40, 80, ..."""
    scale = 1
    while True:
        for base in (4, 8, 12, 16, 20, 24, 32):
            if number <= base * scale:
                return base * scale
        scale *= 10
